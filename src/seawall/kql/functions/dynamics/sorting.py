"""array_sort_asc and array_sort_desc (docs: query/array-sort-asc-function)."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import Ex
from seawall.kql.functions.dynamics.values import freeze
from seawall.kql.functions.registry import coerce, result, special, udf


def _group(value: Any) -> int:
    """Numbers come before texts, texts before all else; so on both pages, whatever the direction."""
    return 0 if type(value) in (int, float) else 1 if isinstance(value, str) else 2


def _key(value: Any) -> Any:
    return value if _group(value) < 2 else freeze(value)


def _sorter(descending: bool) -> Any:
    def sort(values: list[Any]) -> Any:
        """Sort the first array and carry the others along; nulls last where they are (docs: array_sort_asc)."""
        *arrays, nulls_last = values
        if not arrays or not isinstance(arrays[0], list):
            return None
        keys: list[Any] = arrays[0]
        groups: list[list[int]] = [[], [], []]
        for i, v in enumerate(keys):
            if v is not None:
                groups[_group(v)].append(i)
        empty = [i for i, v in enumerate(keys) if v is None]
        for group in groups:
            group.sort(key=lambda i: _key(keys[i]), reverse=descending)
        filled = [i for group in groups for i in group]
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
