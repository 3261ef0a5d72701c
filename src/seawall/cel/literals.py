"""What is checked of literals once all types are known, since Kubernetes 1.29.

Lists and maps hold one type each (cel-go `homogeneousAggregateLiteralValidator`), and the clauses of a format that
is written out take the arguments that are written out (`stringFormatValidator`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.cel.tree import Call, ListLit, Literal, MapLit, Node, children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.cel.types import Type

_EXEMPT = "format"  # at any depth below a call of this name, aggregates may mix types
_CLAUSE = re.compile(r"%(?:(%)|(\.[0-9]*)?(.)?)", re.DOTALL)
_ALLOWED = {
    "s": {
        "list", "map", "int", "uint", "double", "bool", "string", "google.protobuf.Timestamp", "bytes",
        "google.protobuf.Duration", "type", "null_type",
    },
    "d": {"int", "uint"},
    "f": {"double", "string"},
    "e": {"double", "string"},
    "b": {"int", "uint", "bool"},
    "x": {"int", "uint", "string", "bytes"},
    "X": {"int", "uint", "string", "bytes"},
    "o": {"int", "uint"},
}  # fmt: skip


def problems(tree: Node) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with the literals of a checked tree, with its offset."""
    stack = [(tree, False)]
    while stack:
        node, exempt = stack.pop()
        if isinstance(node, ListLit) and not exempt:
            given = [(item, position in node.optional) for position, item in enumerate(node.items)]
            yield from _mixed(given)
        elif isinstance(node, MapLit) and not exempt:
            yield from _mixed([(key, False) for key, _, _ in node.entries])
            yield from _mixed([(value, optional) for _, value, optional in node.entries])
        elif isinstance(node, Call) and node.function == _EXEMPT:
            exempt = True
            yield from _format(node)
        stack.extend((child, exempt) for child in children(node))


def _mixed(given: list[tuple[Node, bool]]) -> Iterator[tuple[int, str]]:
    first: Type | None = None
    for node, optional in given:
        kind = node.type
        if optional:
            if kind.kind != "optional_type":
                # cel-go 0.26.0 panics here, and with it the API server's request (specs/policy.md b5a.4)
                yield node.at, f"an optional entry must be known to be an optional, and is '{kind}'"
                return
            kind = kind.params[0]
        if first is None:
            first = kind
        elif kind != first and "error" not in {kind.kind, first.kind}:
            yield node.at, f"expected type '{first}' but found '{kind}'"
            return


def _format(node: Call) -> Iterator[tuple[int, str]]:
    template, given = node.target, node.args[0] if len(node.args) == 1 else None
    if not isinstance(template, Literal) or not isinstance(template.value, str):
        return
    if not isinstance(given, ListLit):
        return
    used = 0
    for match in _CLAUSE.finditer(template.value):
        if match[1]:
            continue
        if match[3] is None:
            yield node.at, "unexpected end of string"
            return
        if match[2] == "." or match[3] not in _ALLOWED:
            yield node.at, f'could not parse formatting clause: unrecognized formatting clause "{match[3]}"'
            return
        if used >= len(given.items):
            yield node.at, f"index {used} out of range"
            return
        bad = _unfit(given.items[used], match[3])
        if bad is not None:
            kind = bad.type.kind
            yield bad.at, f"error during formatting: the clause %{match[3]} cannot be used on {kind}"
            return
        used += 1
    if used < len(given.items):
        count = len(given.items)
        yield node.at, f"too many arguments supplied to string.format (expected {used}, got {count})"


def _unfit(node: Node, verb: str) -> Node | None:
    """Return the node that a clause does not take, None where it may take all."""
    kind = node.type.kind
    if kind != "dyn" and kind not in _ALLOWED[verb]:
        return node
    if verb != "s":
        return None
    inner = node.items if isinstance(node, ListLit) else []
    if isinstance(node, MapLit):
        inner = [each for key, value, _ in node.entries for each in (key, value)]
    return next((bad for each in inner if (bad := _unfit(each, verb)) is not None), None)
