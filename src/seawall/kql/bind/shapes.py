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
        if step.known and (step.const is None or step.const <= 0):
            raise Fault("a step is above zero", node.step.pos)
        real = axis.type == "real" or step.type == "real"
        width = f"nullif({step.sql}, 0)"
        # Places are counted from the start; without one from zero, and each series begins at its first place
        # that has data, as it ends with its last where there is no end (docs: make-series, parameters).
        base = self.bound(node.start, axis, env) if node.start is not None else "0"
        if node.in_range:
            base = _aligned(base, width, real=real)
        stop = self.bound(node.stop, axis, env) if node.stop is not None else ""
        keys: list[Col] = []
        namer = Namer(numbers=self.numbers)
        for item in node.keys:
            value = self.ex(item, scope)
            keys.append(Col(namer.unique(derived(item)), value))
        self.groupable(keys, node.pos)
        place = _place(f"({axis.sql} - {base})", width, real=real)
        grouped = Rel(self.ids, [*keys, Col("\0place", Ex(place, "long"))], rel.frm, {})
        grouped.where = [f"{place} IS NOT NULL"]
        if node.start is not None:
            grouped.where.append(f"{axis.sql} >= {base}")
        if stop:
            within = f"{place} <= {_place(f'({stop} - {base})', width, real=real)}"
            grouped.where.append(within if node.in_range else f"{axis.sql} < {stop}")
        inner = Scope(rel, env, aggregate=True)
        values: list[Col] = []
        for item, _ in node.aggregates:
            self.add_aggregate(item, inner, values, namer)
        if len(values) != len(node.aggregates):
            raise refuse("an aggregate of several columns in make-series", node.pos)
        for (item, _), col in zip(node.aggregates, values, strict=True):
            if col.ex.type in ("dynamic", "string", "guid"):
                raise refuse(f"a series of {col.ex.type} values", item.pos, "make-series takes numbers")
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
        first = "0" if node.start is not None else f"min({at})"
        start = base if node.start is not None else f"({first} * {width})"
        if not stop:
            count = f"greatest(0, max({at}) - {first} + 1)"
        elif node.in_range:
            count = f"greatest(0, {_place(f'({stop} - {base})', width, real=real)} + 1)"
        else:  # the places before the end: it is where a place would begin that does not count any more
            count = f"greatest(0, -({_place(f'({start} - {stop})', width, real=real)}))"
        cols = [Col(col.name, flat.names[col.name].ex) for col in keys]
        for i, ((_, default), col) in enumerate(zip(node.aggregates, values, strict=True)):
            value = flat.names[f"\0v{i}"].ex
            fill = to_json(self.ex(default, scope)) if default is not None else "'null'"
            if default is None:
                fill = "'0.0'" if value.type == "real" else "'0'" if value.type in NUMBERS else "'null'"
            pairs = f"'[' || string_agg('[' || {at} || ',' || coalesce({to_json(value)}, 'null') || ']', ',') || ']'"
            sql = f"k_series_fill(coalesce({pairs}, '[]'), {count}, {fill}, {first})"
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

    def bound(self, node: Expr, axis: Ex, env: Env) -> str:
        """Write one end of a series' axis."""
        value = self.ex(node, Scope(None, env))
        if value.type != axis.type and not (value.type in NUMBERS and axis.type in NUMBERS):
            raise Fault(f"an end of the axis is a {axis.type}, not a {value.type}", node.pos)
        return str(value.sql)

    def op_scan(self, node: Scan, rel: Rel, env: Env) -> Rel:
        """`scan`."""
        from seawall.kql.bind.scan import scan

        return scan(self, node, rel, env)


__all__ = ["Any", "Shapes", "to_real"]


def _place(distance: str, width: str, *, real: bool) -> str:
    """Write how many whole steps a distance is, rounded down; exact for whole numbers and ticks."""
    if real:
        return f"TRY_CAST(floor({distance}::DOUBLE / {width}) AS BIGINT)"
    return f"(({distance} - ({distance} % {width} + {width}) % {width}) // {width})"


def _aligned(start: str, width: str, *, real: bool) -> str:
    """Write the start of `in range(...)`: its places are those of bin(), which of them is first is not documented."""
    away = f"abs({start} - round({start} / {width}) * {width}) > 1e-9" if real else f"{start} % {width} <> 0"
    message = "Unanswered: make-series in range() whose start is no multiple of its step is not supported: use from, to, step"
    return f"(CASE WHEN {away} THEN error('{message}') ELSE {start} END)"
