"""One row of a table asked for by itself: is it in the answer, and does a predicate hold for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql import rest
from seawall.kql.compiler import compile_tree
from seawall.kql.errors import Fault, KqlError
from seawall.kql.explain.flatten import Flat, mentions
from seawall.kql.tree import (
    Binary,
    Call,
    Dot,
    Expr,
    Index,
    JoinOp,
    Lit,
    MvApply,
    MvExpand,
    Name,
    Named,
    Parse,
    Pipeline,
    Project,
    Query,
    Sort,
    Union,
    Where,
)

if TYPE_CHECKING:
    from seawall.kql.database import Database
    from seawall.kql.tree import Operator

_BY_ROW = (Where, MvExpand, MvApply, Parse, JoinOp, Union, Sort)


class Single:
    """A database whose one table holds a row, with the others of the table where the answer hangs on them."""

    def __init__(
        self,
        database: Database,
        table: str,
        columns: list[tuple[str, str]],
        query: Query,
        parts: list[Flat],
        row: list[Any],
        key: str,
    ) -> None:
        from seawall.kql.database import Database as Engine

        self.table = table
        self.columns = columns
        self.query = query
        self.key = key
        self.row_id = row[[name for name, _ in columns].index(key)]
        self.limits = database.limits
        self.engine = Engine(database.profile.name, database.limits, database.clock)
        self.seconds = database.limits.seconds
        for other in database.catalog.tables.values():
            if other.name != table:
                shown = [(column.name, column.type) for column in other.columns]
                self.engine.add_table(other.name, shown, database.query(f"['{other.name}']").rows)
        self.others: list[list[Any]] = []
        if not all(_by_row(part.steps) for part in parts) or mentions(
            (query.statements, query.body), table
        ) > len(parts):
            literal = msgspec.json.encode(self.row_id).decode()
            self.others = [
                list(one) for one in database.query(f"['{table}'] | where ['{key}'] != {literal}").rows
            ]
        self._load([])
        self.without = self._answer(self.query.body)

    def _load(self, rows: list[list[Any]]) -> None:
        self.engine.add_table(self.table, self.columns, rest.rows([*self.others, *rows], self.columns))

    def _answer(self, body: Pipeline) -> Counter[bytes]:
        rows = self._rows(body)
        return Counter(msgspec.json.encode([str(value) for value in row]) for row in rows)

    def _rows(self, body: Pipeline) -> list[list[Any]]:
        plan = compile_tree(Query(0, self.query.statements, body), self.engine.catalog)
        return self.engine.query(plan).rows

    def included(self, row: list[Any]) -> bool:
        """Tell whether the answer is another one with the row than without it."""
        self._load([row])
        return self._answer(self.query.body) != self.without

    def test(self, part: Flat, index: int, leaf: Expr) -> tuple[bool | None, str, Any]:
        """Return whether a condition before the step `index` of a pipeline holds, what it looks at, and its value."""
        before = part.steps[:index]
        if not any(_mixes(step) for step in before):
            before = tuple(step for step in before if not isinstance(step, Where))
        operand, path = _operand(leaf)
        items: list[Expr] = [Named(leaf.pos, ("held",), leaf)]
        if operand is not None:
            items.append(Named(operand.pos, ("seen",), operand))
        asking = Project(leaf.pos, "project", tuple(items))
        mine = Where(0, Binary(0, "==", Name(0, self.key), Lit(0, "string", self.row_id)))
        found: list[list[Any]] = []
        for steps in ((*before, mine, asking), (*before, asking)):
            # The column that names the row may be gone by then.
            try:
                found = self._rows(Pipeline(0, Name(0, self.table), steps))
            except (Fault, KqlError):
                continue
            break
        if not found:
            return None, path, None
        first = next((one for one in found if one[0] is True), None) or next(
            (one for one in found if one[0] is False), found[0]
        )
        return first[0], path, first[1] if operand is not None else None


def _mixes(step: Operator) -> bool:
    return not isinstance(step, (*_BY_ROW, Project)) or (
        isinstance(step, Project) and step.mode == "distinct"
    )


def _by_row(steps: tuple[Operator, ...]) -> bool:
    """Tell whether what becomes of a row hangs on that row alone."""
    return not any(_mixes(step) for step in steps)


def _operand(leaf: Expr) -> tuple[Expr | None, str]:
    """Find the value that a predicate looks at, and its path as written."""
    open_: list[Any] = [leaf]
    while open_:
        node = open_.pop()
        if isinstance(node, tuple):
            open_.extend(reversed(node))
        elif isinstance(node, Name | Dot | Index):
            return node, _dotted(node)
        elif isinstance(node, Expr):
            open_.extend(getattr(node, field) for field in reversed(node.__struct_fields__))
    return None, ""


def _dotted(node: Expr) -> str:
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Dot):
        return f"{_dotted(node.base)}.{node.key}"
    if isinstance(node, Index) and isinstance(node.index, Lit):
        value = node.index.value
        return f"{_dotted(node.base)}.{value}" if isinstance(value, str) else f"{_dotted(node.base)}[{value}]"
    if isinstance(node, Call) and node.args:
        return _dotted(node.args[0])
    return ""
