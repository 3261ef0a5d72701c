"""Aggregates of summarize, with Kusto's answers for empty input: sums and counts 0, averages NaN, others null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.names import derived
from seawall.kql.bind.values import INTEGERS, NUMBERS, SQL_TYPES, Ex, quote, to_json, to_real
from seawall.kql.errors import Fault, refuse
from seawall.kql.facts import builtins, near
from seawall.kql.functions.registry import result
from seawall.kql.tree import Call, Expr, Name, Star

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.scope import Scope

Many = list[tuple[str, Ex]]
"""The columns of an aggregate that gives several: default names and values."""

MAX_LIST = 1_048_576


class Aggregates:
    """The part of the binder that reads aggregates."""

    ex: Callable[[Expr, Scope], Ex]
    test: Callable[..., str]
    constant: Callable[[Expr, Scope, str], Any]

    def aggregate(self, node: Call, scope: Scope) -> Ex:
        """Bind an aggregate that gives one value."""
        name = node.name
        inner = scope.inner()
        if name in _MANY:
            many = self.aggregate_many(node, scope)
            if many is not None and len(many) == 1:
                return many[0][1]
            raise Fault(f"{name}() gives several columns: it cannot stand inside an expression", node.pos)
        maker = ONE.get(name)
        if maker is None:
            if name in builtins().aggregates:
                raise refuse(f"the aggregate {name}()", node.pos)
            raise Fault(f"there is no aggregate {name}()", node.pos, hint=near(name, builtins().aggregates))
        known = builtins().aggregates[name]
        if not known.fewest <= len(node.args) <= known.most:
            raise Fault(
                f"{name}() takes {known.fewest} to {known.most} arguments, here are {len(node.args)}",
                node.pos,
            )
        return maker(self, node, inner)

    def aggregate_many(self, node: Call, scope: Scope) -> Many | None:
        """Bind an aggregate that gives several columns; None when `node` is not one."""
        maker = _MANY.get(node.name)
        return None if maker is None else maker(self, node, scope.inner())


ONE: dict[str, Callable[[Any, Call, Any], Ex]] = {}
_MANY: dict[str, Callable[[Any, Call, Any], Many]] = {}


def _filter(binder: Any, node: Call, scope: Any, index: int) -> str:
    return f" FILTER (WHERE {binder.test(node.args[index], scope, filtering=True)})"


def declare(
    name: str, *, condition: int | None = None
) -> Callable[[Callable[[Any, Call, Ex, str], Ex]], Callable[..., Ex]]:
    """Declare an aggregate of one value; `condition` is the index of the predicate of its `if` form."""

    def register(make: Callable[[Any, Call, Ex, str], Ex]) -> Callable[..., Ex]:
        def bound(binder: Any, node: Call, scope: Any) -> Ex:
            keep = _filter(binder, node, scope, condition) if condition is not None else ""
            return make(binder, node, binder.ex(node.args[0], scope), keep)

        for alias in name.split():
            ONE[alias] = bound
        return make

    return register


def _count(binder: Any, node: Call, scope: Any) -> Ex:
    if node.args:
        value = binder.ex(node.args[0], scope)
        return Ex(f"count({value.sql})", "long")
    return Ex("count(*)", "long")


ONE["count"] = ONE["cnt"] = _count
ONE["countif"] = lambda binder, node, scope: Ex(f"count(*){_filter(binder, node, scope, 0)}", "long")


def _sum(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder
    if value.type in INTEGERS or value.type == "timespan":
        return Ex(
            f"coalesce(sum({value.sql}){keep}, 0)::BIGINT", "timespan" if value.type == "timespan" else "long"
        )
    if value.type == "real":
        return Ex(f"coalesce(sum({value.sql}){keep}, 0::DOUBLE)", "real")
    if value.type == "decimal":
        return Ex(f"coalesce(k_decimal_sum(to_json(list({value.sql}){keep})::VARCHAR), '0')", "decimal")
    if value.type == "bool":
        return Ex(f"coalesce(sum({value.sql}::BIGINT){keep}, 0)::BIGINT", "long")
    raise Fault(f"{node.name}() of a {value.type}", node.pos, hint="convert it: tolong(...) or toreal(...)")


def _avg(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder
    if value.type in NUMBERS - {"decimal"} or value.type == "bool":
        sql = f"{value.sql}::BIGINT" if value.type == "bool" else value.sql
        return Ex(f"coalesce(avg({sql}){keep}, 'nan'::DOUBLE)", "real")
    if value.type in ("timespan", "datetime"):
        return Ex(f"(sum({value.sql}){keep} // nullif(count({value.sql}){keep}, 0))::BIGINT", value.type)
    if value.type == "decimal":
        return Ex(f"k_decimal_avg(to_json(list({value.sql}){keep})::VARCHAR)", "decimal")
    raise Fault(f"{node.name}() of a {value.type}", node.pos)


declare("sum")(_sum)
declare("sumif", condition=1)(_sum)
declare("avg")(_avg)
declare("avgif", condition=1)(_avg)


def _extreme(word: str) -> Callable[[Any, Call, Ex, str], Ex]:
    def make(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
        del binder
        if value.type in ("dynamic", "guid"):
            raise Fault(
                f"{node.name}() of a {value.type}", node.pos, hint="convert it: tostring(...) or toreal(...)"
            )
        if value.type == "decimal":
            return Ex(f"k_decimal_{word}(to_json(list({value.sql}){keep})::VARCHAR)", "decimal")
        if value.type == "string":
            return Ex(f"coalesce({word}({value.sql}){keep}, '')", "string")
        return Ex(f"{word}({value.sql}){keep}", value.type)

    return make


for _word in ("min", "max"):
    declare(_word)(_extreme(_word))
    declare(f"{_word}if", condition=1)(_extreme(_word))


def _dcount(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder, node
    return Ex(f"count(DISTINCT {value.sql}){keep}", "long")


declare("dcount count_distinct")(_dcount)
declare("dcountif count_distinctif", condition=1)(_dcount)


def _spread(function: str) -> Callable[[Any, Call, Ex, str], Ex]:
    def make(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
        del binder
        if value.type == "timespan" and function.startswith("std"):
            return Ex(f"coalesce({function}({value.sql}){keep}, 0)::BIGINT", "timespan")
        if value.type not in NUMBERS - {"decimal"} and value.type != "dynamic":
            raise Fault(f"{node.name}() of a {value.type}", node.pos)
        return Ex(f"coalesce({function}({to_real(value)}){keep}, 0::DOUBLE)", "real")

    return make


for _word, _function in {
    "stdev": "stddev_samp",
    "stdevp": "stddev_pop",
    "variance": "var_samp",
    "variancep": "var_pop",
}.items():
    declare(_word)(_spread(_function))
    declare(f"{_word}if", condition=1)(_spread(_function))


def _covariance(function: str, condition: int | None) -> Callable[[Any, Call, Any], Ex]:
    def bound(binder: Any, node: Call, scope: Any) -> Ex:
        x, y = to_real(binder.ex(node.args[0], scope)), to_real(binder.ex(node.args[1], scope))
        keep = _filter(binder, node, scope, condition) if condition is not None else ""
        return Ex(f"coalesce({function}({x}, {y}){keep}, 0::DOUBLE)", "real")

    return bound


ONE["covariance"] = _covariance("covar_samp", None)
ONE["covariancep"] = _covariance("covar_pop", None)
ONE["covarianceif"] = _covariance("covar_samp", 2)
ONE["covariancepif"] = _covariance("covar_pop", 2)


def _limit(binder: Any, node: Call, index: int) -> str:
    if len(node.args) <= index:
        return str(MAX_LIST)
    from seawall.kql.bind.scope import Env, Scope

    value = binder.constant(node.args[index], Scope(None, Env()), "a size limit")
    return str(max(0, min(int(value), MAX_LIST)))


def json_items(value: Ex, keep: str, limit: str, *, nulls: bool = False) -> str:
    """Write the list of a group's values as JSON texts."""
    item = to_json(value)
    if nulls:
        item = f"coalesce({item}, 'null')"
    elif value.type != "string":
        drop = f"({item}) IS NOT NULL"
        keep = f"{keep[:-1]} AND {drop})" if keep else f" FILTER (WHERE {drop})"
    return f"list({item}){keep}[1:{limit}]"


def joined(items: str) -> str:
    """Write a list of JSON texts as a JSON array."""
    return f"coalesce('[' || array_to_string({items}, ',') || ']', '[]')"


def _make_list(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    return result(joined(json_items(value, keep, _limit(binder, node, 2 if keep else 1))), "dynamic")


def _make_set(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    limit = _limit(binder, node, 2 if keep else 1)
    return result(f"k_set({joined(json_items(value, keep, str(MAX_LIST)))}, {limit})", "dynamic")


def _make_bag(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    if value.type != "dynamic":
        raise Fault(f"{node.name}() takes a dynamic, not a {value.type}", node.pos)
    return result(
        f"k_bag({joined(json_items(value, keep, _limit(binder, node, 2 if keep else 1)))})", "dynamic"
    )


declare("make_list makelist")(_make_list)
declare("make_list_if", condition=1)(_make_list)
declare("make_set makeset")(_make_set)
declare("make_set_if", condition=1)(_make_set)
declare("make_bag make_dictionary")(_make_bag)
declare("make_bag_if", condition=1)(_make_bag)
declare("make_list_with_nulls")(
    lambda _binder, _node, value, keep: result(
        joined(json_items(value, keep, str(MAX_LIST), nulls=True)), "dynamic"
    )
)
declare("buildschema")(
    lambda _binder, _node, value, keep: result(
        f"k_buildschema({joined(json_items(value, keep, str(MAX_LIST)))})", "dynamic"
    )
)

for _word in ("and", "or", "xor"):

    def _bits(binder: Any, node: Call, value: Ex, keep: str, word: str = _word) -> Ex:
        del binder
        if value.type not in INTEGERS:
            raise Fault(f"{node.name}() takes a long, not a {value.type}", node.pos)
        return Ex(f"bit_{word}({value.sql}){keep}", value.type)

    declare(f"binary_all_{_word}")(_bits)


# --- several columns ---------------------------------------------------------------------------------------


def _columns(binder: Any, args: tuple[Expr, ...], scope: Any, skip: str = "") -> list[tuple[str, Ex]]:
    """Bind what an aggregate returns besides: columns, expressions, or `*`."""
    out: list[tuple[str, Ex]] = []
    for arg in args:
        if isinstance(arg, Star):
            keys = getattr(binder, "group_names", ())
            out.extend(
                (col.name, col.ex) for col in scope.rel.visible if col.name != skip and col.name not in keys
            )
        else:
            out.append((derived(arg), binder.ex(arg, scope)))
    return out


def _picked(struct: str, index: int, value: Ex) -> Ex:
    sql = f"({struct}).f{index}"
    if value.type == "string":
        sql = f"coalesce({sql}, '')"
    if value.type == "dynamic" and not value.rep:
        return Ex(sql, "dynamic", base=sql)
    return Ex(sql, value.type, value.rep)


def _struct(values: list[tuple[str, Ex]]) -> str:
    return "{" + ", ".join(f"'f{i}': {value.sql}" for i, (_, value) in enumerate(values)) + "}"


def _arg(word: str) -> Callable[[Any, Call, Any], Many]:
    def bound(binder: Any, node: Call, scope: Any) -> Many:
        if not node.args:
            raise Fault(f"{node.name}() takes at least one argument", node.pos)
        first = node.args[0]
        by = binder.ex(first, scope)
        if by.type in ("dynamic", "guid"):
            raise Fault(
                f"{node.name}() of a {by.type}", node.pos, hint="convert it: tostring(...) or toreal(...)"
            )
        name = derived(first)
        rest = _columns(binder, node.args[1:], scope, name)
        values = [(name or f"{word[4:]}_", by), *rest]
        struct = _struct(values)
        order = f"k_decimal_key({by.sql})" if by.type == "decimal" else by.sql
        best = f"coalesce({word}({struct}, {order}), first({struct}))"
        if len(values) == 1 and by.type != "decimal":
            out = f"{word[4:]}({by.sql})"
            return [(values[0][0], Ex(f"coalesce({out}, '')" if by.type == "string" else out, by.type))]
        return [(one, _picked(best, i, value)) for i, (one, value) in enumerate(values)]

    return bound


for _name in ("arg_max", "argmax"):
    _MANY[_name] = _arg("arg_max")
for _name in ("arg_min", "argmin"):
    _MANY[_name] = _arg("arg_min")


def _any(prefix: str, condition: bool) -> Callable[[Any, Call, Any], Many]:
    def bound(binder: Any, node: Call, scope: Any) -> Many:
        keep = _filter(binder, node, scope, len(node.args) - 1) if condition else ""
        args = node.args[:-1] if condition else node.args
        values = _columns(binder, args, scope)
        if not values:
            raise Fault(f"{node.name}() takes at least one argument", node.pos)
        if len(values) == 1:
            name, value = values[0]
            sql = (
                f"coalesce(any_value(nullif({value.sql}, '')){keep}, '')"
                if value.type == "string"
                else f"any_value({value.sql}){keep}"
            )
            return [
                (
                    f"{prefix}{name}",
                    Ex(
                        sql,
                        value.type,
                        value.rep,
                        base=sql if value.type == "dynamic" and not value.rep else "",
                    ),
                )
            ]
        struct = f"first({_struct(values)}){keep}"
        return [(f"{prefix}{name}", _picked(struct, i, value)) for i, (name, value) in enumerate(values)]

    return bound


_MANY["any"] = _any("any_", condition=False)
_MANY["take_any"] = _any("", condition=False)
_MANY["anyif"] = _any("anyif_", condition=True)
_MANY["take_anyif"] = _any("", condition=True)


def _rank(value: Any) -> str:
    text = repr(float(value))
    return text.removesuffix(".0")


def _percent_name(value: Any) -> str:
    return _rank(value).replace(".", "_")


def _quantile(value: Ex, percent: float, node: Call) -> Ex:
    if not 0 <= percent <= 100:
        raise Fault("a percentile lies between 0 and 100", node.pos)
    type_ = value.type
    if type_ == "dynamic":
        return Ex(f"quantile_disc({to_real(value)}, {percent / 100!r})", "real")
    if type_ not in NUMBERS - {"decimal"} and type_ not in ("datetime", "timespan"):
        raise Fault(f"{node.name}() of a {type_}", node.pos)
    return Ex(f"quantile_disc({value.sql}, {percent / 100!r})", "long" if type_ == "int" else type_)


def _percentiles(binder: Any, node: Call, scope: Any) -> Many:
    value = binder.ex(node.args[0], scope)
    name = derived(node.args[0])
    out: Many = []
    for arg in node.args[1:]:
        percent = binder.constant(arg, scope, "a percentile")
        if not isinstance(percent, int | float):
            raise Fault("a percentile is a number", arg.pos)
        out.append((f"percentile_{name}_{_percent_name(percent)}", _quantile(value, float(percent), node)))
    return out


def _percents(binder: Any, args: tuple[Expr, ...], scope: Any) -> list[Any]:
    given = [binder.constant(arg, scope, "a percentile") for arg in args]
    return given[0] if len(given) == 1 and isinstance(given[0], list) else given


def _percentiles_array(binder: Any, node: Call, scope: Any) -> Many:
    value = binder.ex(node.args[0], scope)
    parts = ", ".join(
        f"coalesce({to_json(_quantile(value, float(p), node))}, 'null')"
        for p in _percents(binder, node.args[1:], scope)
    )
    return [
        (
            f"percentiles_{derived(node.args[0])}",
            result(f"('[' || concat_ws(',', {parts}) || ']')", "dynamic"),
        )
    ]


def _weighted(value: Ex, weight: Ex, percent: float, node: Call) -> Ex:
    if value.type not in INTEGERS | {"real", "datetime", "timespan"} or weight.type not in INTEGERS:
        raise Fault(f"{node.name}() takes a number and a whole weight", node.pos)
    sql = f"k_weighted(to_json(list([{to_real(value)}, {to_real(weight)}]))::VARCHAR, ({percent!r})::DOUBLE)"
    return Ex(
        sql if value.type == "real" else f"{sql}::{SQL_TYPES[value.type]}",
        "long" if value.type == "int" else value.type,
    )


def _percentilesw(binder: Any, node: Call, scope: Any) -> Many:
    value, weight = binder.ex(node.args[0], scope), binder.ex(node.args[1], scope)
    name = derived(node.args[0])
    return [
        (f"percentile_{name}_{_percent_name(p)}", _weighted(value, weight, float(p), node))
        for p in _percents(binder, node.args[2:], scope)
    ]


def _percentilesw_array(binder: Any, node: Call, scope: Any) -> Many:
    value, weight = binder.ex(node.args[0], scope), binder.ex(node.args[1], scope)
    parts = ", ".join(
        f"coalesce({to_json(_weighted(value, weight, float(p), node))}, 'null')"
        for p in _percents(binder, node.args[2:], scope)
    )
    return [
        (
            f"percentiles_{derived(node.args[0])}",
            result(f"('[' || concat_ws(',', {parts}) || ']')", "dynamic"),
        )
    ]


_MANY["percentile"] = _MANY["percentiles"] = _percentiles
_MANY["percentiles_array"] = _percentiles_array
_MANY["percentilew"] = _MANY["percentilesw"] = _percentilesw
_MANY["percentilesw_array"] = _percentilesw_array

__all__ = ["MAX_LIST", "ONE", "Aggregates", "Name", "declare", "joined", "json_items", "quote"]
