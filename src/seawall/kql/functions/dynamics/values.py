"""What the functions on dynamics share: limits, equality of JSON values, access by one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.functions.registry import coerce, result, special, udf

if TYPE_CHECKING:
    from seawall.kql.bind.values import Ex

LIMIT = 1_048_576
"""Kusto's own limit of values in an array (docs: make_list, range)."""


def variadic(name: str, call: Any) -> None:
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


def _at(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list) and -len(value) <= index < len(value) else None


def _key(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    return _at(value, key) if isinstance(key, int) and not isinstance(key, bool) else None


udf("at", "dynamic long", "dynamic", _at)
udf("key", "dynamic json", "dynamic", _key)
