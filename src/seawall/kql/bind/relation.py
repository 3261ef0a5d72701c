"""A table in the making: columns as expressions over a FROM clause, with filters, written as one SELECT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.kql.bind.values import Ex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.kql.bind.values import Origin

HEAVY = 48
"""SQL longer than this is computed once, in a subquery, before it is used again."""

CHANCE = re.compile(r"\b(?:random|uuid)\(\)")
"""What gives another value each time it is computed: written once, and referred to from then on."""


class Col:
    """A column: its KQL name and its value."""

    __slots__ = ("ex", "name")

    def __init__(self, name: str, ex: Ex) -> None:
        self.name = name
        self.ex = ex

    def __repr__(self) -> str:
        return f"Col({self.name}: {self.ex!r})"


def types_of(columns: Iterable[Col]) -> dict[str, list[str]]:
    """Gather the types that columns of one name have in several tables, each once, in the order they come."""
    types: dict[str, list[str]] = {}
    for col in columns:
        kinds = types.setdefault(col.name, [])
        if col.ex.type not in kinds:
            kinds.append(col.ex.type)
    return types


class Ids:
    """Counts the names that a compilation gives to columns, tables and scans."""

    __slots__ = ("column", "scan", "table")

    def __init__(self) -> None:
        self.column = 0
        self.table = 0
        self.scan = 0


class Rel:
    """A relation. `leaves` are shredded values below dynamic columns that later operators may ask for."""

    __slots__ = (
        "cols",
        "distinct",
        "frm",
        "group",
        "ids",
        "leaves",
        "limit",
        "names",
        "order",
        "sorted",
        "source",
        "where",
    )

    def __init__(self, ids: Ids, cols: list[Col], frm: str, leaves: dict[Origin, Ex] | None = None) -> None:
        self.ids = ids
        hidden = [col for col in cols if col.name[:1] == "\0"]
        self.cols = [col for col in cols if col.name[:1] != "\0"] + hidden if hidden else cols
        self.frm = frm
        self.where: list[str] = []
        self.order = ""
        self.limit = ""
        self.group = ""
        self.distinct = False
        self.leaves = leaves or {}
        self.names: dict[str, Col] = {col.name: col for col in cols}
        self.sorted = False
        self.source = ""

    @property
    def hidden(self) -> bool:
        """Whether there are columns that the query does not see."""
        return bool(self.cols) and self.cols[-1].name[:1] == "\0"

    @property
    def visible(self) -> list[Col]:
        """The columns that the query sees. Hidden ones always stand at the end."""
        return [col for col in self.cols if col.name[:1] != "\0"] if self.hidden else self.cols

    def arranged(self, cols: list[Col]) -> Rel:
        """Give the same rows with other visible columns; hidden ones stay, at the end."""
        return self.replace(
            [
                *(col for col in cols if col.name[:1] != "\0"),
                *(col for col in self.cols if col.name[:1] == "\0"),
            ]
        )

    @property
    def closed(self) -> bool:
        """Whether a further filter or expression needs a subquery."""
        return bool(self.order or self.limit or self.group or self.distinct)

    @property
    def heavy(self) -> bool:
        """Whether some column is an expression that must not be repeated: too long, or a matter of chance."""
        return any(_heavy(col.ex) for col in self.cols)

    def replace(self, cols: list[Col]) -> Rel:
        """Give the same rows with other columns."""
        out = Rel(self.ids, cols, self.frm, self.leaves)
        out.where = self.where
        out.order, out.limit, out.group, out.distinct = self.order, self.limit, self.group, self.distinct
        out.sorted = self.sorted
        out.source = self.source
        return out

    def clone(self) -> Rel:
        """Give a copy that may be changed."""
        out = self.replace(list(self.cols))
        out.where = list(self.where)
        return out

    def tail(self) -> str:
        """Write everything behind the column list."""
        sql = f" FROM {self.frm}" if self.frm else ""
        if self.where:
            sql += " WHERE " + " AND ".join(self.where)
        return sql + self.group + self.order + self.limit

    def select(self, extra: Iterable[str] = ()) -> tuple[str, list[Col]]:
        """Write the SELECT; the second value has the columns as the outside sees them, without a table alias."""
        ids = self.ids
        items: list[str] = []
        seen: list[Col] = []
        for col in self.cols:
            ids.column += 1
            name = f"c{ids.column}"
            items.append(f"{col.ex.sql} AS {name}")
            seen.append(Col(name, col.ex))
        items.extend(extra)
        head = "SELECT DISTINCT " if self.distinct else "SELECT "
        return head + (", ".join(items) or "1") + self.tail(), seen

    def flush(self) -> Rel:
        """Make a subquery of it: every column becomes a plain reference."""
        ids = self.ids
        ids.table += 1
        alias = f"t{ids.table}"
        leaves: dict[Origin, Ex] = {}
        extra: list[str] = []
        if not self.group and not self.distinct:
            for origin, leaf in self.leaves.items():
                ids.column += 1
                extra.append(f"{leaf.sql} AS l{ids.column}")
                leaves[origin] = Ex(f"{alias}.l{ids.column}", "dynamic", leaf.rep, origin=origin)
        sql, seen = self.select(extra)
        cols = [
            Col(col.name, refer(col.ex, f"{alias}.{inner.name}"))
            for col, inner in zip(self.cols, seen, strict=True)
        ]
        out = Rel(ids, cols, f"({sql}) AS {alias}", leaves)
        out.sorted = self.sorted
        out.source = self.source
        return out

    def again(self, source: str) -> Rel:
        """Give a flushed relation that is kept under the name `source` once more, under an alias of its own."""
        self.ids.table += 1
        alias = f"t{self.ids.table}"

        def moved(ex: Ex) -> Ex:
            return refer(ex, f"{alias}.{ex.sql.rpartition('.')[2]}")

        leaves = {origin: moved(leaf) for origin, leaf in self.leaves.items()}
        out = Rel(
            self.ids, [Col(col.name, moved(col.ex)) for col in self.cols], f"{source} AS {alias}", leaves
        )
        out.sorted, out.source = self.sorted, self.source
        return out

    def settle(self) -> Rel:
        """Give a relation to which expressions may be added: flushed where that is needed."""
        return self.flush() if self.closed or self.heavy else self


def refer(ex: Ex, sql: str) -> Ex:
    """Make the reference to an expression that a subquery has computed."""
    if ex.type == "dynamic" and not ex.rep:
        return Ex(sql, "dynamic", base=sql, origin=ex.origin, const=ex.const)
    return Ex(sql, ex.type, ex.rep, origin=ex.origin, const=ex.const)


def _heavy(ex: Ex) -> bool:
    # A path is not rendered for the question; it is heavy only when its base is.
    sql = ex.base if ex._sql is None else ex._sql
    if ex._sql is not None and ex.known:
        return False
    return len(sql) > HEAVY or CHANCE.search(sql) is not None
