"""hll() and tdigest(): where the cloud keeps a sketch of what it saw, the values themselves are kept here.

What comes out is exact, and lies within what the sketches promise. Both states are opaque in Kusto too, and may
change (docs: using-hll-tdigest). That of hll is an array of the distinct values; that of tdigest is
`[[type], [values], [weights]]`, by value, with times as their ticks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.bind.values import INTEGERS, Ex, quote, to_real
from seawall.kql.errors import Fault
from seawall.kql.functions.core import convert, type_argument
from seawall.kql.functions.registry import coerce, python, result, special, udf
from seawall.kql.temporal import format_datetime, format_timespan
from seawall.kql.tree import TypeOf

if TYPE_CHECKING:
    from collections.abc import Sequence

# --- hll ---------------------------------------------------------------------------------------------------


def _keys(values: list[Any]) -> dict[bytes, Any]:
    return {msgspec.json.encode(value): value for value in values}


def _hll_merge(states: list[Any]) -> list[Any]:
    merged: dict[bytes, Any] = {}
    for state in states:
        if isinstance(state, list):
            merged |= _keys(state)
    return list(merged.values())


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
    items = ", ".join(f"coalesce({arg}, 'null')" for arg in args)
    return result(f"{function}('[' || concat_ws(',', {items}) || ']')", "dynamic")


@python("dcount_hll", "dynamic", "long")
def dcount_hll(state: Any) -> int | None:
    """`dcount_hll(state)`: how many distinct values were seen."""
    return len(state) if isinstance(state, list) else None


# --- tdigest -----------------------------------------------------------------------------------------------


class Digest(msgspec.Struct, frozen=True):
    """A state that was read: the type of its values, and values with their weights, by value."""

    type: str
    pairs: list[tuple[Any, int]]


READ = {"long": int, "datetime": int, "timespan": int, "real": float}
"""Types of states -> how their values are read; times are ticks."""

WRITE = {"datetime": format_datetime, "timespan": format_timespan}


def digest(state: Any) -> Digest | None:
    """Read a state; None for what is none."""
    if not isinstance(state, list) or len(state) != 3 or not all(isinstance(part, list) for part in state):
        return None
    kind, values, weights = state
    if len(kind) != 1 or kind[0] not in READ or len(values) != len(weights):
        return None
    try:
        pairs = [(READ[kind[0]](v), w) for v, w in zip(values, weights, strict=True)]
    except (TypeError, ValueError, OverflowError):
        return None
    if not all(type(w) is int and w > 0 for _, w in pairs):
        return None
    return Digest(kind[0], sorted(pairs))


def _state(type_: str, pairs: list[tuple[Any, int]]) -> list[Any] | None:
    seen: dict[Any, int] = {}
    for value, weight in pairs:
        seen[value] = seen.get(value, 0) + weight
    if not seen:
        return None  # docs: summarize-operator, default values
    values = sorted(seen)
    # What is no finite number is no JSON number either: it is kept as its text.
    texts = [v if type(v) is int or math.isfinite(v) else str(v) for v in values]
    return [[type_], texts, [seen[v] for v in values]]


def _tdigest(pairs: list[Any], type_: str) -> list[Any] | None:
    read = READ[type_]
    known = [(read(p["v"]), p["w"]) for p in pairs if p["v"] is not None and (p["w"] or 0) > 0]
    return _state(type_, [p for p in known if p[0] == p[0]])


def _tdigest_merge(states: list[Any]) -> list[Any] | None:
    known = [state for state in map(digest, states) if state is not None]
    if len({state.type for state in known}) > 1:
        return None  # all of one group are of one type (docs: tdigest-merge)
    return _state(known[0].type, [pair for state in known for pair in state.pairs]) if known else None


udf("tdigest", "dynamic string", "dynamic", _tdigest)
udf("tdigest_merge", "dynamic", "dynamic", _tdigest_merge)


def nearest(pairs: Sequence[tuple[Any, int]], percent: float) -> Any:
    """Return the first value that at least so many percent of the weight do not exceed; None of nothing."""
    from fractions import Fraction

    wanted = math.ceil(sum(weight for _, weight in pairs) * Fraction(str(percent)) / 100)
    seen = 0
    for value, weight in pairs:
        seen += weight
        if seen >= wanted:
            return value
    return None


def _shown(state: Digest, percent: float) -> Any:
    value = nearest(state.pairs, percent) if 0 <= percent <= 100 else None
    if value is None or (type(value) is float and not math.isfinite(value)):
        return None if value is None else {"inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return WRITE[state.type](value) if state.type in WRITE else value


def _percentile(state: Any, percent: float) -> Any:
    known = digest(state)
    return _shown(known, percent) if known else None


def _percentiles(state: Any, percents: list[Any]) -> list[Any] | None:
    flat = [one for given in percents for one in (given if isinstance(given, list) else [given])]
    known = digest(state)
    return [_shown(known, one) if type(one) in (int, float) else None for one in flat] if known else None


udf("percentile_tdigest", "dynamic real", "dynamic", _percentile)
udf("percentiles_array_tdigest", "dynamic dynamic", "dynamic", _percentiles)


def _asked(node: Any) -> tuple[list[Any], str]:
    """Part the arguments of a percentile function from the type at their end."""
    args = list(node.args)
    if not isinstance(args[-1], TypeOf):
        return args, ""
    type_ = type_argument(args[-1])
    if type_ not in ("int", "long", "real", "datetime", "timespan"):
        raise Fault(f"a percentile is no {type_}", args[-1].pos)
    return args[:-1], type_


@special("percentile_tdigest")
def percentile_tdigest(binder: Any, node: Any, scope: Any) -> Ex:
    """`percentile_tdigest(state, percent [, typeof(type)])`: a dynamic where no type is asked for."""
    args, type_ = _asked(node)
    if len(args) != 2:
        raise Fault("percentile_tdigest() takes a state, a percentile, and a type", node.pos)
    state = coerce(binder.ex(args[0], scope), "dynamic", args[0].pos, "percentile_tdigest()")
    percent = coerce(binder.ex(args[1], scope), "real", args[1].pos, "percentile_tdigest()")
    found = result(f"k_percentile_tdigest({state}, {percent})", "dynamic")
    return found if not type_ else Ex(convert(found, type_, node.pos), type_)


@special("percentiles_array_tdigest")
def percentiles_array_tdigest(binder: Any, node: Any, scope: Any) -> Ex:
    """`percentiles_array_tdigest(state, percent, ... [, typeof(type)])`, or with the percents in an array.

    Of one percent with a type the value itself comes, in that type (docs: percentile-array-tdigest, tip).
    """
    args, type_ = _asked(node)
    if len(args) < 2:
        raise Fault("percentiles_array_tdigest() takes a state and at least one percentile", node.pos)
    values = [binder.ex(arg, scope) for arg in args]
    if type_ and len(values) == 2 and values[1].type != "dynamic":
        return percentile_tdigest(binder, node, scope)
    state = coerce(values[0], "dynamic", args[0].pos, "percentiles_array_tdigest()")
    parts = [
        coerce(value, "dynamic", arg.pos, "percentiles_array_tdigest()")
        if value.type == "dynamic"
        else _finite(coerce(value, "real", arg.pos, "percentiles_array_tdigest()"))
        for value, arg in zip(values[1:], args[1:], strict=True)
    ]
    items = ", ".join(f"coalesce({part}, 'null')" for part in parts)
    call = f"k_percentiles_array_tdigest({state}, '[' || concat_ws(',', {items}) || ']')"
    return result(f"k_cast_items({call}, {quote(type_)})" if type_ else call, "dynamic")


def _finite(sql: str) -> str:
    return f"CASE WHEN isfinite({sql}) THEN ({sql})::VARCHAR END"


def _cast_items(items: list[Any], type_: str) -> list[Any]:
    """Bring numbers to a type; times of the same type stay, what is of another kind is null."""
    if type_ in ("int", "long"):
        return [int(v) if type(v) in (int, float) else None for v in items]
    if type_ == "real":
        return [float(v) if type(v) in (int, float) else None for v in items]
    return [v if isinstance(v, str) else None for v in items]


udf("cast_items", "dynamic string", "dynamic", _cast_items)


@special("rank_tdigest percentrank_tdigest")
def rank_tdigest(binder: Any, node: Any, scope: Any) -> Ex:
    """`rank_tdigest(state, value)`: how many values do not exceed it; `percentrank_tdigest`: in percent of all."""
    state = coerce(binder.ex(node.args[0], scope), "dynamic", node.args[0].pos, f"{node.name}()")
    value = binder.ex(node.args[1], scope)
    if value.type in ("datetime", "timespan"):
        kind, sql = value.type, value.sql
    elif value.type in (*INTEGERS, "real", "decimal", "dynamic"):
        kind, sql = "number", value.sql if value.type in INTEGERS else to_real(value)
    else:
        raise Fault(f"{node.name}() takes a number or a time, not a {value.type}", node.args[1].pos)
    call = f"k_rank_tdigest({state}, ({sql})::VARCHAR, '{kind}', {str(node.name[0] == 'p').lower()})"
    return Ex(call, "real")


def _rank_tdigest(state: Any, value: str, kind: str, percent: bool) -> float | None:
    known = digest(state)
    if known is None or (kind if kind in WRITE else "number") != (
        known.type if known.type in WRITE else "number"
    ):
        return None  # the value is of the state's type (docs: percentrank-tdigest, note)
    limit = int(value) if value.lstrip("-").isdigit() else float(value)
    rank = sum(weight for one, weight in known.pairs if one <= limit)
    return rank * 100 / sum(weight for _, weight in known.pairs) if percent else float(rank)


udf("rank_tdigest", "dynamic string string bool", "real", _rank_tdigest)

__all__ = ["Digest", "digest", "nearest"]
