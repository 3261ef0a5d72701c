"""Functions on one array (docs: query/array-*-function)."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import Ex, json_text, to_json
from seawall.kql.functions.dynamics.values import freeze
from seawall.kql.functions.registry import bind_args, coerce, python, result, special, sql, udf

sql(
    "array_length arraylength",
    "dynamic",
    "long",
    "CASE WHEN json_type({0}) = 'ARRAY' THEN json_array_length({0})::BIGINT END",
)


@special("array_concat")
def array_concat(binder: Any, node: Any, scope: Any) -> Ex:
    """`array_concat(array, ...)`: what is no array gives nothing; null where none is one."""
    args = [coerce(binder.ex(arg, scope), "dynamic", arg.pos, f"{node.name}()") for arg in node.args]
    tests = [f"json_type({arg}) = 'ARRAY'" for arg in args]
    parts = [
        f"CASE WHEN {test} THEN json_extract({arg}, '$[*]')::VARCHAR[] ELSE []::VARCHAR[] END"
        for arg, test in zip(args, tests, strict=True)
    ]
    joined = f"'[' || array_to_string(flatten([{', '.join(parts)}]), ',') || ']'"
    return result(
        f"CASE WHEN {' OR '.join(f'coalesce({test}, false)' for test in tests)} THEN {joined} END", "dynamic"
    )


@special("array_index_of")
def array_index_of(binder: Any, node: Any, scope: Any) -> Ex:
    """`array_index_of(array, value [, start [, length [, occurrence]]])`."""
    args = binder.args(node, scope)
    rest = [coerce(arg, "long", node.pos, node.name) for arg in args[2:]] + ["NULL"] * (5 - len(args))
    return Ex(
        f"k_array_index_of({coerce(args[0], 'dynamic', node.pos, node.name)}, {to_json(args[1])}, {', '.join(rest)})",
        "long",
    )


def _array_index_of(
    array: Any, value: Any, start: int | None, length: int | None, occurrence: int | None
) -> int | None:
    if not isinstance(array, list):
        return None
    begin = start or 0
    if begin < 0:
        begin = max(0, begin + len(array))
    stop = len(array) if length is None or length == -1 else min(len(array), begin + length)
    times = 1 if occurrence is None else occurrence
    if times <= 0 or (length is not None and length < -1):
        return None
    for index in range(begin, stop):
        if freeze(array[index]) == freeze(value):
            times -= 1
            if not times:
                return index
    return -1


udf("array_index_of", "dynamic json long? long? long?", "long", _array_index_of)


@python("array_slice", "dynamic long long?", "dynamic")
def array_slice(array: Any, start: int, stop: int | None) -> Any:
    """`array_slice(array, start, end)`: both ends taken in, negative ones from the end."""
    if not isinstance(array, list):
        return None
    size = len(array)
    last = size - 1 if stop is None else stop
    begin = start + size if start < 0 else start
    end = last + size if last < 0 else last
    return array[max(begin, 0) : end + 1] if end >= 0 else []


@python("array_split", "dynamic json", "dynamic")
def array_split(array: Any, indexes: Any) -> Any:
    """`array_split(array, index or indexes)`."""
    if not isinstance(array, list):
        return None
    cuts = indexes if isinstance(indexes, list) else [indexes]
    if not all(type(cut) is int for cut in cuts):
        return None
    out: list[Any] = []
    begin = 0
    for cut in cuts:
        at = max(0, min(len(array), cut + len(array) if cut < 0 else cut))
        out.append(array[begin:at])
        begin = at
    out.append(array[begin:])
    return out


@python("array_reverse", "dynamic", "dynamic")
def array_reverse(array: Any) -> Any:
    """`array_reverse(array)`."""
    return array[::-1] if isinstance(array, list) else None


@python("array_rotate_left", "dynamic long", "dynamic")
def array_rotate_left(array: Any, count: int) -> Any:
    """`array_rotate_left(array, count)`."""
    if not isinstance(array, list):
        return None
    at = count % len(array) if array else 0
    return array[at:] + array[:at]


@python("array_rotate_right", "dynamic long", "dynamic")
def array_rotate_right(array: Any, count: int) -> Any:
    """`array_rotate_right(array, count)`."""
    return array_rotate_left(array, -count)


def _default(array: list[Any]) -> Any:
    return "" if array and all(isinstance(item, str) for item in array) else None


@special("array_shift_left array_shift_right")
def array_shift(binder: Any, node: Any, scope: Any) -> Ex:
    """`array_shift_left(array, count [, default])`."""
    args = binder.args(node, scope)
    default = to_json(args[2]) if len(args) > 2 else "NULL"
    sign = "-" if node.name.endswith("right") else ""
    return result(
        f"k_array_shift({coerce(args[0], 'dynamic', node.pos, node.name)}, {sign}{coerce(args[1], 'long', node.pos, node.name)}, {default})",
        "dynamic",
    )


def _array_shift(array: Any, count: int, default: Any) -> Any:
    if not isinstance(array, list):
        return None
    fill = _default(array) if default is None else default
    size = len(array)
    if count >= 0:
        return array[count:] + [fill] * min(count, size)
    return [fill] * min(-count, size) + array[: max(0, size + count)]


udf("array_shift", "dynamic long json?", "dynamic", _array_shift)


@python("array_sum", "dynamic", "real")
def array_sum(array: Any) -> float | None:
    """`array_sum(array)`: null where an element is no number, as a bool is none."""
    if not isinstance(array, list) or not all(type(item) in (int, float) for item in array):
        return None
    return sum(map(float, array), 0.0)


@special("array_iff array_iif")
def array_iff(binder: Any, node: Any, scope: Any) -> Ex:
    """`array_iff(conditions, when true, when false)`."""
    values = binder.args(node, scope)
    return result(
        f"k_array_iff({coerce(values[0], 'dynamic', node.pos, node.name)}, {to_json(values[1])}, {to_json(values[2])})",
        "dynamic",
    )


def _array_iff(tests: Any, then: Any, other: Any) -> Any:
    if not isinstance(tests, list):
        return None

    def pick(values: Any, index: int) -> Any:
        return (values[index] if index < len(values) else None) if isinstance(values, list) else values

    return [
        None if not isinstance(t, bool | int | float) else pick(then if t else other, i)
        for i, t in enumerate(tests)
    ]


udf("array_iff", "dynamic json json", "dynamic", _array_iff)


@special("strcat_array array_strcat")
def strcat_array(binder: Any, node: Any, scope: Any) -> Ex:
    """`strcat_array(array, delimiter)`: the texts of the items with the delimiter between them."""
    array, mark = bind_args(binder, node, scope, "dynamic text")
    joiner = binder.ex(node.args[1], scope)
    if not joiner.known or binder.ex(node.args[0], scope).known:  # DuckDB joins a column by a constant only
        return Ex(f"k_strcat_array({array}, {mark})", "string")
    items = f"list_transform(json_extract_string({array}, '$[*]'), lambda item: coalesce(item, ''))"
    joined = f"coalesce(array_to_string({items}, {mark}), '')"
    # What is no array is its own text (duckdb-kql, measured on the emulator).
    other = f"coalesce(json_extract_string({array}, '$'), '')"
    return Ex(f"CASE WHEN json_type({array}) = 'ARRAY' THEN {joined} ELSE {other} END", "string")


def _strcat_array(array: Any, mark: str) -> str:
    array = array if isinstance(array, list) else [array]
    texts = (item if isinstance(item, str) else "" if item is None else json_text(item) for item in array)
    return mark.join(texts)


udf("strcat_array", "dynamic text", "string", _strcat_array)
