"""Lists and sets: Kubernetes' own list functions, cel-go's sets, and cel-go's lists since 1.34."""

from __future__ import annotations

import itertools
from typing import Any

from seawall.cel.environment import Overload, overload
from seawall.cel.errors import CelError
from seawall.cel.folds import sorted_by
from seawall.cel.operators import contains, tenth
from seawall.cel.values import Duration, Uint, checked_duration, compare, equal, kind_of

_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_ZERO: dict[str, Any] = {"int": 0, "uint": Uint(0), "double": 0.0, "duration": Duration(0)}
_MAX_RANGE = 1_000_000


def _traversal(_: Any, items: Any, *__: Any) -> int:
    # traversalCost of the reference: the list, and a tenth of each text in it
    if type(items) is not list:
        return tenth(len(items))
    return sum(tenth(len(item)) if type(item) in {str, bytes} else 1 for item in items)


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
    *(overload(f"list<{one}>.isSorted() -> bool", _is_sorted, _traversal) for one in _COMPARABLE),
    *(overload(f"list<{one}>.max() -> {one}", _extreme("max", 1), _traversal) for one in _COMPARABLE),
    *(overload(f"list<{one}>.min() -> {one}", _extreme("min", -1), _traversal) for one in _COMPARABLE),
    *(overload(f"list<{one}>.sum() -> {one}", _sum(zero), _traversal) for one, zero in _ZERO.items()),
    overload("list<A>.indexOf(A) -> int", _index_of, _traversal),
    overload("list<A>.lastIndexOf(A) -> int", _last_index_of, _traversal),
)


def _product(_: Any, one: list[Any], other: list[Any]) -> int:
    return 1 + len(one) * len(other)


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(contains(item, items) for item in wanted)


SETS = (
    overload("sets:contains(list<T>, list<T>) -> bool", _contains_all, _product),
    overload(
        "sets:equivalent(list<T>, list<T>) -> bool",
        lambda a, b: _contains_all(a, b) and _contains_all(b, a),
        lambda _, a, b: 1 + 2 * len(a) * len(b),
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


def _made(result: list[Any], *_: Any) -> int:
    return 11 + len(result)


SINCE_34: tuple[Overload, ...] = (
    overload("list<T>.slice(int, int) -> list<T>", _slice, _made),
    overload("list<list<T>>.flatten() -> list<T>", _flatten, _made),
    overload("list<dyn>.flatten(int) -> list<dyn>", _flatten, _made),
    *(
        overload(
            f"list<{one}>.sort() -> list<{one}>",
            lambda items: sorted_by(items, items),
            lambda r, *_: 11 + len(r) ** 2,
        )
        for one in _COMPARABLE
    ),
    overload("lists:range(int) -> list<int>", _range, _made),
    overload("list<T>.reverse() -> list<T>", lambda items: items[::-1], _made),
    overload("list<T>.distinct() -> list<T>", _distinct, lambda _, items: 11 + len(items) ** 2),
)
