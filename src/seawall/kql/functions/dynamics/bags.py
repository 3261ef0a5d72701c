"""Functions on property bags (docs: query/bag-*-function)."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import Ex, to_json, to_string
from seawall.kql.errors import Fault
from seawall.kql.functions.dynamics.paths import steps_of, walk
from seawall.kql.functions.dynamics.values import variadic
from seawall.kql.functions.registry import bind_args, coerce, python, result, special, udf


def bag_merge(values: list[Any]) -> dict[str, Any] | None:
    """Put bags together; the first one that has a key decides its value."""
    out: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            for key, item in value.items():
                out.setdefault(key, item)
    return out


variadic("bag_merge", bag_merge)


@python("bag_keys", "dynamic", "dynamic")
def bag_keys(bag: Any) -> Any:
    """`bag_keys(bag)`."""
    return list(bag) if isinstance(bag, dict) else None


def _no_index(function: str, path: Any, pos: int, *, root: bool = False) -> None:
    """Refuse a constant path that these functions do not take (docs: array indexing isn't supported)."""
    steps = steps_of(path) if isinstance(path, str) else [""]
    if not all(isinstance(step, str) for step in steps):
        raise Fault(
            f"{function}() takes no index of an array in its path", pos, hint="name keys of bags only"
        )
    if root and not steps:
        raise Fault(f"{function}() cannot set the root", pos, hint="name a key: '$.key'")


@special("bag_has_key")
def bag_has_key(binder: Any, node: Any, scope: Any) -> Ex:
    """`bag_has_key(bag, key or $.path)`."""
    bag, key = bind_args(binder, node, scope, "dynamic text")
    path = binder.ex(node.args[1], scope)
    if path.known:
        _no_index(node.name, path.const, node.args[1].pos)
    return Ex(f"k_bag_has_key({bag}, {key})", "bool")


def _bag_has_key(bag: Any, key: str) -> bool | None:
    if not isinstance(bag, dict):
        return None
    steps = steps_of(key)
    return all(isinstance(step, str) for step in steps) and walk(bag, key)[0]


udf("bag_has_key", "dynamic text", "bool", _bag_has_key)


@special("bag_remove_keys")
def bag_remove_keys(binder: Any, node: Any, scope: Any) -> Ex:
    """`bag_remove_keys(bag, keys)`: keys or `$.path`s."""
    bag, keys = bind_args(binder, node, scope, "dynamic dynamic")
    paths = binder.ex(node.args[1], scope)
    for path in paths.const if paths.known and isinstance(paths.const, list) else ():
        _no_index(node.name, path, node.args[1].pos)
    return result(f"k_bag_remove_keys({bag}, {keys})", "dynamic")


def _bag_remove_keys(bag: Any, keys: Any) -> Any:
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


udf("bag_remove_keys", "dynamic dynamic", "dynamic", _bag_remove_keys)


@special("bag_set_key")
def bag_set_key(binder: Any, node: Any, scope: Any) -> Ex:
    """`bag_set_key(bag, key or $.path, value)`."""
    bag, key, value = binder.args(node, scope)
    if key.known:
        _no_index(node.name, key.const, node.args[1].pos, root=True)
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
