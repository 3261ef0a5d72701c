"""Structured merge: a partial object into a live one (sigs.k8s.io/structured-merge-diff v6.3.0 `typed`).

Maps merge by key, lists by the items' keys or values, atomic ones are replaced whole. The walk over both
lists keeps the order of the server's: items that both have stand in the order of the patch.
"""

from __future__ import annotations

from typing import Any

from seawall.policy.admission.typed.model import ListType, MapType, Reference, Types

Json = dict[str, Any]
MISSING: Any = object()
_ANY_MAP = MapType(item="*")
_ANY_LIST = ListType("atomic", "*")
_ANY_ITEM = "*"


class TypedError(Exception):
    """A value is not of its type; the text says where."""


def _shape(types: Types, reference: Reference, value: Any) -> Reference:
    """Return the one of the possible shapes that a value has."""
    found = types.resolve(reference)
    if found == "*":
        if isinstance(value, dict):
            return _ANY_MAP
        if isinstance(value, list):
            return _ANY_LIST
        return "u"
    return found


def validate(
    types: Types,
    reference: Reference,
    value: Any,
    path: str = "",
    *,
    duplicates: bool = False,
    keys: bool = True,
) -> None:
    """Require that a value is of a type: known fields, kinds of scalars, keys of list items.

    `duplicates` allows two items of one key, `keys` False does not look at them (as a decoder does not).
    Raises TypedError.
    """
    if value is None:
        return
    shape = _shape(types, reference, value)
    if isinstance(shape, MapType):
        if not isinstance(value, dict):
            raise TypedError(f"{path}: expected map, got {_show(value)}")
        for key, item in value.items():
            inner = shape.fields.get(key, shape.item)
            if inner is None:
                raise TypedError(f"{path}.{key}: field not declared in schema")
            validate(types, inner, item, f"{path}.{key}", duplicates=duplicates, keys=keys)
    elif isinstance(shape, ListType):
        if not isinstance(value, list):
            raise TypedError(f"{path}: expected list, got {_show(value)}")
        seen: set[Any] = set()
        for position, item in enumerate(value):
            where = f"{path}[{position}]"
            if keys and shape.rule != "atomic":
                key = _key(types, shape, item, where)
                if key in seen and not duplicates:
                    raise TypedError(f"{path}: duplicate entries for key {key}")
                seen.add(key)
            validate(types, shape.item, item, where, duplicates=duplicates, keys=keys)
    else:
        good = {"s": (str,), "n": (int, float), "b": (bool,), "u": (str, int, float, bool)}[shape]
        if not isinstance(value, good) or (shape == "n" and isinstance(value, bool)):
            raise TypedError(f"{path}: expected {_WORDS[shape]}, got {_show(value)}")


_WORDS = {"s": "string", "n": "numeric (int or float)", "b": "boolean", "u": "any scalar"}


def _show(value: Any) -> str:
    return {dict: "a map", list: "a list", str: "a string", bool: "a boolean"}.get(type(value), "a number")


def _key(types: Types, shape: ListType, item: Any, path: str) -> Any:
    """Return what tells an item apart. Raises TypedError."""
    if shape.rule == "set":
        if isinstance(item, (dict, list)) or item is None:
            raise TypedError(f"{path}: a set holds scalars")
        return (type(item) is bool, item)
    if not isinstance(item, dict):
        raise TypedError(f"{path}: associative list with keys may not have non-map elements")
    element = types.resolve(shape.item)
    defaults = element.defaults if isinstance(element, MapType) else {}
    found = []
    for key in shape.keys:
        value = item.get(key, defaults.get(key, MISSING))
        if value is not MISSING:
            found.append(
                (key, type(value) is bool, repr(value) if isinstance(value, (dict, list)) else value)
            )
    if not found:
        raise TypedError(f"{path}: associative list with keys has an element that omits all key fields")
    return tuple(found)


def atomics(types: Types, reference: Reference, value: Any, path: str = "") -> list[str]:
    """Return the paths of atomic maps and lists that a patch would touch."""
    found: list[str] = []
    shape = _shape(types, reference, value) if isinstance(value, (dict, list)) else None
    if types.resolve(reference) == "*":
        # The deduced type: maps are separable, lists atomic.
        shape = _ANY_LIST if isinstance(value, list) else _ANY_MAP
    if isinstance(shape, MapType) and isinstance(value, dict):
        if shape.atomic:
            found.append(path)
        for key, item in value.items():
            if key in shape.fields:
                found += atomics(types, shape.fields[key], item, f"{path}.{key}")
    elif isinstance(shape, ListType) and isinstance(value, list):
        if shape.rule == "atomic":
            found.append(path)
        for position, item in enumerate(value):
            found += atomics(types, shape.item, item, f"{path}[{position}]")
    return found


def merge(types: Types, reference: Reference, live: Any, patch: Any) -> Any:
    """Return the live value with the patch merged into it; either may be MISSING. Raises TypedError."""
    if patch is MISSING:
        shape = _shape(types, reference, live)
    else:
        shape = _shape(types, reference, patch)
        if live is not MISSING and patch is not None and types.resolve(reference) == "*":
            other = _shape(types, reference, live)
            if type(other) is not type(shape):
                return patch
    if isinstance(shape, MapType):
        return _merge_maps(types, shape, live, patch)
    if isinstance(shape, ListType):
        return _merge_lists(types, shape, live, patch)
    return live if patch is MISSING else patch


def _leaf(live: Any, patch: Any) -> Any:
    return live if patch is MISSING else patch


def _merge_maps(types: Types, shape: MapType, live: Any, patch: Any) -> Any:
    left: Json = live if isinstance(live, dict) else {}
    right: Json = patch if isinstance(patch, dict) else {}
    if shape.atomic or not (left or right):
        return _leaf(live, patch)  # keeps the difference of empty and null
    found: Json = {}
    for key in [*left, *(key for key in right if key not in left)]:
        inner = shape.fields.get(key, shape.item)
        if inner is None:
            raise TypedError(f".{key}: field not declared in schema")
        found[key] = merge(types, inner, left.get(key, MISSING), right.get(key, MISSING))
    return found


def _merge_lists(types: Types, shape: ListType, live: Any, patch: Any) -> Any:
    left: list[Any] = live if isinstance(live, list) else []
    right: list[Any] = patch if isinstance(patch, list) else []
    if shape.rule == "atomic" or not (left or right):
        return _leaf(live, patch)
    left_keys = [_key(types, shape, item, f"[{n}]") for n, item in enumerate(left)]
    right_keys = [_key(types, shape, item, f"[{n}]") for n, item in enumerate(right)]
    mine: dict[Any, Any] = {}
    for key, item in zip(left_keys, left, strict=True):
        mine[key] = MISSING if key in mine else item  # duplicates are not merged with the patch's item
    theirs = dict(zip(right_keys, right, strict=True))
    shared = [key for key in right_keys if key in mine]
    upcoming = shared.pop(0) if shared else None
    merged: set[Any] = set()
    found: list[Any] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right):
            key = left_keys[i]
            if key == right_keys[j]:
                merged.add(key)
                found.append(merge(types, shape.item, mine[key], theirs[key]))
                i, j = i + 1, j + 1
                upcoming = shared.pop(0) if shared else None
                continue
            if key in theirs and upcoming is not None and upcoming != key:
                i += 1
                continue
        if i < len(left):
            key = left_keys[i]
            if key not in theirs:
                found.append(merge(types, shape.item, left[i], MISSING))
                i += 1
                continue
            if key in merged:
                i += 1
        if j < len(right):
            key = right_keys[j]
            merged.add(key)
            found.append(merge(types, shape.item, mine.get(key, MISSING), theirs[key]))
            j += 1
            if upcoming is not None and upcoming == key:
                upcoming = shared.pop(0) if shared else None
    return found


__all__ = ["MISSING", "TypedError", "atomics", "merge", "validate"]
