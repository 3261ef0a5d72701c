"""Units of measurement (docs: convert_angle, convert_energy, ...), from a table with its source and date (data/units.json).

Kusto's pages list the units by the names of the library UnitsNet; its factors give the answers that the pages show.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from seawall.kql.functions.registry import python

Steps = tuple[tuple[str, float], ...]
"""What makes the base unit of a unit: operators and numbers, from left to right."""

_STEP = re.compile(r"([*/+-])(-?[\d.]+(?:e[+-]?\d+)?)")
_BACK = {"*": "/", "/": "*", "+": "-", "-": "+"}


class _Units(msgspec.Struct, frozen=True):
    source: str
    form: str
    families: dict[str, dict[str, str]]


@cache
def units(family: str) -> dict[str, Steps]:
    """Return the steps to the base unit for every unit of a family."""
    data = (Path(__file__).parents[2] / "data" / "units.json").read_bytes()
    table = msgspec.json.decode(data, type=_Units).families[family]
    return {
        unit: tuple((op, float(number)) for op, number in _STEP.findall(steps))
        for unit, steps in table.items()
    }


def _apply(value: float, op: str, number: float) -> float:
    if op == "*":
        return value * number
    if op == "/":
        return value / number
    return value + number if op == "+" else value - number


def convert(family: str, value: float, have: str, want: str) -> float | None:
    """Convert a value; None where a unit is none of the family's."""
    if family == "angle" and "Tilt" in (have, want):
        return _tilt(value, have, want)
    table = units(family)
    if have not in table or want not in table:
        return None
    for op, number in table[have]:
        value = _apply(value, op, number)
    for op, number in reversed(table[want]):
        value = _apply(value, _BACK[op], number)
    return value


def _tilt(value: float, have: str, want: str) -> float | None:
    """A tilt is the sine of an angle."""
    if have == want:
        return value
    if have != "Tilt":
        angle = convert("angle", value, have, "Radian")
        return None if angle is None or not math.isfinite(angle) else math.sin(angle)
    return convert("angle", math.asin(value), "Radian", want) if -1 <= value <= 1 else None


def _declare(family: str) -> None:
    def run(value: float, have: str, want: str) -> Any:
        return convert(family, value, have, want)

    python(f"convert_{family}", "real text text", "real")(run)


for _family in ("angle", "energy", "force", "length", "mass", "speed", "temperature", "volume"):
    _declare(_family)
