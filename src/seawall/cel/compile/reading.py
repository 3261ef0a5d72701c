"""Reading fields, keys and indexes of values (cel-go `interpreter/attributes.go`)."""

from __future__ import annotations

from typing import Any

from seawall.cel.errors import CelError
from seawall.cel.values import NONE, ObjectValue, Optional, Uint, kind_of, no_overload


def get(base: Any, key: Any) -> Any:
    """Return `base[key]` or raise CelError."""
    kind = type(base)
    if kind is dict:
        try:
            return base[_key(base, key)]
        except (KeyError, TypeError):
            raise CelError(f"no such key: {key}") from None
    if kind is list:
        position = key
        if type(position) is float and position.is_integer():
            position = int(position)
        if type(position) not in {int, Uint}:
            raise CelError(f"unsupported index type '{kind_of(key)}' in list")
        if not 0 <= position < len(base):
            raise CelError(f"index out of bounds: {position}")
        return base[position]
    if kind is Optional:
        return optional_get(base, key)
    if isinstance(base, ObjectValue):
        if key in base.fields:
            return base.fields[key]
        raise CelError(f"no such key: {key}")
    raise no_overload("_[_]", base, key) if base is not None else CelError(f"no such key: {key}")


def _key(base: dict[Any, Any], key: Any) -> Any:
    if type(key) is bool or (type(key) in {int, float, Uint} and key in {0, 1}):
        # True == 1 for Python and not for CEL: compare the types too.
        for known in base:
            if known == key and (type(known) is bool) == (type(key) is bool):
                return known
        raise KeyError(key)
    return key


def optional_get(base: Any, key: Any) -> Optional:
    """Return `base[?key]`: absent where there is no such key, index or base."""
    if type(base) is Optional:
        if not base.present:
            return NONE
        base = base.value
    if type(base) is dict:
        try:
            return Optional(present=True, value=base[_key(base, key)])
        except (KeyError, TypeError):
            return NONE
    if type(base) is list:
        if type(key) is float and key.is_integer():
            key = int(key)
        if type(key) not in {int, Uint}:
            raise CelError(f"unsupported index type '{kind_of(key)}' in list")
        return Optional(present=True, value=base[key]) if 0 <= key < len(base) else NONE
    if isinstance(base, ObjectValue):
        return Optional(present=True, value=base.fields[key]) if key in base.fields else NONE
    return (
        NONE  # what has no fields has not this one (attributes.go: refQualify, errorOnBadPresenceTest is off)
    )


def has(base: Any, field: str) -> bool:
    """Tell whether `base` has a field. Raises CelError for a list."""
    if type(base) is dict:
        return field in base
    if isinstance(base, ObjectValue):
        return field in base.fields
    if type(base) is Optional:
        return base.present and optional_get(base, field).present
    if type(base) is list:
        raise CelError(f"unsupported index type 'string' in list for {field}")
    return False  # as in optional_get: null and plain values have no fields
