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
    from seawall.cel.environment import Overload

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


def _lost(frame: Frame, failure: CelError, right: Step, cost: Callable[[Any, Any], int]) -> CelError:
    """Evaluate the right side too, as the interpreter does before it looks at the left one's error."""
    other: Any
    try:
        other = right(frame)
    except CelError as second:
        other = second
    frame.cost += cost(failure, other)
    return failure


def _operator(
    apply: Callable[[Any, Any], Any], cost: Callable[[Any, Any], int]
) -> Callable[[Step, Step], Step]:
    def build(left: Step, right: Step) -> Step:
        def run(frame: Frame) -> Any:
            try:
                a = left(frame)
            except CelError as failure:
                raise _lost(frame, failure, right, cost) from None
            try:
                b = right(frame)
            except CelError as failure:
                frame.cost += cost(a, failure)
                raise
            frame.cost += cost(a, b)
            frame.spend()
            return apply(a, b)

        return run

    return build


def _one(_: Any, __: Any) -> int:
    return 1


def _both(a: Any, b: Any) -> int:
    return tenth(size(a) + size(b))


def _shorter(a: Any, b: Any) -> int:
    return tenth(min(size(a), size(b)))


def _equality(a: Any, b: Any) -> int:
    return 1 if isinstance(a, Opaque) else _shorter(a, b)


def _ordered(name: str, test: Callable[[int, int], bool]) -> Callable[[Any, Any], bool]:
    def apply(a: Any, b: Any) -> bool:
        if type(a) is int and type(b) is int:
            return test(a, b)
        return test(compare(name, a, b), 0)

    return apply


def unary(apply: Callable[[Any], Any]) -> Callable[[Step], Step]:
    """Build a call of one argument that costs one, also where the argument fails."""

    def build(operand: Step) -> Step:
        def run(frame: Frame) -> Any:
            try:
                value = operand(frame)
            except CelError:
                frame.cost += 1
                raise
            frame.cost += 1
            return apply(value)

        return run

    return build


def _not(value: Any) -> bool:
    if value is True:
        return False
    if value is False:
        return True
    raise no_overload("!_", value)


def _comparable(a: Any) -> bool:
    return not isinstance(a, Opaque) or a.comparable


def _equal(a: Any, b: Any) -> bool:
    if not _comparable(a):
        raise CelError("no such overload")
    return equal(a, b)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "_+_": _add, "_-_": _subtract, "_*_": _multiply, "_/_": _divide, "_%_": _modulo,
}  # fmt: skip
_ORDER: dict[str, Callable[[int, int], bool]] = {
    "_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge,
}  # fmt: skip
UNARY: dict[str, Callable[[Step], Step]] = {"!_": unary(_not), "-_": unary(_negate)}
BINARY = frozenset({"_==_", "_!=_", *_ARITHMETIC, *_ORDER})


def binary(function: str, left: Step, right: Step, overloads: list[Overload]) -> Step:
    """Build an operator of two sides.

    Texts cost by their length where the types say that they are texts; where they leave open which overload it
    is, the interpreter has no name for it and counts one.
    """
    if function == "_==_":
        return _operator(_equal, _equality)(left, right)
    if function == "_!=_":
        return _operator(lambda a, b: not (_comparable(a) and equal(a, b)), _shorter)(left, right)
    text = len(overloads) == 1 and overloads[0].args[0].kind in {"string", "bytes"}
    if function in _ORDER:
        return _operator(_ordered(function, _ORDER[function]), _shorter if text else _one)(left, right)
    return _operator(_ARITHMETIC[function], _both if text and function == "_+_" else _one)(left, right)


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


def in_operator(item: Step, items: Step, *, single: bool) -> Step:
    """Build `in`; `single` where the types say that it looks into a list: that costs its length."""

    def cost(_: Any, where: Any) -> int:
        return size(where) if single else 1

    return _operator(contains, cost)(item, items)


def in_constants(item: Step, items: list[Any]) -> Step:
    """Build `in` a list of plain constants, which costs nothing: cel-go makes a set of it."""
    if not items:
        return lambda _: False
    return lambda frame: contains(item(frame), items)


def plain_constants(items: list[Any]) -> bool:
    """Whether cel-go makes a set of these (`maybeOptimizeSetMembership`)."""
    return all(type(item) in {str, int, Uint, float, bool} for item in items)


__all__ = [
    "BINARY",
    "UNARY",
    "binary",
    "contains",
    "in_constants",
    "in_operator",
    "kind_of",
    "plain_constants",
    "size",
    "tenth",
]
