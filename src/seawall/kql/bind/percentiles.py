"""Percentiles by nearest rank, exact where the cloud estimates (docs: percentiles-aggregation-function).

The percentile P is the smallest value that at least P percent of all values (of all weight) do not exceed; the
0th is the smallest of all.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from seawall.kql.bind.aggregates import MANY
from seawall.kql.bind.names import derived
from seawall.kql.bind.values import INTEGERS, Ex, quote, to_json, to_real
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.registry import result
from seawall.kql.tree import Lit, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.aggregates import Many
    from seawall.kql.tree import Call, Expr

At = tuple[str, float]
"""A percentile: how a column of it is called, and its number."""


def _percent(binder: Any, arg: Expr, scope: Any) -> At:
    value = binder.constant(arg, scope, "a percentile")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault("a percentile is a number", arg.pos)
    if not 0 <= value <= 100:
        raise Fault("a percentile lies between 0 and 100", arg.pos)
    # Only a literal, or a name that stands for one, gives its number to the column (measured on the analyser).
    plain = isinstance(arg, Lit) or (isinstance(arg, Name) and arg.name not in scope.rel.names)
    label = repr(float(value)).removesuffix(".0").replace(".", "_") if plain else ""
    return label, float(value)


def _percents(binder: Any, args: tuple[Expr, ...], scope: Any) -> list[At]:
    """Read the percentiles of an array form: each an argument, or all in one dynamic array."""
    if len(args) == 1:
        given = binder.ex(args[0], scope)
        if given.type == "dynamic" and given.known and isinstance(given.const, list):
            if not all(type(one) in (int, float) and 0 <= one <= 100 for one in given.const):
                raise Fault("percentiles are numbers between 0 and 100", args[0].pos)
            return [("", float(one)) for one in given.const]
    return [_percent(binder, arg, scope) for arg in args]


def _share(percent: float) -> str:
    """Write a percentile as a share of one: in decimals, where a double would be off by one rank."""
    return f"{Decimal(repr(percent)) / 100:f}"


def _plain(binder: Any, node: Call, scope: Any) -> Callable[[float], Ex]:
    """Return what makes a percentile of values that count once each."""
    value = binder.ex(node.args[0], scope)
    type_ = value.type
    if type_ == "dynamic":  # the value as it is, in the order of the numbers
        pair = f"{{'n': {to_real(value)}, 'v': {to_json(value)}}}"
        keep = f" FILTER (WHERE {to_real(value)} IS NOT NULL)"
        return lambda percent: result(f"(quantile_disc({pair}, {_share(percent)}){keep}).v", "dynamic")
    if type_ not in (*INTEGERS, "real", "decimal", "datetime", "timespan"):
        raise refuse(f"{node.name}() of a {type_}", node.pos, "convert it: tolong(...) or toreal(...)")
    sql = to_real(value) if type_ == "decimal" else value.sql
    out = {"int": "long", "decimal": "real"}.get(type_, type_)  # as the analyser types them
    return lambda percent: Ex(f"quantile_disc({sql}, {_share(percent)})", out)


def _weighted(binder: Any, node: Call, scope: Any) -> Callable[[float], Ex]:
    """Return what makes a percentile of values that count as often as their weight says."""
    value, weight = binder.ex(node.args[0], scope), binder.ex(node.args[1], scope)
    if value.type not in (*INTEGERS, "real", "decimal", "datetime", "timespan"):
        raise refuse(f"{node.name}() of a {value.type}", node.pos, "convert it: tolong(...) or toreal(...)")
    if weight.type not in INTEGERS:
        raise Fault(f"a weight is a long, not a {weight.type}", node.args[1].pos)
    type_ = {"int": "long", "decimal": "real"}.get(value.type, value.type)
    kind = "real" if type_ == "real" else "long"
    pairs = f"to_json(list({{'v': {value.sql}::VARCHAR, 'w': {weight.sql}}}))::VARCHAR"
    return lambda percent: Ex(f"k_weighted_{kind}({pairs}, '{percent!r}')", type_)


def _columns(make: Callable[..., Callable[[float], Ex]], skip: int) -> Callable[[Any, Call, Any], Many]:
    def bound(binder: Any, node: Call, scope: Any) -> Many:
        at = make(binder, node, scope)
        name = derived(node.args[0])
        percents = [_percent(binder, arg, scope) for arg in node.args[skip:]]
        return [(f"percentile_{name}_{label}", at(percent)) for label, percent in percents]

    return bound


def _array(make: Callable[..., Callable[[float], Ex]], skip: int) -> Callable[[Any, Call, Any], Many]:
    def bound(binder: Any, node: Call, scope: Any) -> Many:
        at = make(binder, node, scope)
        parts = [
            f"coalesce({to_json(at(percent))}, 'null')"
            for _, percent in _percents(binder, node.args[skip:], scope)
        ]
        items = ", ".join(parts) or quote("")
        array = f"('[' || concat_ws(',', {items}) || ']')"
        some = (
            f"count({binder.ex(node.args[0], scope).sql}) > 0"  # of nothing they are null (docs: summarize)
        )
        return [
            (f"percentiles_{derived(node.args[0])}", result(f"CASE WHEN {some} THEN {array} END", "dynamic"))
        ]

    return bound


MANY["percentile"] = MANY["percentiles"] = _columns(_plain, 1)
MANY["percentiles_array"] = _array(_plain, 1)
MANY["percentilew"] = MANY["percentilesw"] = _columns(_weighted, 2)
MANY["percentilesw_array"] = _array(_weighted, 2)
