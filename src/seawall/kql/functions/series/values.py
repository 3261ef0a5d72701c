"""What the functions on series share: the numbers of an array, and how numbers are written into one.

A series is a dynamic array of numbers; what is not finite is written as a text, as JSON has no number for it.
"""

from __future__ import annotations

import math
import re
from typing import Any

from seawall.kql.errors import Unanswered

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
"""A datetime, as it is held inside a dynamic."""


def numeric(value: Any) -> float | None:
    """Give the number that an element of a series is; None where it is none.

    Raises:
        Unanswered: it is a datetime, whose number the pages give in two ways (ticks since 1970, and since 1).
    """
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and MOMENT.fullmatch(value):
        raise Unanswered(
            "a series of datetimes is not supported: make numbers of them, (t - datetime(1970-01-01)) / 1s"
        )
    return (
        {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
        if isinstance(value, str)
        else None
    )


def floats(values: Any) -> list[float] | None:
    """Return the numbers of an array; None where one of them is none, and for what is no array."""
    if not isinstance(values, list):
        return None
    numbers = [numeric(value) for value in values]
    return None if None in numbers else [float(value) for value in numbers if value is not None]


def square(value: float) -> float:
    """Square: beyond the largest double is infinity, where Python's power would raise."""
    return float(value) * float(value)


def cleaned(value: float | None) -> Any:
    """Write a number as JSON can hold it: what is not finite becomes a text, a number beyond a long a real."""
    if value is None:
        return None
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else cleaned(widened(value))
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def widened(value: float) -> float:
    """Make a real of any number, infinity beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
