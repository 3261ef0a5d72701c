"""Quantities (apimachinery pkg/api/resource)."""

from __future__ import annotations

import re
from fractions import Fraction

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.conversions import walk
from seawall.cel.library.kubernetes.making import method
from seawall.cel.values import INT_MAX, INT_MIN, Opaque

_QUANTITY = re.compile(
    r"([+-]?)([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)
_SUFFIX = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": Fraction(10**3),
    "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "P": Fraction(10**15), "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40), "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}  # fmt: skip
_NANO = Fraction(1, 10**9)


class Quantity(Opaque):
    """An amount such as `500m` or `1Gi`, exact."""

    __slots__ = ("amount",)
    kind = "kubernetes.Quantity"

    def __init__(self, amount: Fraction) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)


def parse_quantity(text: str) -> Quantity:
    """Read a quantity; finer than a nano is rounded up, away from zero. Raises CelError."""
    match = _QUANTITY.fullmatch(text) if len(text) < 1000 else None
    if match is None or not (match[2] or match[3]):
        raise CelError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    digits = int((match[2] or "") + (match[3] or ""))
    suffix = match[4] or ""
    if suffix in _SUFFIX:
        scale = _SUFFIX[suffix]
    else:
        power = int(suffix[1:])
        if abs(power) > 1000:
            raise CelError("unable to parse quantity's suffix")
        scale = Fraction(10) ** power
    amount = Fraction(digits, 10 ** len(match[3] or "")) * scale
    rounded = -(-amount // _NANO) * _NANO
    return Quantity(-rounded if match[1] == "-" else rounded)


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except CelError:
        return False
    return True


def _as_integer(value: Quantity) -> int:
    if value.amount.denominator != 1 or not INT_MIN <= value.amount <= INT_MAX:
        raise CelError("cannot convert value to integer")
    return int(value.amount)


def _sign(value: Quantity) -> int:
    return (value.amount > 0) - (value.amount < 0)


def _compare(a: Quantity, b: Quantity) -> int:
    return (a.amount > b.amount) - (a.amount < b.amount)


_Q = "kubernetes.Quantity"


QUANTITY = (
    overload(f"quantity(string) -> {_Q}", parse_quantity, walk),
    overload("isQuantity(string) -> bool", _is_quantity, walk),
    overload(f"sign({_Q}) -> int", _sign),
    method(_Q, "isGreaterThan(self) -> bool", lambda a, b: a.amount > b.amount),
    method(_Q, "isLessThan(self) -> bool", lambda a, b: a.amount < b.amount),
    method(_Q, "compareTo(self) -> int", _compare),
    method(_Q, "asApproximateFloat() -> double", lambda a: float(a.amount)),
    method(_Q, "asInteger() -> int", _as_integer),
    method(_Q, "isInteger() -> bool", lambda a: a.amount.denominator == 1 and INT_MIN <= a.amount <= INT_MAX),
    method(_Q, "add(self) -> self", lambda a, b: Quantity(a.amount + b.amount)),
    method(_Q, "add(int) -> self", lambda a, b: Quantity(a.amount + b)),
    method(_Q, "sub(self) -> self", lambda a, b: Quantity(a.amount - b.amount)),
    method(_Q, "sub(int) -> self", lambda a, b: Quantity(a.amount - b)),
)
