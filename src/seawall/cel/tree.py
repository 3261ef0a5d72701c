"""The tree of a parsed expression. Every node has `at`, its offset in the text; the checker writes `type`."""

from __future__ import annotations

from typing import Any

from seawall.cel.types import DYN, Type


class Node:
    """Any expression."""

    __slots__ = ("at", "type")

    def __init__(self, at: int) -> None:
        self.at = at
        self.type: Type = DYN


class Literal(Node):
    """A constant."""

    __slots__ = ("value",)

    def __init__(self, at: int, value: Any, kind: Type) -> None:
        super().__init__(at)
        self.value = value
        self.type = kind


class Ident(Node):
    """A name; a leading dot asks for the root scope."""

    __slots__ = ("name", "rooted", "slot")

    def __init__(self, at: int, name: str, *, rooted: bool = False) -> None:
        super().__init__(at)
        self.name = name
        self.rooted = rooted
        self.slot: int | None = None
        """Set by the checker for a variable of a comprehension."""


class Select(Node):
    """`operand.field`, `has(operand.field)` (test) or `operand.?field` (optional)."""

    __slots__ = ("field", "operand", "optional", "qualified", "test")

    def __init__(
        self, at: int, operand: Node, field: str, *, test: bool = False, optional: bool = False
    ) -> None:
        super().__init__(at)
        self.operand = operand
        self.field = field
        self.test = test
        self.optional = optional
        self.qualified = ""
        """Set by the checker where the whole chain names a variable or a type."""


class Index(Node):
    """`operand[key]` or `operand[?key]`."""

    __slots__ = ("key", "operand", "optional")

    def __init__(self, at: int, operand: Node, key: Node, *, optional: bool = False) -> None:
        super().__init__(at)
        self.operand = operand
        self.key = key
        self.optional = optional


class Call(Node):
    """A function or operator; `target` is the receiver of a method."""

    __slots__ = ("args", "function", "overloads", "target")

    def __init__(self, at: int, function: str, args: list[Node], target: Node | None = None) -> None:
        super().__init__(at)
        self.function = function
        self.args = args
        self.target = target
        self.overloads: list[Any] = []


class ListLit(Node):
    """`[a, ?b]`; `optional` has the positions with a question mark."""

    __slots__ = ("items", "optional")

    def __init__(self, at: int, items: list[Node], optional: frozenset[int]) -> None:
        super().__init__(at)
        self.items = items
        self.optional = optional


class MapLit(Node):
    """`{k: v, ?k: v}`."""

    __slots__ = ("entries",)

    def __init__(self, at: int, entries: list[tuple[Node, Node, bool]]) -> None:
        super().__init__(at)
        self.entries = entries


class StructLit(Node):
    """`Name{field: value}`."""

    __slots__ = ("entries", "name")

    def __init__(self, at: int, name: str, entries: list[tuple[str, Node, bool]]) -> None:
        super().__init__(at)
        self.name = name
        self.entries = entries


class Fold(Node):
    """A comprehension macro: `kind` is its name, `variables` one or two names over `source`.

    `step` is the predicate or the transformation, `test` the filter of `map` and the `transform`s with one.
    `opt_map` and `opt_flat_map` bind the value of an optional; `bind` binds `source` itself.
    """

    __slots__ = ("kind", "slots", "source", "step", "test", "variables")

    def __init__(
        self, at: int, kind: str, source: Node, variables: tuple[str, ...], step: Node, test: Node | None
    ) -> None:
        super().__init__(at)
        self.kind = kind
        self.source = source
        self.variables = variables
        self.step = step
        self.test = test
        self.slots: tuple[int, ...] = ()


def children(node: Node) -> list[Node]:
    """Return the nodes below a node, in no order."""
    match node:
        case Select():
            return [node.operand]
        case Index():
            return [node.operand, node.key]
        case Call():
            return [*node.args, *([node.target] if node.target is not None else [])]
        case ListLit():
            return node.items
        case MapLit():
            return [each for key, value, _ in node.entries for each in (key, value)]
        case StructLit():
            return [value for _, value, _ in node.entries]
        case Fold():
            return [node.source, node.step, *([node.test] if node.test is not None else [])]
    return []


def qualified_name(node: Node) -> str:
    """Return `a.b.c` of a chain of plain selections, else the empty text."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.test and not node.optional:
        parts.append(node.field)
        node = node.operand
    if not isinstance(node, Ident):
        return ""
    parts.append(node.name)
    return ".".join(reversed(parts))
