"""The static types of CEL, and when a value of one may stand where another is asked.

Source: the language's specification, and `checker/types.go` of cel-go for what that leaves open.
"""

from __future__ import annotations

import functools
from typing import NamedTuple


class Type(NamedTuple):
    """A type: `kind` is its name; lists, maps, types and optionals have parameters."""

    kind: str
    params: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if self.kind == "param":
            return self.params[0].kind
        if not self.params:
            return self.kind
        return f"{self.kind}({', '.join(map(str, self.params))})"


DYN = Type("dyn")
ERROR = Type("error")
NULL = Type("null_type")
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
DURATION = Type("google.protobuf.Duration")
TIMESTAMP = Type("google.protobuf.Timestamp")
TYPE = Type("type")

PRIMITIVES = frozenset({"bool", "int", "uint", "double", "string", "bytes"})
_SHORT = {"duration": DURATION, "timestamp": TIMESTAMP, "null": NULL}


def list_of(item: Type) -> Type:
    """Return `list(item)`."""
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    """Return `map(key, value)`."""
    return Type("map", (key, value))


def optional_of(item: Type) -> Type:
    """Return `optional_type(item)`."""
    return Type("optional_type", (item,))


def type_of(item: Type) -> Type:
    """Return `type(item)`."""
    return Type("type", (item,))


def param(name: str) -> Type:
    """Return a type parameter of a signature."""
    return Type("param", (Type(name),))


@functools.cache
def parse_type(text: str) -> Type:
    """Read a type of a signature: `string`, `list<T>`, `map<K,V>`; single capitals are parameters."""
    text = text.strip()
    head, bracket, rest = text.partition("<")
    if bracket:
        parts, depth, start = [], 0, 0
        inner = rest[:-1]
        for index, char in enumerate(inner):
            depth += (char == "<") - (char == ">")
            if char == "," and depth == 0:
                parts.append(inner[start:index])
                start = index + 1
        parts.append(inner[start:])
        name = {"optional": "optional_type"}.get(head, head)
        return Type(name, tuple(parse_type(part) for part in parts))
    if len(text) == 1 and text.isupper():
        return param(text)
    return _SHORT.get(text, Type(text))


Bindings = dict[Type, Type]


def substitute(bound: Bindings, item: Type, *, free_to_dyn: bool = False) -> Type:
    """Replace parameters by what they are bound to; with `free_to_dyn` the unbound become dyn."""
    if item in bound:
        return substitute(bound, bound[item], free_to_dyn=free_to_dyn)
    if item.kind == "param":
        return DYN if free_to_dyn else item
    if item.params:
        return Type(
            item.kind, tuple(substitute(bound, each, free_to_dyn=free_to_dyn) for each in item.params)
        )
    return item


def assignable(bound: Bindings, to: Type, given: Type) -> bool:
    """Whether a value of type `given` may stand where `to` is asked; may bind parameters in `bound`.

    `internalIsAssignable` of cel-go, with `given` as its first type.
    """
    if to.kind == "param":
        valid, known = _substitute(bound, given, to)
        if valid or known:
            return valid
    if given.kind == "param":
        return _substitute(bound, to, given)[0]
    if to.kind in {"dyn", "error"} or given.kind in {"dyn", "error"}:
        return True
    if to.kind == "null_type":
        return _nullable(given)
    if given.kind == "null_type":
        return _nullable(to)
    if to.kind != given.kind:
        return False
    if to.kind == "type":
        return True
    return len(to.params) == len(given.params) and all(
        assignable(bound, a, b) for a, b in zip(to.params, given.params, strict=True)
    )


def _substitute(bound: Bindings, one: Type, parameter: Type) -> tuple[bool, bool]:
    """Say whether a parameter may stand for a type, and whether it is bound already; may bind it."""
    if one == parameter:
        return True, True
    known = bound.get(parameter)
    if known is not None:
        if one == known:
            return True, True
        if not assignable(bound, known, one):
            return False, True
        wider = most_general(one, known)
        if not _occurs(bound, parameter, wider):
            bound[parameter] = wider
        return True, True
    if _occurs(bound, parameter, one):
        return False, False
    bound[parameter] = one
    return True, False


def _occurs(bound: Bindings, parameter: Type, item: Type) -> bool:
    if item == parameter:
        return True
    if item.kind == "param":
        return item in bound and _occurs(bound, parameter, bound[item])
    return any(_occurs(bound, parameter, each) for each in item.params)


def most_general(one: Type, other: Type) -> Type:
    """Return the first of two assignable types where it is the wider one all through, else the second."""
    return one if _no_more_specific(one, other) else other


def _no_more_specific(one: Type, other: Type) -> bool:
    if one.kind in {"dyn", "param"}:
        return True
    if other.kind in {"dyn", "param"} or one.kind != other.kind:
        return False
    if one.kind == "type":
        return True
    return len(one.params) == len(other.params) and all(map(_no_more_specific, one.params, other.params))


def _nullable(item: Type) -> bool:
    # Null may stand for objects, opaque values, durations and timestamps, not for primitives and aggregates.
    return item.kind not in PRIMITIVES | {"list", "map", "type"}
