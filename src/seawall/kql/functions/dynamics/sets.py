"""Arrays as sets (docs: query/set-*-function, jaccard-index-function)."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import Ex, to_json
from seawall.kql.functions.dynamics.values import distinct, freeze, variadic
from seawall.kql.functions.registry import coerce, python, special, udf


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


variadic("set_union", _set_union)
variadic("set_intersect", _set_intersect)
variadic("set_difference", _set_difference)
variadic("set_equals", _set_equals)


@python("jaccard_index", "dynamic dynamic", "dynamic")
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
