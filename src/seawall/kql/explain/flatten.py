"""A query as pipelines over tables: `let`, parentheses and unions resolved."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.kql.tree import Call, Let, Name, Operator, Pipeline, Query, Sub, Union, walk

_MOST = 32


class Flat(msgspec.Struct, frozen=True):
    """One table and the steps that its rows go through."""

    table: str
    steps: tuple[Operator, ...]


def flat(query: Query, default: str) -> list[Flat]:
    """Return the pipelines that lead from tables to the query's answer, at most 32 of them."""
    named = {one.name: one.value for one in query.statements if isinstance(one, Let)}
    out: list[Flat] = []
    for one in _of(query.body, named, default, 0)[:_MOST]:
        if one not in out:
            out.append(one)
    return out


def _of(node: Any, named: dict[str, Any], default: str, depth: int) -> list[Flat]:
    if depth > _MOST:
        return []
    if isinstance(node, Sub):
        return _of(node.query, named, default, depth + 1)
    if isinstance(node, Name):
        if node.name in named:
            others = {name: value for name, value in named.items() if name != node.name}
            return _of(named[node.name], others, default, depth + 1)
        return [Flat(node.name, ())]
    if isinstance(node, Call) and node.name == "materialize" and len(node.args) == 1:
        return _of(node.args[0], named, default, depth + 1)
    if isinstance(node, Union):
        return [one for leg in node.tables for one in _of(leg, named, default, depth + 1)]
    if not isinstance(node, Pipeline):
        return []
    heads = [Flat(default, ())] if node.source is None else _of(node.source, named, default, depth + 1)
    out = [Flat(head.table, (*head.steps, *node.steps)) for head in heads]
    for index, step in enumerate(node.steps):
        if isinstance(step, Union):
            legs = _of(step, named, default, depth + 1)
            out.extend(Flat(leg.table, (*leg.steps, *node.steps[index + 1 :])) for leg in legs)
    return out


def mentions(node: Any, table: str) -> int:
    """Count how often a tree names a table."""
    return sum(isinstance(part, Name) and part.name.lower() == table.lower() for part in walk(node))
