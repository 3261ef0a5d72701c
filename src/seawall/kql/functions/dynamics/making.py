"""What makes arrays and bags of values: packing, ranges, repetition; and their canonical text."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from seawall.kql.bind.values import Ex, literal, quote, to_json, to_string
from seawall.kql.errors import Fault
from seawall.kql.functions.dynamics.values import LIMIT, variadic
from seawall.kql.functions.registry import bind_args, coerce, result, special, udf


@special("dynamic_to_json")
def dynamic_to_json(binder: Any, node: Any, scope: Any) -> Ex:
    """`dynamic_to_json(value)`: bags by name; what is no dynamic is its `tostring()`."""
    bind_args(binder, node, scope, "any")
    value = binder.ex(node.args[0], scope)
    if value.type != "dynamic":
        return Ex(to_string(value), "string")
    return Ex(f"k_sorted_json({to_json(value)})", "string")


def _sorted_json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


udf("sorted_json", "dynamic", "string", _sorted_json)


@special("pack_array")
def pack_array(binder: Any, node: Any, scope: Any) -> Ex:
    """`pack_array(a, b, ...)` or `pack_array(*)`."""
    if len(node.args) == 1 and type(node.args[0]).__name__ == "Star":
        values = [col.ex for col in scope.rel.visible]
    else:
        values = binder.args(node, scope)
    if all(value.known for value in values):
        from seawall.kql.bind.values import json_value

        return literal([json_value(value.const, value.type) for value in values], "dynamic")
    parts = ", ".join(f"coalesce({to_json(value)}, 'null')" for value in values)
    return result(f"('[' || concat_ws(',', {parts}) || ']')", "dynamic")


@special("bag_pack pack pack_dictionary")
def bag_pack(binder: Any, node: Any, scope: Any) -> Ex:
    """`bag_pack(key, value, ...)`."""
    if len(node.args) % 2:
        raise Fault(f"{node.name}() takes pairs of a key and a value", node.pos)
    values = binder.args(node, scope)
    parts: list[str] = []
    for index in range(0, len(values), 2):
        key, value = values[index], values[index + 1]
        coerce(key, "string", node.args[index].pos, f"{node.name}()")
        name = (
            quote(msgspec.json.encode(key.const).decode() + ":")
            if key.known and isinstance(key.const, str)
            else f"to_json({to_string(key)})::VARCHAR || ':'"
        )
        parts.append(f"{name} || coalesce({to_json(value)}, 'null')")
    if not parts:
        return literal({}, "dynamic")
    return result(f"('{{' || concat_ws(',', {', '.join(parts)}) || '}}')", "dynamic")


def _range_real(start: float, stop: float, step: float) -> list[float] | None:
    if step == 0 or not all(map(math.isfinite, (start, stop, step))):
        return None
    count = int(min((stop - start) / step, LIMIT)) + 1
    return [start + i * step for i in range(max(0, min(count, LIMIT)))]


def _range_long(start: int, stop: int, step: int) -> list[int] | None:
    return list(range(start, stop + (1 if step > 0 else -1), step)[:LIMIT]) if step else None


def _range_text(start: int, stop: int, step: int, kind: str) -> list[str] | None:
    from seawall.kql.temporal import format_datetime, format_timespan

    write = format_datetime if kind == "datetime" else format_timespan
    return [write(t) for t in _range_long(start, stop, step) or []] if step else None


udf("range_real", "real real real", "dynamic", _range_real)
udf("range_long", "long long long", "dynamic", _range_long)
udf("range_text", "long long long string", "dynamic", _range_text)


@special("range")
def range_of(binder: Any, node: Any, scope: Any) -> Ex:
    """`range(start, stop [, step])`."""
    values = binder.args(node, scope)
    if not 2 <= len(values) <= 3:
        raise Fault("range() takes 2 or 3 arguments", node.pos)
    first = values[0]
    if first.type in ("datetime", "timespan"):
        step = values[2] if len(values) == 3 else literal(36_000_000_000, "timespan")
        args = [
            coerce(values[0], first.type, node.pos, "range()"),
            coerce(values[1], first.type, node.pos, "range()"),
            coerce(step, "timespan", node.pos, "range()"),
        ]
        return result(f"k_range_text({', '.join(args)}, {quote(first.type)})", "dynamic")
    kind = "real" if any(v.type == "real" for v in values) else "long"
    args = [coerce(value, kind, node.pos, "range()") for value in values]
    if len(args) == 2:
        args.append("1::BIGINT" if kind == "long" else "1::DOUBLE")
    return result(f"k_range_{kind}({', '.join(args)})", "dynamic")


LARGEST = 1 << 26
"""Characters of an array that repeat() makes at most."""


@special("repeat")
def repeat(binder: Any, node: Any, scope: Any) -> Ex:
    """`repeat(value, count)`: an array; none for less than zero times (docs: repeat, returns)."""
    value, count = binder.args(node, scope)
    times = f"least({coerce(count, 'long', node.pos, node.name)}, {LIMIT})"
    item = f"(coalesce({to_json(value)}, 'null') || ',')"
    return result(
        f"CASE WHEN {times} = 0 THEN '[]' WHEN {times} < 0 OR {coerce(count, 'long', node.pos, node.name)} IS NULL THEN NULL "
        f"WHEN length({item}) * {times} > {LARGEST} THEN error('Unanswered: repeat() of more than {LARGEST} characters') "
        # DuckDB works out constants in every branch: so even this one is bounded.
        f"ELSE '[' || left(repeat({item}, least({times}, {LARGEST} // length({item}))), -1) || ']' END",
        "dynamic",
    )


def _zip(values: list[Any]) -> list[Any] | None:
    arrays = [v if isinstance(v, list) else [v] for v in values]
    size = max(len(a) for a in arrays)
    return [[a[i] if i < len(a) else None for a in arrays] for i in range(size)]


variadic("zip", _zip)
