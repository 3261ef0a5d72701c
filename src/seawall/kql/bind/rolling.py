"""Plugins that look at a window around each row or bin: rolling_percentile, rows_near, active_users_count.

Source: the documentation's page of each plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.dimensions import Dimensions
from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import INTEGERS, Ex
from seawall.kql.errors import Fault
from seawall.kql.tree import Call, Lit, Name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seawall.kql.tree import Expr


def _count(binder: Any, node: Any, env: Env, what: str) -> int:
    value = binder.constant(node, Scope(None, env), what)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Fault(f"{what} is a whole number", node.pos)
    return value


class _Table:
    """The rows as a text `SELECT v, ..., d0, d1 ...`, and the columns of the answer that name its dimensions."""

    def __init__(
        self, binder: Any, rel: Rel, env: Env, values: dict[str, Ex], dimensions: Sequence[Expr]
    ) -> None:
        self.dims = Dimensions(binder, dimensions, Scope(rel, env))
        self.comma = self.dims.comma
        self.items = ", ".join([*(f"{ex.sql} AS {name}" for name, ex in values.items()), *self.dims.items()])
        self.ids = binder.ids
        self.ids.table += 1
        self.alias = f"t{self.ids.table}"

    def result(self, sql: str, timeline: tuple[str, str], label: str, type_: str) -> Rel:
        """Give the answer: the column `b` of the timeline, the dimensions, and the column `n`."""
        namer = Namer()
        cols = [Col(namer.unique(timeline[0]), Ex(f"{self.alias}.b", timeline[1]))]
        cols += self.dims.columns(self.alias, namer)
        cols.append(Col(namer.unique(label), Ex(f"{self.alias}.n", type_)))
        out = Rel(self.ids, cols, f"({sql}) AS {self.alias}")
        out.order = f" ORDER BY {', '.join(f'{self.alias}.{name}' for name in [*self.dims.held, 'b'])}"
        return out


def rolling_percentile(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`rolling_percentile(value, percentile, index, bin size, bins in a window [, dimensions])`."""
    if len(node.args) < 5:
        raise Fault("rolling_percentile takes at least 5 arguments", node.pos)
    scope = Scope(rel, env)
    value = binder.ex(node.args[0], scope)
    percent = binder.constant(node.args[1], Scope(None, env), "a percentile")
    if not isinstance(percent, int | float):
        raise Fault("a percentile is a number", node.args[1].pos)
    index = binder.ex(Call(node.args[2].pos, "bin", (node.args[2], node.args[3])), scope)
    size = binder.ex(node.args[3], Scope(None, env)).sql
    bins = _count(binder, node.args[4], env, "the number of bins")
    table = _Table(binder, rel, env, {"v": value, "b": index}, node.args[5:])
    window = Rel(binder.ids, [Col("v", Ex("r.v", value.type))], "")
    call = Call(node.pos, "percentile", (Name(node.pos, "v"), Lit(node.pos, "real", float(percent))))
    total: Ex = binder.aggregate(call, Scope(window, env, aggregate=True))
    sql = (
        f"WITH r AS (SELECT {table.items} FROM {rel.frm}),"
        f" k AS (SELECT DISTINCT b{table.comma} FROM r WHERE b IS NOT NULL)"
        f" SELECT k.b{table.dims.of('k')}, {total.sql} AS n FROM k JOIN r"
        f" ON r.b <= k.b AND r.b > k.b - {bins} * {size}{table.dims.same('r', 'k')} GROUP BY k.b{table.dims.of('k')}"
    )
    label = f"rolling_{bins}_percentile_{derived(node.args[0])}_{percent:g}"
    return table.result(sql, (derived(node.args[2]), index.type), label, total.type)


def rows_near(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`rows_near(condition, rows [, rows after])`: rows that a true condition is not far from."""
    if not 2 <= len(node.args) <= 3:
        raise Fault("rows_near takes a condition and one or two numbers of rows", node.pos)
    if not rel.sorted:
        raise Fault("rows_near takes rows that have an order", node.pos, hint="sort them, or serialize")
    before = _count(binder, node.args[1], env, "the number of rows")
    after = _count(binder, node.args[-1], env, "the number of rows")
    numbered = rel.replace([*rel.cols, Col("\0place", Ex("row_number() OVER ()", "long"))]).flush()
    test = binder.test(node.args[0], Scope(numbered, env), filtering=True)
    place = numbered.names["\0place"].ex.sql
    near = f"bool_or({test}) OVER (ORDER BY {place} ROWS BETWEEN {after} PRECEDING AND {before} FOLLOWING)"
    flat = numbered.replace([*numbered.cols, Col("\0near", Ex(near, "bool"))]).flush()
    flat.where = [flat.names["\0near"].ex.sql]
    out = flat.replace([col for col in flat.cols if col.name not in ("\0place", "\0near")])
    out.order = f" ORDER BY {flat.names[chr(0) + 'place'].ex.sql}"
    out.sorted = True
    return out


def active_users_count(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`active_users_count(id, timeline, start, end, lookback, period, periods, bin [, dimensions])`.

    A row counts when its id was seen in so many periods of the time that ends with it; the other end is left out
    (the page's example has a day on it that does not count).
    """
    if len(node.args) < 8:
        raise Fault("active_users_count takes at least 8 arguments", node.pos)
    scope, alone = Scope(rel, env), Scope(None, env)
    who, time = binder.ex(node.args[0], scope), binder.ex(node.args[1], scope)
    if time.type not in ("datetime", *INTEGERS):
        raise Fault(f"a timeline is a datetime or a long, not a {time.type}", node.args[1].pos)
    start, end, look, period, width = (binder.ex(node.args[i], alone) for i in (2, 3, 4, 5, 7))
    span = "timespan" if time.type == "datetime" else "long"
    for arg, ex, want in zip(
        (*node.args[2:6], node.args[7]),
        (start, end, look, period, width),
        (time.type, time.type, span, span, span),
        strict=True,
    ):
        if ex.type != want and not {ex.type, want} <= INTEGERS:
            raise Fault(f"active_users_count takes a {want} here, not a {ex.type}", arg.pos)
    fewest = _count(binder, node.args[6], env, "the number of periods")
    table = _Table(binder, rel, env, {"w": who, "t": time}, node.args[8:])
    sql = (
        f"WITH r AS (SELECT DISTINCT {table.items} FROM {rel.frm} WHERE {time.sql} IS NOT NULL),"
        f" a AS (SELECT c.w, c.t{table.dims.of('c')} FROM r AS c JOIN r AS s"
        f" ON s.w = c.w AND s.t <= c.t AND s.t > c.t - {look.sql}{table.dims.same('s', 'c')}"
        f" WHERE c.t >= {start.sql} AND c.t <= {end.sql} GROUP BY ALL"
        f" HAVING count(DISTINCT floor(s.t::DOUBLE / {period.sql})) >= {fewest})"
        f" SELECT {start.sql} + ((t - {start.sql}) // {width.sql}) * {width.sql} AS b{table.comma},"
        f" count(DISTINCT w) AS n FROM a GROUP BY b{table.comma}"
    )
    return table.result(sql, (derived(node.args[1]), time.type), "dcount", "long")


ROLLING: dict[str, Callable[[Any, Call, Rel, Env], Rel]] = {
    "rolling_percentile": rolling_percentile,
    "rows_near": rows_near,
    "active_users_count": active_users_count,
}
"""Name of a plugin -> what binds it."""
