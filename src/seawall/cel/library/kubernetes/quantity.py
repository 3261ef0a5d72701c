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
_POWERS = {
    "": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
    "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60,
}  # fmt: skip
_NANO = Fraction(1, 10**9)
_MAX_POWER = 1000
_FACTORS = 18  # digits that an int64 certainly holds (maxInt64Factors)


class Quantity(Opaque):
    """An amount such as `500m` or `1Gi`, exact: `value` times ten to the power of `scale`.

    `wide` says that the server holds it as a big decimal. That shows: only what is held as a 64-bit integer
    without a fraction part, written or not, `isInteger()`.
    """

    __slots__ = ("scale", "value", "wide")
    kind = "kubernetes.Quantity"

    def __init__(self, value: int, scale: int, *, wide: bool = False) -> None:
        self.value = value
        self.scale = scale
        self.wide = wide

    @property
    def amount(self) -> Fraction:
        """The exact number."""
        return Fraction(self.value) * Fraction(10) ** self.scale

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)


def parse_quantity(text: str) -> Quantity:
    """Read a quantity; finer than a nano is rounded up, away from zero. Raises CelError.

    `ParseQuantity` of apimachinery, which takes a sign, a point or a suffix alone as zero.
    """
    match = _QUANTITY.fullmatch(text) if 0 < len(text) < 1000 else None
    if match is None:
        raise CelError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    whole, part, suffix = (match[2] or "").lstrip("0") or "0", match[3] or "", match[4] or ""
    if suffix == "e":
        raise CelError("unable to parse quantity's suffix")
    sign = -1 if match[1] == "-" else 1
    binary = suffix.endswith("i")
    power = _power(suffix)
    if binary:
        fits = not part and 15 - len(whole) - int(power * 3 / 10) - 1 >= 0
        value = int(whole) << power
        power = 0
    else:
        fits = _FACTORS - len(whole) - len(part) >= 0
        value = int(whole + part)
        power -= len(part)
    if fits and power >= -9 and value <= INT_MAX:
        return Quantity(sign * value, power)
    return _wide(sign, Fraction(int(whole + part), 10 ** len(part)) * _SUFFIX.get(suffix, 1), suffix)


def _wide(sign: int, amount: Fraction, suffix: str) -> Quantity:
    if suffix not in _SUFFIX:
        amount *= Fraction(10) ** _power(suffix)
    if amount:
        amount = -(-amount // _NANO) * _NANO
    if suffix.endswith("i"):
        amount = min(amount, Fraction(INT_MAX))
    return Quantity(sign * int(amount / _NANO), -9, wide=True)


def _power(suffix: str) -> int:
    """Return the exponent of a suffix: of two for `Ki` and its like, else of ten."""
    if suffix in _POWERS:
        return _POWERS[suffix]
    power = int(suffix[1:])
    if abs(power) > _MAX_POWER:
        raise CelError("unable to parse quantity's suffix")
    return power


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except CelError:
        return False
    return True


def _is_integer(value: Quantity) -> bool:
    return not value.wide and value.scale >= 0 and INT_MIN <= value.amount <= INT_MAX


def _as_integer(value: Quantity) -> int:
    if not _is_integer(value):
        raise CelError("cannot convert value to integer")
    return int(value.amount)


def _as_float(value: Quantity) -> float:
    return float(value.value) * 10.0**value.scale if value.scale else float(value.value)


def _sign(value: Quantity) -> int:
    return (value.value > 0) - (value.value < 0)


def _compare(a: Quantity, b: Quantity) -> int:
    return (a.amount > b.amount) - (a.amount < b.amount)


def _add(a: Quantity, b: Quantity | int) -> Quantity:
    """Add as `Quantity.Add` does: 64-bit integers at the finer scale while they fit, big decimals after that."""
    other = Quantity(b, 0) if isinstance(b, int) else b
    wide = a.wide or other.wide
    if not wide and other.value == 0:
        return a
    if not wide and a.value == 0:
        return Quantity(other.value, other.scale)
    scale = min(a.scale, other.scale)
    parts = [each.value * 10 ** (each.scale - scale) for each in (a, other)]
    total = sum(parts)
    wide = wide or any(not INT_MIN <= each <= INT_MAX for each in (*parts, total))
    return Quantity(total, scale, wide=wide)


def _subtract(a: Quantity, b: Quantity | int) -> Quantity:
    other = Quantity(b, 0) if isinstance(b, int) else b
    return _add(a, Quantity(-other.value, other.scale, wide=other.wide))


_Q = "kubernetes.Quantity"


QUANTITY = (
    overload(f"quantity(string) -> {_Q}", parse_quantity, walk),
    overload("isQuantity(string) -> bool", _is_quantity, walk),
    overload(f"sign({_Q}) -> int", _sign),
    method(_Q, "isGreaterThan(self) -> bool", lambda a, b: a.amount > b.amount),
    method(_Q, "isLessThan(self) -> bool", lambda a, b: a.amount < b.amount),
    method(_Q, "compareTo(self) -> int", _compare),
    method(_Q, "asApproximateFloat() -> double", _as_float),
    method(_Q, "asInteger() -> int", _as_integer),
    method(_Q, "isInteger() -> bool", _is_integer),
    method(_Q, "add(self) -> self", _add),
    method(_Q, "add(int) -> self", _add),
    method(_Q, "sub(self) -> self", _subtract),
    method(_Q, "sub(int) -> self", _subtract),
)
