"""hll() and tdigest(): where the cloud keeps a sketch of what it saw, the values themselves are kept here.

What comes out is exact, and lies within what the sketches promise. The state of hll is an array of the distinct
values; that of tdigest an array of [value, weight], by value. Both are opaque in Kusto too (docs: hll, tdigest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.bind.values import NUMBERS, SQL_TYPES, Ex
from seawall.kql.errors import Fault
from seawall.kql.functions.core import type_argument
from seawall.kql.functions.registry import bind_args, coerce, python, result, special, udf

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 1_048_576
"""Values that a state holds at most."""


def _keys(values: list[Any]) -> dict[bytes, Any]:
    return {msgspec.json.encode(value): value for value in values}


def _hll_merge(states: list[Any]) -> list[Any]:
    merged: dict[bytes, Any] = {}
    for state in states:
        if isinstance(state, list):
            merged |= _keys(state)
    return list(merged.values())[:MOST]


def _hll_common(states: list[Any]) -> int | None:
    known = [set(_keys(state)) for state in states if isinstance(state, list)]
    return len(set.intersection(*known)) if known and len(known) == len(states) else None


udf("hll_merge", "dynamic", "dynamic", _hll_merge)
udf("hll_common", "dynamic", "long", _hll_common)


@special("hll_merge")
def hll_merge(binder: Any, node: Any, scope: Any) -> Ex:
    """`hll_merge(state, state ...)`."""
    return _merged(binder, node, scope, "k_hll_merge")


@special("tdigest_merge merge_tdigest")
def tdigest_merge(binder: Any, node: Any, scope: Any) -> Ex:
    """`tdigest_merge(state, state ...)`."""
    return _merged(binder, node, scope, "k_tdigest_merge")


def _merged(binder: Any, node: Any, scope: Any, function: str) -> Ex:
    args = [coerce(binder.ex(arg, scope), "dynamic", arg.pos, f"{node.name}()") for arg in node.args]
    if not args:
        raise Fault(f"{node.name}() takes at least one argument", node.pos)
    items = ", ".join(f"coalesce({arg}, 'null')" for arg in args)
    return result(f"{function}('[' || concat_ws(',', {items}) || ']')", "dynamic")


@python("dcount_hll", "dynamic", "long")
def dcount_hll(state: Any) -> int | None:
    """`dcount_hll(state)`: how many distinct values were seen."""
    return len(state) if isinstance(state, list) else None


def _pairs(state: Any) -> list[tuple[Any, float]]:
    """Return the values and weights of a state; what is none has none."""
    return [
        (pair[0], pair[1])
        for pair in (state if isinstance(state, list) else ())
        if isinstance(pair, list) and len(pair) == 2 and all(type(each) in (int, float) for each in pair)
    ]


def _tdigest_merge(states: list[Any]) -> list[Any]:
    return _tdigest([pair for state in states if isinstance(state, list) for pair in state])


def _tdigest(pairs: list[Any]) -> list[Any]:
    seen: dict[Any, float] = {}
    for value, weight in _pairs(pairs):
        if weight:
            seen[value] = seen.get(value, 0) + weight
    return [list(pair) for pair in sorted(seen.items())][:MOST]


udf("tdigest", "dynamic", "dynamic", _tdigest)
udf("tdigest_merge", "dynamic", "dynamic", _tdigest_merge)


def at_percent(pairs: Sequence[Any], percent: float) -> float | None:
    """Return the value at a percentile: the first that at least so many percent of the weight do not exceed."""
    total = sum(weight for _, weight in pairs)
    seen = 0.0
    for value, weight in pairs:
        seen += weight
        if seen >= total * percent / 100:
            return float(value)
    return None


def _percentile(state: Any, percent: float) -> float | None:
    return at_percent(_pairs(state), percent) if 0 <= percent <= 100 else None


udf("percentile_tdigest", "dynamic real", "real", _percentile)


@special("percentile_tdigest")
def percentile_tdigest(binder: Any, node: Any, scope: Any) -> Ex:
    """`percentile_tdigest(state, percent [, typeof(type)])`."""
    if len(node.args) not in (2, 3):
        raise Fault("percentile_tdigest() takes 2 or 3 arguments", node.pos)
    type_ = type_argument(node.args[2]) if len(node.args) == 3 else "real"
    if type_ not in NUMBERS - {"decimal"} | {"datetime", "timespan"}:
        raise Fault(f"a percentile is no {type_}", node.args[2].pos)
    state = coerce(binder.ex(node.args[0], scope), "dynamic", node.pos, "percentile_tdigest()")
    percent = coerce(binder.ex(node.args[1], scope), "real", node.pos, "percentile_tdigest()")
    return Ex(f"k_percentile_tdigest({state}, {percent})::{SQL_TYPES[type_]}", type_)


@special("percentiles_array_tdigest")
def percentiles_array_tdigest(binder: Any, node: Any, scope: Any) -> Ex:
    """`percentiles_array_tdigest(state, percent, ...)`, or with the percents in an array."""
    state, *percents = bind_args(binder, node, scope, "dynamic json json*")
    items = ", ".join(f"coalesce({one}, 'null')" for one in percents)
    return result(f"k_percentiles_array_tdigest({state}, '[' || concat_ws(',', {items}) || ']')", "dynamic")


def _percentiles(state: Any, percents: list[Any]) -> list[Any] | None:
    flat = [one for given in percents for one in (given if isinstance(given, list) else [given])]
    if not isinstance(state, list):
        return None
    return [_percentile(state, one) for one in flat if type(one) in (int, float)]


udf("percentiles_array_tdigest", "dynamic dynamic", "dynamic", _percentiles)


@python("rank_tdigest", "dynamic real", "real")
def rank_tdigest(state: Any, value: float) -> float | None:
    """`rank_tdigest(state, value)`: how many values do not exceed it."""
    if not isinstance(state, list):
        return None
    return float(sum(weight for one, weight in _pairs(state) if one <= value))


@python("percentrank_tdigest", "dynamic real", "real")
def percentrank_tdigest(state: Any, value: float) -> float | None:
    """`percentrank_tdigest(state, value)`: the same in percent of all."""
    rank = rank_tdigest(state, value)
    total = sum(weight for _, weight in _pairs(state))
    return None if rank is None or not total else rank * 100 / total
