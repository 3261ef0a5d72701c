"""What a regular expression is made of, flags already resolved."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, gc=False):
    """A part of a regular expression."""


class Char(Node, frozen=True, gc=False):
    """One character; with `fold` in either case."""

    code: int
    fold: bool


class Dot(Node, frozen=True, gc=False):
    """Any character; without `lines` not the line feed."""

    lines: bool


class Assert(Node, frozen=True, gc=False):
    """A place: text-start, text-end, line-start, line-end, word, not-word, word-start, word-end, half-start, half-end."""

    kind: str
    wide: bool = True


class Cat(Node, frozen=True, gc=False):
    """One after the other."""

    items: tuple[Node, ...]


class Alt(Node, frozen=True, gc=False):
    """One of several, the first that fits."""

    items: tuple[Node, ...]


class Repeat(Node, frozen=True, gc=False):
    """Again and again: at least `low`, at most `high` times (None: any number)."""

    item: Node
    low: int
    high: int | None
    greedy: bool


class Group(Node, frozen=True, gc=False):
    """A capturing group."""

    index: int
    name: str
    item: Node


# --- classes of characters ---------------------------------------------------------------------------------


class Span(Node, frozen=True, gc=False):
    """The characters from `low` to `high`."""

    low: int
    high: int


class Named(Node, frozen=True, gc=False):
    """A class with a name: `perl` (d, s, w), `ascii` (alpha ...), `category` (Lu ...), `script`, `property`."""

    kind: str
    name: str
    negated: bool
    wide: bool = True


class Union(Node, frozen=True, gc=False):
    """Characters in any of several classes; with `negated` all others."""

    items: tuple[Node, ...]
    negated: bool = False


class Op(Node, frozen=True, gc=False):
    """Two classes together: `&&` in both, `--` in the first only, `~~` in one only."""

    op: str
    left: Node
    right: Node


class Set(Node, frozen=True, gc=False):
    """One character of a class; with `fold` in either case."""

    item: Node
    fold: bool


class Pattern(msgspec.Struct, frozen=True):
    """A whole expression: its tree, its groups by number, and the numbers of those that have names."""

    node: Node
    groups: int
    names: dict[str, int]
