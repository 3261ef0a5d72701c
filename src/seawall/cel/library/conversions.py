"""Conversions, sizes and text: the standard functions (langdef.md, "List of Standard Definitions")."""

from __future__ import annotations

import math
import re
from typing import Any

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.operators import size as cost_size
from seawall.cel.operators import tenth
from seawall.cel.values import (
    INT_MAX,
    INT_MIN,
    SECOND,
    UINT_MAX,
    Duration,
    Timestamp,
    TypeValue,
    Uint,
    check_regex,
    checked_timestamp,
    kind_of,
    parse_duration,
    parse_timestamp,
    show_double,
    show_duration,
    show_timestamp,
)  # fmt: skip

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_FLOAT_WORDS = {
    "inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "infinity": math.inf, "+infinity": math.inf,
    "-infinity": -math.inf, "nan": math.nan,
}  # fmt: skip


def _integer(text: str, low: int, high: int, what: str) -> int:
    if _INTEGER.fullmatch(text) and len(text) < 200:
        value = int(text)
        if low <= value <= high:
            return value
    raise CelError(f'type conversion error from string to {what}: parsing "{text[:80]}"')


def _double_to(value: float, low: int, high: int) -> int:
    if not math.isfinite(value) or value <= low - 1 or value >= high or (low < 0 and value <= low):
        raise CelError("integer overflow")
    return int(value)


def _range(value: int, low: int, high: int) -> int:
    if low <= value <= high:
        return int(value)
    raise CelError("integer overflow")


def _to_double(text: str) -> float:
    word = _FLOAT_WORDS.get(text.lower())
    if word is not None:
        return word
    if len(text) < 400 and _FLOAT.fullmatch(text):
        value = float(text)
        if math.isfinite(value):
            return value
    raise CelError(f'type conversion error from string to double: parsing "{text[:80]}"')


def _to_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise CelError(f'type conversion error from string to bool: parsing "{text[:80]}"')


def _from_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None


def _matches(text: str, pattern: str) -> bool:
    return check_regex(pattern).search(text) is not None


def regex_cost(_: Any, text: Any, pattern: Any, *__: Any) -> int:
    """Cost of a regular expression: a tenth of the text's length times a quarter of the pattern's."""
    return tenth(1 + cost_size(text)) * math.ceil(cost_size(pattern) * 0.25)


def walk(_: Any, first: Any, *__: Any) -> int:
    """Cost of one walk over the first argument."""
    return tenth(cost_size(first))


def _contains_cost(_: Any, text: Any, part: Any) -> int:
    return tenth(cost_size(text)) * tenth(cost_size(part))


def _timestamp_of_int(value: int) -> Timestamp:
    return checked_timestamp(value * SECOND)


OVERLOADS = (
    overload("size(string) -> int", len),
    overload("size(bytes) -> int", len),
    overload("size(list<A>) -> int", len),
    overload("size(map<A, B>) -> int", len),
    overload("string.size() -> int", len),
    overload("bytes.size() -> int", len),
    overload("list<A>.size() -> int", len),
    overload("map<A, B>.size() -> int", len),
    overload("string.contains(string) -> bool", lambda text, part: part in text, _contains_cost),
    overload("string.startsWith(string) -> bool", str.startswith, walk),
    overload("string.endsWith(string) -> bool", str.endswith, walk),
    overload("string.matches(string) -> bool", _matches, regex_cost),
    overload("matches(string, string) -> bool", _matches),  # its cost is asked of the method alone
    overload("type(A) -> type<A>", lambda value: TypeValue(kind_of(value))),
    overload("dyn(A) -> dyn", lambda value: value),
    overload("bool(bool) -> bool", lambda value: value),
    overload("bool(string) -> bool", _to_bool),
    overload("bytes(bytes) -> bytes", lambda value: value),
    overload("bytes(string) -> bytes", str.encode, walk),
    overload("double(double) -> double", lambda value: value),
    overload("double(int) -> double", float),
    overload("double(uint) -> double", float),
    overload("double(string) -> double", _to_double),
    overload("duration(duration) -> duration", lambda value: value),
    overload("duration(string) -> duration", parse_duration),
    overload("timestamp(timestamp) -> timestamp", lambda value: value),
    overload("timestamp(int) -> timestamp", _timestamp_of_int),
    overload("timestamp(string) -> timestamp", parse_timestamp),
    overload("int(int) -> int", lambda value: value),
    overload("int(double) -> int", lambda value: _double_to(value, INT_MIN, INT_MAX)),
    overload("int(duration) -> int", lambda value: value.nanos),
    overload("int(string) -> int", lambda text: _integer(text, INT_MIN, INT_MAX, "int")),
    overload("int(timestamp) -> int", lambda value: value.nanos // SECOND),
    overload("int(uint) -> int", lambda value: _range(value, INT_MIN, INT_MAX)),
    overload("uint(uint) -> uint", lambda value: value),
    overload("uint(double) -> uint", lambda value: Uint(_double_to(value, 0, UINT_MAX))),
    overload("uint(int) -> uint", lambda value: Uint(_range(value, 0, UINT_MAX))),
    overload("uint(string) -> uint", lambda text: Uint(_integer(text, 0, UINT_MAX, "uint"))),
    overload("string(string) -> string", lambda value: value),
    overload("string(bool) -> string", lambda value: "true" if value else "false"),
    overload("string(bytes) -> string", _from_bytes, walk),
    overload("string(double) -> string", show_double),
    overload("string(duration) -> string", show_duration),
    overload("string(int) -> string", str),
    overload("string(timestamp) -> string", show_timestamp),
    overload("string(uint) -> string", lambda value: str(int(value))),
)
BEFORE_37 = (overload("duration(int) -> duration", Duration),)  # gone with cel-go v0.29
