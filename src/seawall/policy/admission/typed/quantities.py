"""Quantities as the server writes them (apimachinery pkg/api/resource/quantity.go, read at v0.34.4)."""

from __future__ import annotations

from typing import Any

from seawall.cel import CelError
from seawall.cel.library.kubernetes import parse_quantity

_DECIMAL = {
    -9: "n",
    -6: "u",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
    15: "P",
    18: "E",
}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def canonical(value: Any, *, milli: bool = False) -> Any:
    """Return a quantity in the form the server gives it: `1000m` is `1`; what is none comes back as it is.

    `milli` rounds up what is finer than a thousandth, as lists of resources are.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    text = str(value)
    try:
        amount = parse_quantity(text).amount
    except CelError:
        return value
    nanos = int(amount * 10**9)
    if milli and nanos % 10**6:
        nanos += 10**6 - nanos % 10**6
    if nanos == 0:
        return "0"
    binary = text.endswith("i") and abs(nanos) >= 1024 * 10**9
    if binary and nanos % 10**9 == 0:
        whole, power = nanos // 10**9, 0
        while whole % 1024 == 0 and power < len(_BINARY) - 1:
            whole //= 1024
            power += 1
        return f"{whole}{_BINARY[power]}"
    exponent = -9
    while nanos % 1000 == 0 and exponent < (1000 if _scientific(text) else 18):
        nanos //= 1000
        exponent += 3
    if _scientific(text):
        return f"{nanos}e{exponent}" if exponent else str(nanos)
    return f"{nanos}{_DECIMAL[exponent]}"


def _scientific(text: str) -> bool:
    """Whether a quantity is written with an exponent: `1e3`, and not `1E`."""
    head = text.rstrip("0123456789").rstrip("+-")
    return head != text and head[-1:] in {"e", "E"}


def total(values: list[Any], like: Any) -> str:
    """Return the sum of quantities in the form of `like`. Raises CelError."""
    amount = sum((parse_quantity(str(value)).amount for value in values), start=parse_quantity("0").amount)
    nanos = int(amount * 10**9)
    suffix = "Ki" if str(like).endswith("i") and nanos % (1024 * 10**9) == 0 and nanos else ""
    return str(canonical(f"{nanos // (1024 * 10**9)}Ki" if suffix else f"{nanos}n"))


def larger(one: Any, other: Any) -> Any:
    """Return the larger of two quantities. Raises CelError."""
    return one if parse_quantity(str(one)).amount >= parse_quantity(str(other)).amount else other


__all__ = ["canonical", "larger", "total"]
