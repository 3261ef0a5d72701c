"""Why a row is in an answer: which predicates decided it, and the smallest change that removes it.

The change is not guessed: the row is changed, the query runs again over it, and only a change that took the row
out of the answer is told. A row is in the answer when the answer would be another one without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.kql.compiler import read
from seawall.kql.errors import Fault, KqlError, locate
from seawall.kql.explain.changes import Change, smallest
from seawall.kql.explain.flatten import flat
from seawall.kql.explain.paths import atoms, follow, leaves
from seawall.kql.explain.single import Single
from seawall.kql.lexer import END, tokenize
from seawall.kql.tree import Where, walk

if TYPE_CHECKING:
    from seawall.kql.database import Database
    from seawall.kql.explain.flatten import Flat
    from seawall.kql.tree import Expr, Query

_OPEN: Final = ("(", "[", "{")
_CLOSE: Final = (")", "]", "}")
__all__ = ["Change", "Explained", "Predicate", "explain"]


class Predicate(msgspec.Struct, frozen=True):
    """One predicate of the query: its text, where it stands, whether it held, and the value that it saw.

    Where the row has become several (mv-expand), it held if it held for one of them.
    """

    text: str
    line: int
    held: bool | None
    path: str
    observed: Any


class Explained(msgspec.Struct, frozen=True):
    """Why one row is in the answer, or is not.

    `changes` together take the row out of the answer, and no fewer of those that were tried do; it is empty
    where the row is not in the answer, or nothing that was tried removes it.
    """

    table: str
    row_id: str
    included: bool
    predicates: tuple[Predicate, ...]
    changes: tuple[Change, ...]

    @property
    def change(self) -> Change | None:
        """The change, where one alone is enough."""
        return self.changes[0] if len(self.changes) == 1 else None


def explain(database: Database, text: str, row_id: str, *, key: str = "id") -> Explained:
    """Explain a row of a table that the query reads.

    Args:
        database: where the table lies.
        text: the query; it may begin with a table, a `let`, a query in parentheses or a union of them.
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
    except RecursionError:
        raise KqlError("the query is nested too deeply", kind="limit") from None


def _explain(database: Database, text: str, query: Query, row_id: str, key: str) -> Explained:
    parts, row = _find(database, query, row_id, key)
    name = parts[0].table
    table = database.catalog.find(name)
    assert table is not None  # noqa: S101 - `_find` has found it; for the reader and for mypy
    columns = [(column.name, column.type) for column in table.columns]
    one = Single(database, table.name, columns, query, parts, row, key)
    included = one.included(row)
    predicates: dict[tuple[int, str], Predicate] = {}
    found: list[Any] = []
    start = {column: (column,) for column, _ in columns}
    for part in parts:
        for index, (step, names) in enumerate(follow(part.steps, start)):
            if isinstance(step, Where):
                for leaf in leaves(step.predicate):
                    held, shown, observed = one.test(part, index, leaf)
                    line = text.count("\n", 0, leaf.pos) + 1
                    told = Predicate(_text(text, leaf), line, held, shown, observed)
                    predicates.setdefault((leaf.pos, shown), told)
            found.extend(atoms(step, names))
    changes = smallest(one, row, columns, found) if included else ()
    return Explained(table.name, row_id, included, tuple(predicates.values()), changes)


def _find(database: Database, query: Query, row_id: str, key: str) -> tuple[list[Flat], list[Any]]:
    """Return the pipelines over the first table that has the row, and the row."""
    parts = flat(query, database.profile.default_table)
    known = [(part, table) for part in parts if (table := database.catalog.find(part.table)) is not None]
    if not known:
        raise Fault("only a query over tables of the database can be explained", query.body.pos)
    keyed = [(part, table) for part, table in known if any(one.name == key for one in table.columns)]
    if not keyed:
        raise Fault(f"table {known[0][1].name!r} has no column {key!r}", query.body.pos)
    for part, table in keyed:
        literal = msgspec.json.encode(row_id).decode()
        rows = database.query(f"['{table.name}'] | where ['{key}'] == {literal}").rows
        if rows:
            same = [other for other, its in keyed if its.name == table.name]
            return [part, *(other for other in same if other is not part)], list(rows[0])
    raise KqlError(f"no row of {keyed[0][1].name!r} has {key} {row_id!r}")


def _text(text: str, leaf: Expr) -> str:
    """Return a condition as it is written: from its first token to its last, brackets closed."""
    places = [part.pos for part in walk(leaf)]
    first, last = min(places), max(places)
    depth, end = 0, first
    tokens = [token for token in tokenize(text) if token.pos >= first and token.kind != END]
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        end = token.end
        # A path goes on behind its last node; a call or a list ends with its bracket.
        goes_on = after is not None and (after.text in (".", "[", "(") or token.text == ".")
        if (
            token.pos >= last
            and depth <= 0
            and not (goes_on and after is not None and after.pos == token.end)
        ):
            break
    return " ".join(text[first:end].split())
