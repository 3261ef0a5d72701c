"""Functions on dynamic values: arrays and bags (docs: query/dynamic-functions)."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from seawall.kql.bind.values import Ex, json_text, literal, quote, to_json, to_string
from seawall.kql.errors import Fault
from seawall.kql.functions.registry import bind_args, coerce, python, result, special, sql, udf

sql(
    "array_length arraylength",
    "dynamic",
    "long",
    "CASE WHEN json_type({0}) = 'ARRAY' THEN json_array_length({0})::BIGINT END",
)
sql("dynamic_to_json", "json", "string", "coalesce(k_sorted_json({0}), 'null')")


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
        name = (
            quote(msgspec.json.encode(key.const).decode() + ":")
            if key.known and isinstance(key.const, str)
            else f"to_json({to_string(key)})::VARCHAR || ':'"
        )
        parts.append(f"{name} || coalesce({to_json(value)}, 'null')")
    if not parts:
        return literal({}, "dynamic")
    return result(f"('{{' || concat_ws(',', {', '.join(parts)}) || '}}')", "dynamic")


def _at(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list) and -len(value) <= index < len(value) else None


def _key(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    return _at(value, key) if isinstance(key, int) and not isinstance(key, bool) else None


def _range_real(start: float, stop: float, step: float) -> list[float] | None:
    if step == 0:
        return None
    count = int((stop - start) / step) + 1
    return [start + i * step for i in range(max(0, min(count, LIMIT)))]


LIMIT = 1_048_576
"""Kusto's own limit of values in an array (docs: make_list, range)."""


def _range_long(start: int, stop: int, step: int) -> list[int] | None:
    return list(range(start, stop + (1 if step > 0 else -1), step)[:LIMIT]) if step else None


def _range_text(start: int, stop: int, step: int, kind: str) -> list[str] | None:
    from seawall.kql.temporal import format_datetime, format_timespan

    write = format_datetime if kind == "datetime" else format_timespan
    return [write(t) for t in _range_long(start, stop, step) or []] if step else None


udf("at", "dynamic long", "dynamic", _at)
udf("key", "dynamic json", "dynamic", _key)
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


def _variadic(name: str, call: Any) -> None:
    """Declare a function of any number of dynamics: they are handed over as one array."""

    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        args = [coerce(binder.ex(arg, scope), "dynamic", arg.pos, f"{node.name}()") for arg in node.args]
        parts = ", ".join(f"coalesce({arg}, 'null')" for arg in args)
        return result(
            f"k_{name}('[' || concat_ws(',', {parts}) || ']')",
            "bool" if name == "set_equals" else "dynamic",
        )

    udf(name, "dynamic", "bool" if name == "set_equals" else "dynamic", call)
    special(name)(bound)


def bag_merge(values: list[Any]) -> dict[str, Any] | None:
    """Put bags together; the first one that has a key decides its value."""
    out: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            for key, item in value.items():
                out.setdefault(key, item)
    return out


def freeze(value: Any) -> Any:
    """Make a JSON value hashable, 1 and True apart."""
    return msgspec.json.encode(value, order="sorted")


def distinct(values: list[Any]) -> list[Any]:
    """Keep the first of equal values."""
    seen: set[bytes] = set()
    out: list[Any] = []
    for value in values:
        mark = freeze(value)
        if mark not in seen:
            seen.add(mark)
            out.append(value)
    return out


def _set_union(values: list[Any]) -> list[Any] | None:
    arrays = [v for v in values if isinstance(v, list)]
    return distinct([item for array in arrays for item in array]) if len(arrays) == len(values) else None


def _set_intersect(values: list[Any]) -> list[Any] | None:
    if not all(isinstance(v, list) for v in values):
        return None
    common = set.intersection(*({freeze(item) for item in array} for array in values))
    return [item for item in distinct(values[0]) if freeze(item) in common]


def _set_difference(values: list[Any]) -> list[Any] | None:
    if not all(isinstance(v, list) for v in values):
        return None
    others = {freeze(item) for array in values[1:] for item in array}
    return [item for item in distinct(values[0]) if freeze(item) not in others]


def _set_equals(values: list[Any]) -> bool | None:
    if not all(isinstance(v, list) for v in values):
        return None
    return len({frozenset(freeze(item) for item in array) for array in values}) == 1


def _zip(values: list[Any]) -> list[Any] | None:
    arrays = [v if isinstance(v, list) else [v] for v in values]
    size = max(len(a) for a in arrays)
    return [[a[i] if i < len(a) else None for a in arrays] for i in range(size)]


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


_variadic("bag_merge", bag_merge)
_variadic("set_union", _set_union)
_variadic("set_intersect", _set_intersect)
_variadic("set_difference", _set_difference)
_variadic("set_equals", _set_equals)
_variadic("zip", _zip)


@python("jaccard_index", "dynamic dynamic", "real")
def jaccard_index(left: Any, right: Any) -> float | None:
    """`jaccard_index(set, set)`."""
    if not isinstance(left, list) or not isinstance(right, list):
        return None
    a, b = {freeze(x) for x in left}, {freeze(x) for x in right}
    return len(a & b) / len(a | b) if a | b else None


@special("set_has_element")
def set_has_element(binder: Any, node: Any, scope: Any) -> Ex:
    """`set_has_element(array, value)`."""
    array, value = binder.args(node, scope)
    if value.type == "string":
        text = coerce(array, "dynamic", node.pos, node.name)
        items = f"json_extract({text}, '$[*]')::VARCHAR[]"
        found = f"list_contains({items}, to_json({value.sql})::VARCHAR)"
        return Ex(f"CASE WHEN json_type({text}) = 'ARRAY' THEN {found} END", "bool")
    return Ex(f"k_has_element({coerce(array, 'dynamic', node.pos, node.name)}, {to_json(value)})", "bool")


def _has_element(array: Any, value: Any) -> bool | None:
    return any(freeze(item) == freeze(value) for item in array) if isinstance(array, list) else None


udf("has_element", "dynamic json", "bool", _has_element)


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


def _order(left: Any, right: Any) -> int:
    rank: dict[type, int] = {bool: 1, int: 2, float: 2, str: 3, dict: 4, list: 5}
    a, b = rank.get(type(left), 0), rank.get(type(right), 0)
    if a != b:
        return a - b
    if a in {1, 2, 3}:
        return int(left > right) - int(left < right)
    x, y = freeze(left), freeze(right)
    return int(x > y) - int(x < y)


def _sorter(descending: bool) -> Any:
    def sort(values: list[Any]) -> Any:
        """Sort the first array and carry the others along; nulls last where they are (docs: array_sort_asc)."""
        *arrays, nulls_last = values
        if not arrays or not isinstance(arrays[0], list):
            return None
        keys: list[Any] = arrays[0]
        filled = [i for i, v in enumerate(keys) if v is not None]
        empty = [i for i, v in enumerate(keys) if v is None]
        filled.sort(key=lambda i: functools.cmp_to_key(_order)(keys[i]), reverse=descending)
        order = filled + empty if nulls_last else empty + filled
        return [
            [array[i] for i in order] if isinstance(array, list) and len(array) == len(keys) else None
            for array in arrays
        ]

    return sort


for _direction in ("asc", "desc"):
    udf(f"array_sort_{_direction}", "dynamic", "dynamic", _sorter(_direction == "desc"))


@special("array_sort_asc array_sort_desc")
def array_sort(binder: Any, node: Any, scope: Any) -> Ex:
    """`array_sort_asc(array, ... [, nulls last])`: one array, or an array of the sorted arrays."""
    values = binder.args(node, scope)
    nulls = "true"
    if len(values) > 1 and values[-1].type == "bool":
        nulls = f"{values.pop().sql}::VARCHAR"
        nulls = f"coalesce({nulls}, 'true')"
    else:
        nulls = "'true'"
    parts = ", ".join(
        f"coalesce({coerce(value, 'dynamic', node.pos, node.name)}, 'null')" for value in values
    )
    call = f"k_{node.name}('[' || concat_ws(',', {parts}, {nulls}) || ']')"
    if len(values) == 1:
        return Ex(None, "dynamic", base=call, path=(0,))
    return result(call, "dynamic")


@python("array_sum", "dynamic", "real")
def array_sum(array: Any) -> float | None:
    """`array_sum(array)`."""
    if not isinstance(array, list) or not all(isinstance(item, int | float) for item in array):
        return None
    return float(sum(array))


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
    if not binder.ex(node.args[1], scope).known:  # DuckDB joins by a constant only
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


@special("repeat")
def repeat(binder: Any, node: Any, scope: Any) -> Ex:
    """`repeat(value, count)`: an array."""
    value, count = binder.args(node, scope)
    return result(f"k_repeat({to_json(value)}, {coerce(count, 'long', node.pos, node.name)})", "dynamic")


def _repeat(value: Any, count: int | None) -> Any:
    return [value] * min(count, LIMIT) if count is not None and count >= 0 else None


udf("repeat", "json long", "dynamic", _repeat, loose=True)


# --- bags --------------------------------------------------------------------------------------------------


@python("bag_keys", "dynamic", "dynamic")
def bag_keys(bag: Any) -> Any:
    """`bag_keys(bag)`."""
    return list(bag) if isinstance(bag, dict) else None


@python("bag_has_key", "dynamic text", "bool")
def bag_has_key(bag: Any, key: str) -> bool | None:
    """`bag_has_key(bag, key or $.path)`."""
    if not isinstance(bag, dict):
        return None
    found, _ = walk(bag, key)
    return found


def steps_of(path: str) -> list[str | int]:
    """Read `$.a.b[0]["c d"]`; a path without `$` is one key."""
    if not path.startswith("$"):
        return [path]
    out: list[str | int] = []
    index = 1
    while index < len(path):
        if path[index] == ".":
            end = index + 1
            while end < len(path) and path[end] not in ".[":
                end += 1
            if end > index + 1:
                out.append(path[index + 1 : end])
            index = end
        elif path[index] == "[":
            end = path.find("]", index)
            if end < 0:
                return out
            inner = path[index + 1 : end].strip()
            out.append(
                inner[1:-1] if inner[:1] in "'\"" else int(inner) if inner.lstrip("-").isdigit() else inner
            )
            index = end + 1
        else:
            return out
    return out


def walk(root: Any, path: str) -> tuple[bool, Any]:
    """Follow a path; the first value says whether it is there."""
    value: Any = root
    for step in steps_of(path):
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
            continue
        if not isinstance(value, list) or not isinstance(step, int) or not -len(value) <= step < len(value):
            return False, None
        value = value[step]
    return True, value


@python("bag_remove_keys", "dynamic dynamic", "dynamic")
def bag_remove_keys(bag: Any, keys: Any) -> Any:
    """`bag_remove_keys(bag, keys)`: keys or `$.path`s."""
    if not isinstance(bag, dict) or not isinstance(keys, list):
        return None
    for key in keys:
        steps = steps_of(str(key))
        if not steps:
            continue
        target: Any = bag
        for step in steps[:-1]:
            target = target.get(step) if isinstance(target, dict) else None
        if isinstance(target, dict):
            target.pop(steps[-1], None)
    return bag


@special("bag_set_key")
def bag_set_key(binder: Any, node: Any, scope: Any) -> Ex:
    """`bag_set_key(bag, key or $.path, value)`."""
    bag, key, value = binder.args(node, scope)
    return result(
        f"k_bag_set_key({coerce(bag, 'dynamic', node.pos, node.name)}, {to_string(key)}, {to_json(value)})",
        "dynamic",
    )


def _bag_set_key(bag: Any, path: str, value: Any) -> Any:
    if not isinstance(bag, dict):
        return None
    steps = steps_of(path)
    target: Any = bag
    for step in steps[:-1]:
        if not isinstance(target, dict):
            return None
        target = target.setdefault(step, {})
    if isinstance(target, dict) and steps:
        target[str(steps[-1])] = value
        return bag
    return None


udf("bag_set_key", "dynamic string json", "dynamic", _bag_set_key, loose=True)


@python("bag_zip", "dynamic dynamic", "dynamic")
def bag_zip(keys: Any, values: Any) -> Any:
    """`bag_zip(keys, values)`: missing values are null, keys that are no strings are left out."""
    if not isinstance(keys, list) or not isinstance(values, list):
        return None
    return {k: values[i] if i < len(values) else None for i, k in enumerate(keys) if isinstance(k, str)}


@python("treepath", "dynamic", "dynamic")
def treepath(value: Any) -> list[str]:
    """`treepath(value)`: all paths of it."""
    out: list[str] = []

    def visit(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, item in node.items():
                one = f"{path}['{key}']" if path else f"['{key}']"
                out.append(one)
                visit(item, one)
        elif isinstance(node, list):
            one = f"{path}[0]"
            if node:
                out.append(one)
                visit(node[0], one)

    visit(value, "")
    return out


@special("extract_json extractjson")
def extract_json(binder: Any, node: Any, scope: Any) -> Ex:
    """`extract_json(path, text [, typeof(type)])`."""
    from seawall.kql.functions.core import convert, type_argument

    path, text = binder.ex(node.args[0], scope), binder.ex(node.args[1], scope)
    found = result(f"k_extract_json({to_string(path)}, {to_string(text)})", "dynamic")
    type_ = type_argument(node.args[2]) if len(node.args) > 2 else "string"
    return result(convert(found, type_, node.pos), type_)


def _extract_json(path: str, text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return walk(value, path)[1]


udf("extract_json", "string string", "dynamic", _extract_json)
