"""The operators on values: arithmetic with overflow, order across numbers, equality, membership."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CelError
from seawall.cel.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    Opaque,
    Optional,
    Timestamp,
    Uint,
    checked_duration,
    checked_timestamp,
    compare,
    equal,
    kind_of,
    no_overload,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.cel.compile import Frame

    Step = Callable[[Frame], Any]


def size(value: Any) -> int:
    """Return the size as cel-go's cost tracker sees it: of strings, bytes, lists, maps; else 1."""
    kind = type(value)
    if kind is str or kind is list or kind is dict or kind is bytes:
        return len(value)
    if kind is Optional and value.present:
        return size(value.value)
    return getattr(value, "cost_size", 1)


def tenth(count: float) -> int:
    """Return the cost of walking over so many characters: a tenth of them, rounded up."""
    return math.ceil(count * 0.1)


def _checked(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise CelError("integer overflow")


def _checked_uint(value: int) -> Uint:
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise CelError("unsigned integer overflow")


def _add(a: Any, b: Any) -> Any:
    ta, tb = type(a), type(b)
    if ta is tb:
        if ta is str or ta is list or ta is bytes or ta is float:
            return a + b
        if ta is int:
            return _checked(a + b)
        if ta is Uint:
            return _checked_uint(int(a) + int(b))
        if ta is Duration:
            return checked_duration(a.nanos + b.nanos)
    if {ta, tb} == {Duration, Timestamp}:
        return checked_timestamp(a.nanos + b.nanos)
    raise no_overload("_+_", a, b)


def _subtract(a: Any, b: Any) -> Any:
    ta, tb = type(a), type(b)
    if ta is tb:
        if ta is int:
            return _checked(a - b)
        if ta is float:
            return a - b
        if ta is Uint:
            return _checked_uint(int(a) - int(b))
        if ta in {Duration, Timestamp}:
            return checked_duration(a.nanos - b.nanos)
    if ta is Timestamp and tb is Duration:
        return checked_timestamp(a.nanos - b.nanos)
    raise no_overload("_-_", a, b)


def _multiply(a: Any, b: Any) -> Any:
    ta = type(a)
    if ta is type(b):
        if ta is int:
            return _checked(a * b)
        if ta is float:
            return a * b
        if ta is Uint:
            return _checked_uint(int(a) * int(b))
    raise no_overload("_*_", a, b)


def _divide(a: Any, b: Any) -> Any:
    ta = type(a)
    if ta is type(b):
        if ta is float:
            if b == 0:
                return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1, b)  # noqa: PLR0124 - NaN
            return a / b
        if ta in {int, Uint}:
            if b == 0:
                raise CelError("division by zero")
            quotient = abs(int(a)) // abs(int(b))
            if ta is Uint:
                return Uint(quotient)
            return _checked(quotient if (a < 0) == (b < 0) else -quotient)
    raise no_overload("_/_", a, b)


def _modulo(a: Any, b: Any) -> Any:
    ta = type(a)
    if ta is type(b) and ta in {int, Uint}:
        if b == 0:
            raise CelError("modulus by zero")
        if a == INT_MIN and b == -1:
            raise CelError("integer overflow")
        rest = abs(int(a)) % abs(int(b))
        return Uint(rest) if ta is Uint else (-rest if a < 0 else rest)
    raise no_overload("_%_", a, b)


def _negate(a: Any) -> Any:
    if type(a) is int:
        return _checked(-a)
    if type(a) is float:
        return -a
    if type(a) is Duration:
        return checked_duration(-a.nanos)
    raise no_overload("-_", a)


def _binary(apply: Callable[[Any, Any], Any]) -> Callable[[Step, Step], Step]:
    def build(left: Step, right: Step) -> Step:
        def run(frame: Frame) -> Any:
            a, b = left(frame), right(frame)
            frame.cost += 1
            return apply(a, b)

        return run

    return build


def _build_add(left: Step, right: Step) -> Step:
    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is str or type(a) is bytes:
            frame.cost += tenth(size(a) + size(b))
            frame.spend()
        else:
            frame.cost += 1
        return _add(a, b)

    return run


def _build_equal(*, negated: bool) -> Callable[[Step, Step], Step]:
    def build(left: Step, right: Step) -> Step:
        def run(frame: Frame) -> bool:
            a, b = left(frame), right(frame)
            if isinstance(a, Opaque):
                frame.cost += 1
            else:
                frame.cost += tenth(min(size(a), size(b)))
            return equal(a, b) is not negated

        return run

    return build


def _build_order(name: str, test: Callable[[int, int], bool]) -> Callable[[Step, Step], Step]:
    def build(left: Step, right: Step) -> Step:
        def run(frame: Frame) -> bool:
            a, b = left(frame), right(frame)
            kind = type(a)
            if kind is str or kind is bytes:
                frame.cost += tenth(min(size(a), size(b)))
            else:
                frame.cost += 1
                if kind is int and type(b) is int:
                    return test(a, b)
            return test(compare(name, a, b), 0)

        return run

    return build


def _build_not(operand: Step) -> Step:
    def run(frame: Frame) -> bool:
        value = operand(frame)
        frame.cost += 1
        if value is True:
            return False
        if value is False:
            return True
        raise no_overload("!_", value)

    return run


def _build_negate(operand: Step) -> Step:
    def run(frame: Frame) -> Any:
        frame.cost += 1
        return _negate(operand(frame))

    return run


BINARY: dict[str, Callable[[Step, Step], Step]] = {
    "_+_": _build_add,
    "_-_": _binary(_subtract),
    "_*_": _binary(_multiply),
    "_/_": _binary(_divide),
    "_%_": _binary(_modulo),
    "_==_": _build_equal(negated=False),
    "_!=_": _build_equal(negated=True),
    "_<_": _build_order("_<_", operator.lt),
    "_<=_": _build_order("_<=_", operator.le),
    "_>_": _build_order("_>_", operator.gt),
    "_>=_": _build_order("_>=_", operator.ge),
}
UNARY: dict[str, Callable[[Step], Step]] = {"!_": _build_not, "-_": _build_negate}

_STRICT = frozenset({str, bytes})


def contains(item: Any, items: Any) -> bool:
    """Whether `item in items`."""
    kind = type(items)
    if kind is list:
        if type(item) in _STRICT:
            return item in items
        return any(equal(item, each) for each in items)
    if kind is dict:
        if type(item) in {str, int, Uint, float, bool}:
            return any(equal(item, key) for key in items) if type(item) is not str else item in items
        return False
    raise no_overload("@in", item, items)


def in_operator(item: Step, items: Step, *, constant: bool) -> Step:
    """Build `in`; in a list of constants it costs nothing (cel-go makes a set of it)."""

    def run(frame: Frame) -> bool:
        value, where = item(frame), items(frame)
        if not constant:
            frame.cost += len(where) if type(where) is list else 1
            frame.spend()
        return contains(value, where)

    return run


__all__ = ["BINARY", "UNARY", "contains", "in_operator", "kind_of", "size", "tenth"]
