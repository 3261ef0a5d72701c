"""Optional values (cel-go's optional types, version 1 as Kubernetes 1.28 has them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def _or(_: Frame, first: Optional, second: Optional) -> Optional:
    return first if first.present else second


def _free(*_: Any) -> int:
    return 0  # `or` and `orValue` are steps of the interpreter, not calls


OVERLOADS = (
    overload("optional:none() -> optional<V>", lambda: NONE),
    overload("optional:of(V) -> optional<V>", lambda value: Optional(present=True, value=value)),
    overload("optional:ofNonZeroValue(V) -> optional<V>", _of_non_zero),
    overload("optional<V>.hasValue() -> bool", lambda value: value.present),
    overload("optional<V>.value() -> V", _value),
    overload(
        "optional<V>.orValue(V) -> V", lambda value, other: value.value if value.present else other, _free
    ),
    overload("optional<V>.or(optional<V>) -> optional<V>", _or, _free, context=True),
)
