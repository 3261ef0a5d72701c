"""Optional values (cel-go's optional types, version 1 as Kubernetes 1.28 has them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.values import NONE, Optional

if TYPE_CHECKING:
    from seawall.cel.compile import Frame


def _value(value: Optional) -> Any:
    if value.present:
        return value.value
    raise CelError("optional.none() dereference")


def _of_non_zero(value: Any) -> Optional:
    empty = (
        not getattr(value, "fields", True)
        if hasattr(value, "fields")
        else value in (None, False, 0, "", b"", [], {})
    )
    if isinstance(value, tuple):
        empty = value[0] == 0
    return NONE if empty else Optional(present=True, value=value)


def _unwrap(items: list[Any]) -> list[Any]:
    if not all(type(item) is Optional for item in items):
        raise CelError("optional.unwrap: no such overload for an element that is no optional")
    return [item.value for item in items if item.present]


def _at(items: list[Any], position: int) -> Optional:
    return Optional(present=True, value=items[position]) if items else NONE


def _or(_: Frame, first: Optional, second: Optional) -> Optional:
    return first if first.present else second


def _free(*_: Any) -> int:
    return 0  # `or` and `orValue` are steps of the interpreter, not calls


def _inline(*_: Any) -> NoReturn:
    raise AssertionError("operators are compiled, not called")


OVERLOADS = (
    overload("_[_](optional<list<V>>, int) -> optional<V>", _inline),
    overload("_[_](optional<map<K, V>>, K) -> optional<V>", _inline),
    overload("_[?_](list<V>, int) -> optional<V>", _inline),
    overload("_[?_](optional<list<V>>, int) -> optional<V>", _inline),
    overload("_[?_](map<K, V>, K) -> optional<V>", _inline),
    overload("_[?_](optional<map<K, V>>, K) -> optional<V>", _inline),
    overload("optional:none() -> optional<V>", lambda: NONE),
    overload("optional:of(V) -> optional<V>", lambda value: Optional(present=True, value=value)),
    overload("optional:ofNonZeroValue(V) -> optional<V>", _of_non_zero),
    overload("optional<V>.hasValue() -> bool", lambda value: value.present),
    overload("optional<V>.value() -> V", _value),
    overload(
        "optional<V>.orValue(V) -> V", lambda value, other: value.value if value.present else other, _free
    ),
    overload("optional:unwrap(list<optional<V>>) -> list<V>", _unwrap),
    overload("list<optional<V>>.unwrapOpt() -> list<V>", _unwrap),
    overload("list<V>.first() -> optional<V>", lambda items: _at(items, 0)),
    overload("list<V>.last() -> optional<V>", lambda items: _at(items, -1)),
    overload("optional<V>.or(optional<V>) -> optional<V>", _or, _free, context=True),
)
