"""Why a query would not run in Azure Resource Graph (specs b.6): `seawall query --profile arg --check`.

Two profiles: `arg-documented` is what the page query-language.md says (its stored version of 03/2021);
`arg-observed` also allows what public queries use and Resource Graph is known to accept (fullouter joins).
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.kql.compiler import read
from seawall.kql.errors import Fault, locate
from seawall.kql.tree import (
    CountRows,
    DataTable,
    Evaluate,
    JoinOp,
    Lambda,
    Let,
    MvExpand,
    Node,
    Operator,
    Parse,
    Pipeline,
    Print,
    Project,
    RangeOp,
    Render,
    Sort,
    Summarize,
    Take,
    Top,
    Union,
    Where,
)


class Obstacle(msgspec.Struct, frozen=True, order=True):
    """One reason why a query would not run, with its place."""

    line: int
    column: int
    reason: str
    excerpt: str = ""
    hint: str = ""


OPERATORS: tuple[type, ...] = (
    CountRows,
    JoinOp,
    MvExpand,
    Parse,
    Project,
    Sort,
    Summarize,
    Take,
    Top,
    Union,
    Where,
    Pipeline,
)
MODES = {"project", "extend", "away", "distinct", "keep", "rename", "reorder"}
DOCUMENTED_MODES = {"project", "extend", "away", "distinct"}
KINDS = {
    "arg-documented": {"", "innerunique", "inner", "leftouter"},
    "arg-observed": {"", "innerunique", "inner", "leftouter", "fullouter"},
}
MOST_JOINS, MOST_EXPANDS, MOST_LEGS, ROW_LIMIT = 3, 3, 3, 400
PORTABLE_PROFILES = tuple(KINDS)


def obstacles(text: str, profile: str = "arg-documented") -> list[Obstacle]:
    """Say why a query would not run in Resource Graph; an empty list means that nothing speaks against it.

    Args:
        text: the query.
        profile: `arg-documented` or `arg-observed`; any other profile has no limits of its own.

    Raises:
        KqlError: the query cannot be parsed at all.
    """
    query = read(text)
    if profile == "arg":
        profile = "arg-observed"
    if profile not in KINDS:
        return []
    found: list[Fault] = []
    counts = {"join": 0, "mv-expand": 0}
    _visit(query, profile, counts, found)
    out: list[Obstacle] = []
    for fault in found:
        place = locate(fault, text)
        out.append(Obstacle(place.line, place.column, fault.message, place.excerpt, fault.hint))
    return sorted(out)


def _visit(node: Any, profile: str, counts: dict[str, int], found: list[Fault]) -> None:
    if isinstance(node, tuple):
        for item in node:
            _visit(item, profile, counts, found)
        return
    if not isinstance(node, Node):
        return
    if isinstance(node, Let) and isinstance(node.value, Lambda):
        found.append(Fault(f"Resource Graph has no functions of a query's own ({node.name})", node.pos))
    if isinstance(node, Operator):
        _operator(node, profile, counts, found)
    for field in node.__struct_fields__:
        _visit(getattr(node, field), profile, counts, found)


def _operator(node: Operator, profile: str, counts: dict[str, int], found: list[Fault]) -> None:
    documented = profile == "arg-documented"
    if isinstance(node, JoinOp):
        counts["join"] += 1
        if node.mode == "lookup":
            found.append(Fault("Resource Graph has no lookup", node.pos, hint="use join kind=leftouter"))
        elif node.kind not in KINDS[profile]:
            found.append(
                Fault(
                    f"Resource Graph has no join of kind {node.kind}",
                    node.pos,
                    hint=f"it has {', '.join(sorted(k for k in KINDS[profile] if k))}",
                )
            )
        if counts["join"] == MOST_JOINS + 1:
            found.append(Fault(f"Resource Graph allows {MOST_JOINS} joins in a query", node.pos))
    elif isinstance(node, MvExpand):
        counts["mv-expand"] += 1
        if counts["mv-expand"] == MOST_EXPANDS + 1:
            found.append(Fault(f"Resource Graph allows {MOST_EXPANDS} mv-expand in a query", node.pos))
        limit = getattr(node.limit, "value", 0)
        if isinstance(limit, int) and limit > ROW_LIMIT:
            found.append(Fault(f"mv-expand gives at most {ROW_LIMIT} rows in Resource Graph", node.pos))
    elif isinstance(node, Union):
        if len(node.tables) > MOST_LEGS:
            found.append(Fault(f"Resource Graph allows {MOST_LEGS} legs of a union", node.pos))
    elif isinstance(node, Project):
        if node.mode not in (DOCUMENTED_MODES if documented else MODES):
            found.append(Fault(f"Resource Graph has no project-{node.mode}", node.pos))
    elif isinstance(node, Print | RangeOp | DataTable | Render | Evaluate) or not isinstance(node, OPERATORS):
        name = type(node).__name__.lower().removesuffix("op")
        found.append(Fault(f"Resource Graph has no operator {name}", node.pos))
