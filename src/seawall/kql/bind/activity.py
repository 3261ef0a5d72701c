"""Plugins that count who was there when: activity_counts_metrics, activity_metrics, sliding_window_counts.

All take `(id, timeline, start, end, ...)` and put the rows into bins of one width from the start on; rows outside
[start, end] are left out (docs: the page of each plugin).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.dimensions import Dimensions
from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import Ex, to_json
from seawall.kql.errors import Fault
from seawall.kql.tree import Named

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.tree import Call, Expr


class _Timeline:
    """The rows in bins: a text `FROM (...) AS base` with columns id, bin and d0, d1 ... for the dimensions."""

    def __init__(self, binder: Any, node: Call, rel: Rel, env: Env, plain: int) -> None:
        args = node.args
        if len(args) < plain:
            raise Fault(f"{node.name} takes at least {plain} arguments, here are {len(args)}", node.pos)
        scope, alone = Scope(rel, env), Scope(None, env)
        self.binder = binder
        self.node = node
        self.time: Ex = binder.ex(args[1], scope)
        if self.time.type not in ("datetime", "long", "int"):
            raise Fault(f"a timeline is a datetime or a long, not a {self.time.type}", args[1].pos)
        self.step_type = "timespan" if self.time.type == "datetime" else "long"
        self.start = self.value(args[2], alone, self.time.type)
        self.end = self.value(args[3], alone, self.time.type)
        self.spans = [self.value(arg, alone, self.step_type) for arg in args[4:plain]]
        step = self.spans[-1]
        self.dims = Dimensions(binder, args[plain:], scope)
        who = to_json(binder.ex(args[0], scope))
        bins = f"({self.start} + (({self.time.sql} - {self.start}) // {step}) * {step})"
        items = ", ".join([f"{who} AS id", f"{bins} AS bin", *self.dims.items()])
        where = " AND ".join(
            [*rel.where, f"{self.time.sql} >= {self.start}", f"{self.time.sql} <= {self.end}"]
        )
        self.base = f"(SELECT {items} FROM {rel.frm} WHERE {where}) AS base"
        self.by = self.dims.comma

    def value(self, arg: Expr, scope: Scope, type_: str) -> str:
        """Write an argument that is the same for all rows."""
        ex: Ex = self.binder.ex(arg, scope)
        whole = {"long", "int"}
        if ex.type != type_ and not {ex.type, type_} <= whole:
            raise Fault(f"{self.node.name} takes a {type_} here, not a {ex.type}", arg.pos)
        return str(ex.sql)

    def result(self, sql: str, columns: list[tuple[str, str, str]]) -> Rel:
        """Give the answer: the timeline, the dimensions, then `(name, SQL name, type)` each."""
        ids = self.binder.ids
        ids.table += 1
        alias = f"t{ids.table}"
        namer = Namer()
        cols = [Col(namer.unique(derived(self.node.args[1])), Ex(f"{alias}.bin", self.time.type))]
        cols += self.dims.columns(alias, namer)
        cols += [Col(namer.unique(name), Ex(f"{alias}.{place}", type_)) for name, place, type_ in columns]
        out = Rel(ids, cols, f"({sql}) AS {alias}")
        out.order = f" ORDER BY {alias}.bin"
        return out


def counts_metrics(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`activity_counts_metrics(id, timeline, start, end, step [, dimensions])`."""
    line = _Timeline(binder, node, rel, env, 5)
    over = f"PARTITION BY id{line.by}"
    part = f"PARTITION BY {line.by[2:]} " if line.by else ""
    sql = (
        f"SELECT *, sum(fresh) OVER ({part}ORDER BY bin)::BIGINT AS total FROM ("
        f"SELECT bin{line.by}, count(*) AS n, count(DISTINCT id) AS who,"
        f" count(DISTINCT CASE WHEN first = bin THEN id END) AS fresh"
        f" FROM (SELECT *, min(bin) OVER ({over}) AS first FROM {line.base}) GROUP BY bin{line.by})"
    )
    return line.result(
        sql,
        [("count", "n", "long"), ("dcount", "who", "long"), ("new_dcount", "fresh", "long"),
         ("aggregated_dcount", "total", "long")],
    )  # fmt: skip


def metrics(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`activity_metrics(id, timeline, start, end, window [, dimensions])`: who came, came back, and did not."""
    line = _Timeline(binder, node, rel, env, 5)
    step = line.spans[-1]
    over = f"PARTITION BY id{line.by}"
    sql = (
        f"WITH seen AS (SELECT DISTINCT id, bin{line.by} FROM {line.base}),"
        f" marked AS (SELECT *, min(bin) OVER ({over}) = bin AS fresh,"
        f" lag(bin) OVER ({over} ORDER BY bin) = bin - {step} AS back FROM seen),"
        f" c AS (SELECT bin{line.by}, count(*) AS who, count(*) FILTER (WHERE fresh) AS fresh,"
        f" count(*) FILTER (WHERE back) AS back FROM marked GROUP BY bin{line.by})"
        " SELECT c.*, coalesce(c.back / o.who, 'nan'::DOUBLE) AS kept, coalesce(1 - c.back / o.who, 'nan'::DOUBLE) AS lost"
        f" FROM c LEFT JOIN c AS o ON o.bin = c.bin - {step}{line.dims.same('o', 'c')}"
    )
    return line.result(
        sql,
        [("dcount_values", "who", "long"), ("dcount_newvalues", "fresh", "long"), ("retention_rate", "kept", "real"),
         ("churn_rate", "lost", "real")],
    )  # fmt: skip


def sliding(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`sliding_window_counts(id, timeline, start, end, lookback, bin [, dimensions])`."""
    line = _Timeline(binder, node, rel, env, 6)
    look, step = line.spans
    sql = (
        f"SELECT w.bin{line.by}, count(*) AS n, count(DISTINCT id) AS who"
        f" FROM (SELECT unnest(range({line.start}, {line.end} + 1, {step})) AS bin) AS w"
        f" JOIN {line.base} ON base.bin <= w.bin AND base.bin > w.bin - {look} GROUP BY w.bin{line.by}"
    )
    return line.result(sql, [("Count", "n", "long"), ("dcount", "who", "long")])


def dcount_intersect(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`dcount_intersect(state, state ...)`: s0 is in the first, s1 in the first two, and so on."""
    states = [binder.ex(arg, Scope(rel, env)) for arg in node.args]
    if len(states) < 2 or any(ex.type != "dynamic" for ex in states):
        raise Fault("dcount_intersect takes two states of hll() or more", node.pos)
    cols = list(rel.cols)
    namer = Namer({col.name for col in cols})
    for i in range(len(states)):
        items = ", ".join(f"coalesce({to_json(ex)}, 'null')" for ex in states[: i + 1])
        cols.append(
            Col(namer.unique(f"s{i}"), Ex(f"k_hll_common('[' || concat_ws(',', {items}) || ']')", "long"))
        )
    return rel.replace(cols)


def schema_merge(binder: Any, node: Call, rel: Rel, env: Env) -> Rel:
    """`schema_merge([PreserveOrder])` over rows of `getschema`: the columns in the order of their first appearance."""
    wanted = ("ColumnName", "ColumnOrdinal", "DataType", "ColumnType")
    if any(name not in rel.names for name in wanted):
        raise Fault("schema_merge takes the rows that getschema gives", node.pos)
    keep = True
    for arg in node.args:
        keep = bool(
            binder.constant(arg.value if isinstance(arg, Named) else arg, Scope(None, env), "PreserveOrder")
        )
    name, place, data, type_ = (rel.names[one].ex.sql for one in wanted)
    ids = binder.ids
    ids.table += 1
    alias = f"t{ids.table}"
    # A column that stands at two places is out of order; the texts are those of the plugin's page.
    off = "min(p) <> max(p)" if keep else "false"
    other = "min(t) <> max(t)"
    clash = "error('schema_merge: the types of column ' || n || ' are not the same')"
    sql = (
        f"SELECT n, CASE WHEN {other} THEN {clash} WHEN {off} THEN '' ELSE min(d) END AS d,"
        f" CASE WHEN {off} THEN '' ELSE min(t) END AS t, {off} AS off, max(p) AS far, min(r) AS r FROM"
        f" (SELECT {name} AS n, {place} AS p, {data} AS d, {type_} AS t, row_number() OVER () AS r FROM {rel.frm}) GROUP BY n"
    )
    whole = (
        "SELECT n, CASE WHEN off THEN -1 ELSE row_number() OVER (ORDER BY off, far, r) - 1 END AS p,"
        " CASE WHEN off THEN 'ERROR(unknown CSL type:ERROR(columns are out of order))' ELSE d END AS d,"
        f" CASE WHEN off THEN 'ERROR(columns are out of order)' ELSE t END AS t, off, far, r FROM ({sql})"
    )
    columns = zip(wanted, ("n", "p", "d", "t"), ("string", "long", "string", "string"), strict=True)
    out = Rel(
        ids,
        [Col(title, Ex(f"{alias}.{held}", kind)) for title, held, kind in columns],
        f"({whole}) AS {alias}",
    )
    out.order = f" ORDER BY {alias}.off, {alias}.far, {alias}.r"
    return out


ACTIVITY: dict[str, Callable[[Any, Call, Rel, Env], Rel]] = {
    "activity_counts_metrics": counts_metrics,
    "activity_metrics": metrics,
    "sliding_window_counts": sliding,
    "dcount_intersect": dcount_intersect,
    "schema_merge": schema_merge,
}
"""Name of a plugin -> what binds it."""
