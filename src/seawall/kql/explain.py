"""Why a row is in an answer: which predicates decided it, and the smallest change that removes it.

The change is not guessed: the row is changed, the query runs again over it, and only a change that took the row
out of the answer is told.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.compiler import compile_tree, read
from seawall.kql.errors import Fault, KqlError, locate
from seawall.kql.tree import (
    Binary,
    Call,
    Dot,
    Expr,
    Index,
    InList,
    Lit,
    Name,
    Named,
    Operator,
    Pipeline,
    Project,
    Query,
    Sub,
    Where,
)

if TYPE_CHECKING:
    from seawall.kql.database import Database


class Predicate(msgspec.Struct, frozen=True):
    """One predicate of the query: its text, where it stands, whether it held, and the value that it saw."""

    text: str
    line: int
    held: bool | None
    path: str
    observed: Any


class Change(msgspec.Struct, frozen=True):
    """One change of one property that takes the row out of the answer (checked)."""

    path: str
    before: Any
    after: Any


class Explained(msgspec.Struct, frozen=True):
    """Why one row is in the answer, or is not."""

    table: str
    row_id: str
    included: bool
    predicates: tuple[Predicate, ...]
    change: Change | None


def explain(database: Database, text: str, row_id: str, *, key: str = "id") -> Explained:
    """Explain a row of the query's first table.

    Args:
        database: where the table lies.
        text: a query whose first operators are where, extend and project.
        row_id: the row's value in the column `key`.
        key: the column that names rows.

    Raises:
        KqlError: there is no such row, or the query cannot be explained.
    """
    query = read(text)
    try:
        return _explain(database, text, query, row_id, key)
    except Fault as fault:
        raise locate(fault, text) from None


def _explain(database: Database, text: str, query: Query, row_id: str, key: str) -> Explained:
    body = query.body
    source = body.source
    name = (
        source.name if isinstance(source, Name) else database.profile.default_table if source is None else ""
    )
    table = database.catalog.find(name)
    if table is None:
        raise Fault("only a query over one table of the database can be explained", body.pos)
    columns = [(column.name, column.type) for column in table.columns]
    if key not in dict(columns):
        raise Fault(f"table {table.name!r} has no column {key!r}", body.pos)
    rows = database.query(
        f"['{table.name}'] | where ['{key}'] == {msgspec.json.encode(row_id).decode()}"
    ).rows
    if not rows:
        raise KqlError(f"no row of {table.name!r} has {key} {row_id!r}")
    one = _Single(database, table.name, columns, query)
    predicates: list[Predicate] = []
    leaves: list[tuple[Expr, bool | None]] = []
    for index, step in enumerate(body.steps):
        if isinstance(step, Where):
            for leaf in _leaves(step.predicate):
                held, path, observed = one.test(rows[0], body, index, leaf)
                line = text.count("\n", 0, leaf.pos) + 1
                predicates.append(Predicate(_text(text, leaf), line, held, path, observed))
                leaves.append((leaf, held))
        elif not isinstance(step, Project):
            break
    included = one.included(rows[0])
    change = _change(one, rows[0], columns, leaves, predicates) if included else None
    return Explained(table.name, row_id, included, tuple(predicates), change)


class _Single:
    """A database with one row of one table, the other tables as they are."""

    def __init__(self, database: Database, table: str, columns: list[tuple[str, str]], query: Query) -> None:
        from seawall.kql.database import Database as Engine

        self.table = table
        self.columns = columns
        self.query = query
        self.engine = Engine(database.profile.name, database.limits, database.clock)
        for other in database.catalog.tables.values():
            if other.name != table:
                shown = [(column.name, column.type) for column in other.columns]
                self.engine.add_table(other.name, shown, database.query(f"['{other.name}']").rows)

    def run(self, row: list[Any], body: Pipeline) -> list[list[Any]]:
        self.engine.add_table(self.table, self.columns, [_loadable(row, self.columns)])
        plan = compile_tree(Query(0, self.query.statements, body), self.engine.catalog)
        return self.engine.query(plan).rows

    def included(self, row: list[Any]) -> bool:
        return bool(self.run(row, self.query.body))

    def test(self, row: list[Any], body: Pipeline, index: int, leaf: Expr) -> tuple[bool | None, str, Any]:
        before = tuple(
            step for step in body.steps[:index] if isinstance(step, Project) and step.mode == "extend"
        )
        operand, path = _operand(leaf)
        items: list[Expr] = [Named(leaf.pos, ("held",), leaf)]
        if operand is not None:
            items.append(Named(operand.pos, ("seen",), operand))
        steps: tuple[Operator, ...] = (*before, Project(leaf.pos, "project", tuple(items)))
        found = self.run(row, Pipeline(body.pos, body.source, steps))[0]
        return found[0], path, found[1] if operand is not None else None


def _loadable(row: list[Any], columns: list[tuple[str, str]]) -> list[Any]:
    from seawall.kql import rest

    return rest.rows([row], columns)[0]


def _leaves(node: Expr) -> list[Expr]:
    if isinstance(node, Binary) and node.op in ("and", "or"):
        return [*_leaves(node.left), *_leaves(node.right)]
    if isinstance(node, Sub) and isinstance(node.query.source, Expr) and not node.query.steps:
        return _leaves(node.query.source)
    return [node]


def _operand(leaf: Expr) -> tuple[Expr | None, str]:
    """Find the value that a predicate looks at, and its path as written."""
    found: list[Expr] = []

    def visit(node: Any) -> None:
        if found:
            return
        if isinstance(node, Name | Dot | Index):
            found.append(node)
        elif isinstance(node, Expr):
            for field in node.__struct_fields__:
                value = getattr(node, field)
                for item in value if isinstance(value, tuple) else (value,):
                    visit(item)

    visit(leaf)
    return (found[0], _dotted(found[0])) if found else (None, "")


def _dotted(node: Expr) -> str:
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Dot):
        return f"{_dotted(node.base)}.{node.key}"
    if isinstance(node, Index) and isinstance(node.index, Lit):
        value = node.index.value
        return f"{_dotted(node.base)}.{value}" if isinstance(value, str) else f"{_dotted(node.base)}[{value}]"
    return ""


def _text(text: str, leaf: Expr) -> str:
    start = text.rfind("\n", 0, leaf.pos) + 1
    end = text.find("\n", leaf.pos)
    return text[start : end if end >= 0 else len(text)].strip()


def _candidates(leaf: Expr, seen: Any) -> list[Any]:
    """Values that would make a predicate false, the likeliest first."""
    literals: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, Lit):
            literals.extend(node.value if isinstance(node.value, list) else [node.value])
        elif isinstance(node, Expr):
            for field in node.__struct_fields__:
                value = getattr(node, field)
                for item in value if isinstance(value, tuple) else (value,):
                    visit(item)

    visit(leaf)
    out: list[Any] = [value for value in literals if not isinstance(value, str) or value]
    if isinstance(seen, bool):
        out.insert(0, not seen)
    for value in literals:
        if isinstance(value, bool):
            out.append(not value)
        elif isinstance(value, int):
            out.extend((value + 1, value - 1))
    out.extend((True, False, "", 0, 1, [], None))
    return out


def _change(
    one: _Single,
    row: list[Any],
    columns: list[tuple[str, str]],
    leaves: list[tuple[Expr, bool | None]],
    predicates: list[Predicate],
) -> Change | None:
    places = {name: (index, type_) for index, (name, type_) in enumerate(columns)}
    for (leaf, held), predicate in zip(leaves, predicates, strict=True):
        steps = predicate.path.split(".") if predicate.path and "[" not in predicate.path else []
        if not held or not steps or steps[0] not in places or steps[0] in ("type", "id", "name"):
            continue
        index, type_ = places[steps[0]]
        if (type_ == "dynamic") != (len(steps) > 1) or isinstance(leaf, Call | Binary | InList) is False:
            continue
        for value in _candidates(leaf, predicate.observed):
            if value == predicate.observed and type(value) is type(predicate.observed):
                continue
            changed = copy.deepcopy(row)
            if len(steps) == 1:
                changed[index] = value
            else:
                target = changed[index] = changed[index] if isinstance(changed[index], dict) else {}
                for step in steps[1:-1]:
                    target[step] = target[step] if isinstance(target.get(step), dict) else {}
                    target = target[step]
                target[steps[-1]] = value
            try:
                gone = not one.included(changed)
            except KqlError:
                continue
            if gone:
                return Change(predicate.path, predicate.observed, value)
    return None
