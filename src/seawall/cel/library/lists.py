"""Lists and sets: Kubernetes' own list functions, cel-go's sets, and cel-go's lists since 1.34."""

from __future__ import annotations

import itertools
from typing import Any

from seawall.cel.environment import Overload, overload
from seawall.cel.errors import CelError
from seawall.cel.folds import self_compared, sorted_by
from seawall.cel.operators import contains, size
from seawall.cel.values import Duration, ObjectValue, Uint, checked_duration, compare, equal, kind_of

_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_ZERO: dict[str, Any] = {"int": 0, "uint": Uint(0), "double": 0.0, "duration": Duration(0)}
_MAX_RANGE = 1_000_000


def _traversed(value: Any) -> int:
    """Cost of a value as a tree: a tenth of the bytes of each text, rounded down, and one for all else."""
    kind = type(value)
    if kind is str:
        return int(len(value.encode()) * 0.1)
    if kind is bytes:
        return int(len(value) * 0.1)
    if kind is list:
        return sum(map(_traversed, value))
    if kind is dict:
        return sum(_traversed(key) + _traversed(item) for key, item in value.items())
    if kind is ObjectValue:
        return sum(_traversed(key) + _traversed(item) for key, item in value.fields.items())
    return 1


def traversal(_: Any, items: Any, *__: Any) -> int:
    """Cost of walking over the first argument (`traversalCost` of k8s.io/apiserver)."""
    return _traversed(items)


def _is_sorted(items: list[Any]) -> bool:
    return all(compare("isSorted", a, b) <= 0 for a, b in itertools.pairwise(items))


def _sum(zero: Any) -> Any:
    def total(items: list[Any]) -> Any:
        found: Any = zero
        for item in items:
            if kind_of(item) != kind_of(zero):
                raise CelError("no such overload")
            if type(item) is Duration:
                found = checked_duration(found.nanos + item.nanos)
            else:
                found = item + found if type(item) is float else int(item) + int(found)
        if type(zero) is int and not -(2**63) <= found < 2**63:
            raise CelError("integer overflow")
        if type(zero) is Uint:
            if found >= 2**64:
                raise CelError("unsigned integer overflow")
            return Uint(found)
        return found

    return total


def _extreme(name: str, sign: int) -> Any:
    def find(items: list[Any]) -> Any:
        if not items:
            raise CelError(f"{name} called on empty list")
        best = items[0]
        for item in items[1:]:
            if compare(name, item, best) == sign:
                best = item
        return best

    return find


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((at for at, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    return next((at for at in range(len(items) - 1, -1, -1) if equal(items[at], wanted)), -1)


OVERLOADS: tuple[Overload, ...] = (
    *(overload(f"list<{one}>.isSorted() -> bool", _is_sorted, traversal) for one in _COMPARABLE),
    *(overload(f"list<{one}>.max() -> {one}", _extreme("max", 1), traversal) for one in _COMPARABLE),
    *(overload(f"list<{one}>.min() -> {one}", _extreme("min", -1), traversal) for one in _COMPARABLE),
    *(overload(f"list<{one}>.sum() -> {one}", _sum(zero), traversal) for one, zero in _ZERO.items()),
    overload("list<A>.indexOf(A) -> int", _index_of, traversal),
    overload("list<A>.lastIndexOf(A) -> int", _last_index_of, traversal),
)


def _product(_: Any, one: Any, other: Any) -> int:
    return 1 + size(one) * size(other)


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(contains(item, items) for item in wanted)


SETS = (
    overload("sets:contains(list<T>, list<T>) -> bool", _contains_all, _product),
    overload(
        "sets:equivalent(list<T>, list<T>) -> bool",
        lambda a, b: _contains_all(a, b) and _contains_all(b, a),
        lambda _, a, b: 1 + 2 * size(a) * size(b),
    ),
    overload(
        "sets:intersects(list<T>, list<T>) -> bool", lambda a, b: any(contains(i, b) for i in a), _product
    ),
)


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise CelError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise CelError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise CelError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise CelError("level must be non-negative")
    flat: list[Any] = []
    for item in items:
        flat.extend(_flatten(item, depth - 1) if type(item) is list and depth > 0 else [item])
    return flat


def _includes(items: Any, wanted: Any) -> bool:
    return contains(wanted, items) if type(items) is list else equal(items, wanted)


SINCE_37 = (overload("dyn.includes(dyn) -> bool", _includes, traversal),)


def _range(count: int) -> list[int]:
    if count > _MAX_RANGE:
        raise CelError("lists.range: too many elements")
    return list(range(count))


def _distinct(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not any(equal(item, known) for known in kept):
            kept.append(item)
    return kept


def _made(result: Any, *_: Any) -> int:
    return 11 + size(result)


def _flattened(_: Any, items: Any, depth: Any = 1) -> int:
    return 11 + int(size(items) * (depth if type(depth) is int else 1))


def _compared(_: Any, items: Any) -> int:
    return self_compared(items)


SINCE_34: tuple[Overload, ...] = (
    overload("list<T>.slice(int, int) -> list<T>", _slice, _made),
    overload("list<list<T>>.flatten() -> list<T>", _flatten, _flattened),
    overload("list<dyn>.flatten(int) -> list<dyn>", _flatten, _flattened),
    *(
        overload(
            f"list<{one}>.sort() -> list<{one}>",
            lambda items: sorted_by(items, items),
            _compared,
        )
        for one in _COMPARABLE
    ),
    overload("lists:range(int) -> list<int>", _range, _made),
    overload("list<T>.reverse() -> list<T>", lambda items: items[::-1], _made),
    overload("list<T>.distinct() -> list<T>", _distinct, _compared),
)
