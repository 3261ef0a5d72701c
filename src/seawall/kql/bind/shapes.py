"""Operators that change a table's shape: make-series."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.finding import Finding
from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import NUMBERS, Ex, quote, to_json, to_real
from seawall.kql.errors import Fault, Whole, refuse
from seawall.kql.tree import (
    Evaluate,
    Expr,
    MakeSeries,
    MvApply,
    Operator,
    Partition,
    Scan,
    Search,
    TopNested,
)


class Shapes(Finding):
    """The part of the binder that changes a table's shape."""

    def shape_step(self, node: Operator, rel: Rel, env: Env) -> Rel:
        """Bind the operators of this module."""
        if isinstance(node, MvApply):
            return self.op_mv_apply(node, rel, env)
        if isinstance(node, Partition):
            return self.op_partition(node, rel, env)
        if isinstance(node, Evaluate):
            return self.op_evaluate(node, rel, env)
        if isinstance(node, MakeSeries):
            return self.op_make_series(node, rel, env)
        if isinstance(node, TopNested):
            return self.op_top_nested(node, rel, env)
        if isinstance(node, Search):
            return self.op_search(node, rel, env)
        if isinstance(node, Scan):
            return self.op_scan(node, rel, env)
        raise refuse(f"the operator {type(node).__name__.lower()}", node.pos)

    def other_source(self, node: Operator, env: Env) -> Rel:
        """Bind an operator that stands first."""
        if isinstance(node, Search):
            return self.op_search(node, None, env)
        raise refuse(f"{type(node).__name__.lower()} without a table before it", node.pos)

    # --- make-series ---------------------------------------------------------------------------------------

    def op_make_series(self, node: MakeSeries, rel: Rel, env: Env) -> Rel:
        """`make-series`: an array for each aggregate, one place for each step of the axis."""
        if self.part_columns(rel):
            raise Whole("make-series inside mv-apply or partition", node.pos)
        rel = self.once(rel).flush()
        scope = Scope(rel, env)
        axis = self.ex(node.axis, scope)
        axis_name = derived(node.axis) or "Column1"
        if axis.type not in ("datetime", "timespan") and axis.type not in NUMBERS - {"decimal"}:
            raise Fault(f"make-series takes no {axis.type} as its axis", node.pos)
        step = self.ex(node.step, scope)
        moment = axis.type in ("datetime", "timespan")
        if (step.type != "timespan") if moment else (step.type not in NUMBERS):
            raise Fault(f"a step over {axis.type} is no {step.type}", node.step.pos)
        width = step.sql
        start = self.bound(node.start, axis, rel, env, f"min({axis.sql})")
        stop = self.bound(node.stop, axis, rel, env, "")
        if node.start is None:
            floor = f"CASE WHEN {width} > 0 THEN floor(({start})::DOUBLE / {width}) * {width} END"
            start = f"({floor})::{'DOUBLE' if axis.type == 'real' else 'BIGINT'}"
            if axis.type != "real":
                start = f"(SELECT m - ((m % {width}) + {width}) % {width} FROM (SELECT min({axis.sql}) AS m FROM {rel.frm}))"
        if node.stop is None:
            last = f"(SELECT max({axis.sql}) FROM {rel.frm})"
            count = f"greatest(0, floor(({last} - {start})::DOUBLE / {width})::BIGINT + 1)"
        elif node.in_range:
            count = f"greatest(0, floor(({stop} - {start})::DOUBLE / {width})::BIGINT + 1)"
        else:
            count = f"greatest(0, ceil(({stop} - {start})::DOUBLE / {width})::BIGINT)"
        keys: list[Col] = []
        namer = Namer(numbers=self.numbers)
        for item in node.keys:
            value = self.ex(item, scope)
            keys.append(Col(namer.unique(derived(item)), value))
        self.groupable(keys, node.pos)
        place = f"floor(({axis.sql} - {start})::DOUBLE / {width})::BIGINT"
        grouped = Rel(self.ids, [*keys, Col("\0place", Ex(place, "long"))], rel.frm, {})
        grouped.where = [f"{axis.sql} IS NOT NULL", f"{axis.sql} >= {start}", f"{place} < {count}"]
        inner = Scope(rel, env, aggregate=True)
        values: list[Col] = []
        for item, _ in node.aggregates:
            self.add_aggregate(item, inner, values, namer)
        if len(values) != len(node.aggregates):
            raise refuse("an aggregate of several columns in make-series", node.pos)
        grouped = grouped.replace(
            [
                *keys,
                *[Col(f"\0v{i}", col.ex) for i, col in enumerate(values)],
                Col("\0place", Ex(place, "long")),
            ]
        )
        grouped.group = f" GROUP BY {', '.join([*(col.ex.sql for col in keys), place])}"
        flat = grouped.flush()
        at = flat.names["\0place"].ex.sql
        cols = [Col(col.name, flat.names[col.name].ex) for col in keys]
        for i, ((_, default), col) in enumerate(zip(node.aggregates, values, strict=True)):
            value = flat.names[f"\0v{i}"].ex
            fill = to_json(self.ex(default, scope)) if default is not None else "'null'"
            if default is None:
                fill = "'0.0'" if value.type == "real" else "'0'" if value.type in NUMBERS else "'null'"
            pairs = f"'[' || string_agg('[' || {at} || ',' || coalesce({to_json(value)}, 'null') || ']', ',') || ']'"
            sql = f"k_series_fill(coalesce({pairs}, '[]'), {count}, {fill})"
            cols.append(Col(col.name, Ex(sql, "dynamic", base=sql)))
        kind = (
            "datetime"
            if axis.type == "datetime"
            else "timespan"
            if axis.type == "timespan"
            else "real"
            if axis.type == "real" or step.type == "real"
            else "long"
        )
        axis_sql = (
            f"k_axis({start}::DOUBLE, {width}::DOUBLE, {count}, 'real')"
            if kind == "real"
            else f"k_axis_whole({start}, {width}, {count}, {quote(kind)})"
        )
        cols.append(Col(namer.unique(axis_name), Ex(axis_sql, "dynamic", base=axis_sql)))
        out = Rel(self.ids, cols, flat.frm)
        out.group = (
            f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}"
            if keys
            else (" HAVING count(*) > 0" if node.kind != "nonempty" else " HAVING true")
        )
        return out

    def bound(self, node: Expr | None, axis: Ex, rel: Rel, env: Env, absent: str) -> str:
        """Write one end of a series' axis."""
        if node is None:
            return f"(SELECT {absent} FROM {rel.frm})" if absent else ""
        value = self.ex(node, Scope(None, env))
        if value.type != axis.type and not (value.type in NUMBERS and axis.type in NUMBERS):
            raise Fault(f"an end of the axis is a {axis.type}, not a {value.type}", node.pos)
        return str(value.sql)

    def op_scan(self, node: Scan, rel: Rel, env: Env) -> Rel:
        """`scan`."""
        from seawall.kql.bind.scan import scan

        return scan(self, node, rel, env)


__all__ = ["Any", "Shapes", "to_real"]
