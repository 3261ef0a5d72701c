"""The types of the operators. What they do is compiled in (`seawall.cel.operators`)."""

from __future__ import annotations

from typing import Any, NoReturn

from seawall.cel.environment import Overload, overload


def _inline(*_: Any) -> NoReturn:
    raise AssertionError("operators are compiled, not called")


def _each(text: str) -> tuple[Overload, ...]:
    return tuple(overload(line.strip(), _inline) for line in text.strip().splitlines())


_ORDERS = ("_<_", "_<=_", "_>_", "_>=_")
_COMPARED = ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
_CROSSED = ("int, double", "int, uint", "uint, double", "uint, int", "double, int", "double, uint")

OVERLOADS = (
    *_each("""
        _?_:_(bool, A, A) -> A
        _&&_(bool, bool) -> bool
        _||_(bool, bool) -> bool
        !_(bool) -> bool
        _==_(A, A) -> bool
        _!=_(A, A) -> bool
        _in_(A, list<A>) -> bool
        _in_(A, map<A, B>) -> bool
        _[_](list<A>, int) -> A
        _[_](map<A, B>, A) -> B
        _+_(bytes, bytes) -> bytes
        _+_(double, double) -> double
        _+_(duration, duration) -> duration
        _+_(duration, timestamp) -> timestamp
        _+_(timestamp, duration) -> timestamp
        _+_(int, int) -> int
        _+_(list<A>, list<A>) -> list<A>
        _+_(string, string) -> string
        _+_(uint, uint) -> uint
        _-_(double, double) -> double
        _-_(duration, duration) -> duration
        _-_(int, int) -> int
        _-_(timestamp, duration) -> timestamp
        _-_(timestamp, timestamp) -> duration
        _-_(uint, uint) -> uint
        _*_(double, double) -> double
        _*_(int, int) -> int
        _*_(uint, uint) -> uint
        _/_(double, double) -> double
        _/_(int, int) -> int
        _/_(uint, uint) -> uint
        _%_(int, int) -> int
        _%_(uint, uint) -> uint
        -_(double) -> double
        -_(int) -> int
    """),
    *(overload(f"{order}({one}, {one}) -> bool", _inline) for order in _ORDERS for one in _COMPARED),
)
CROSS_TYPE = tuple(overload(f"{order}({both}) -> bool", _inline) for order in _ORDERS for both in _CROSSED)
