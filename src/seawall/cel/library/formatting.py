"""`'%s has %d'.format([name, count])` (cel-go ext/formatting.go, locale en_US)."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CelError
from seawall.cel.values import (
    Duration,
    Optional,
    Timestamp,
    TypeValue,
    Uint,
    kind_of,
    show_double,
    show_duration,
    show_timestamp,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

_CLAUSE = re.compile(r"%(?:(%)|(?:\.([0-9]+))?(.)?)", re.DOTALL)
_MAX_PRECISION = 1000


def format_text(template: str, values: list[Any]) -> str:
    """Fill the clauses %s %d %f %e %b %x %X %o of a template in order. Raises CelError."""
    position = 0

    def one(match: re.Match[str]) -> str:
        nonlocal position
        if match[1]:
            return "%"
        precision, verb = match[2], match[3]
        if verb is None:
            raise CelError("unexpected end of string")
        if verb not in "sdfebxXo":
            raise CelError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
        if position >= len(values):
            raise CelError(f"index {position} out of range")
        value = values[position]
        position += 1
        digits = min(int(precision), _MAX_PRECISION) if precision else 6
        return _VERBS[verb](value, digits)

    return _CLAUSE.sub(one, template)


def show(value: Any) -> str:
    """Return the text of `%s`."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if kind in {int, Uint}:
        return str(int(value))
    if kind is float:
        return show_double(value)
    if kind is bytes:
        return bytes(value).decode(errors="replace")
    if kind is Timestamp:
        return show_timestamp(value)
    if kind is Duration:
        return show_duration(value)
    if kind is TypeValue:
        return str(value.name)
    if kind is list:
        return "[" + ", ".join(map(_nested, value)) + "]"
    if kind is dict:
        pairs = sorted((_nested(key), _nested(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}:{item}" for key, item in pairs) + "}"
    if kind is Optional:
        raise CelError("error during formatting: no formatting function for optional_type")
    raise CelError(
        f"error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {kind_of(value)}"
    )


def _nested(value: Any) -> str:
    if type(value) is str:
        return f'"{value}"'
    if type(value) is float:
        return f"{value:.6f}"
    if type(value) is Timestamp:
        return f'timestamp("{show_timestamp(value)}")'
    if type(value) is Duration:
        return f'duration("{show_duration(value)}")'
    return show(value)


def _bad(clause: str, allowed: str, value: Any) -> CelError:
    return CelError(
        f"error during formatting: {clause} clause can only be used on {allowed}, was given {kind_of(value)}"
    )


def _decimal(value: Any, _: int) -> str:
    if type(value) in {int, Uint}:
        return str(int(value))
    raise _bad("decimal", "integers", value)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "∞" if value > 0 else "-∞"


def _number(value: Any, clause: str) -> float:
    if type(value) is float:
        return value
    if type(value) in {int, Uint}:
        return float(value)
    if value in {"NaN", "Infinity", "-Infinity"}:
        return float(value)
    raise _bad(clause, "doubles", value)


def _fixed(value: Any, digits: int) -> str:
    number = _number(value, "fixed-point")
    return f"{number:.{digits}f}" if math.isfinite(number) else _special(number)


def _scientific(value: Any, digits: int) -> str:
    number = _number(value, "scientific")
    if not math.isfinite(number):
        return _special(number)
    mantissa, _, exponent = f"{number:.{digits}e}".partition("e")
    # golang.org/x/text writes the exponent of en_US as ×10ⁿ in small digits
    sign = "⁻" if exponent.startswith("-") else ""
    small = (
        exponent.lstrip("+-").lstrip("0").rjust(2, "0").translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    )
    return f"{mantissa} × 10{sign}{small}"


def _binary(value: Any, _: int) -> str:
    if type(value) is bool:
        return "1" if value else "0"
    if type(value) in {int, Uint}:
        return f"{int(value):b}"
    raise _bad("binary", "integers and bools", value)


def _octal(value: Any, _: int) -> str:
    if type(value) in {int, Uint}:
        return f"{int(value):o}"
    raise _bad("octal", "integers", value)


def _hexadecimal(value: Any, _: int) -> str:
    if type(value) is str:
        return value.encode().hex()
    if type(value) is bytes:
        return value.hex()
    if type(value) in {int, Uint}:
        return f"{int(value):x}"
    raise _bad("hex", "integers, byte buffers, and strings", value)


_VERBS: dict[str, Callable[[Any, int], str]] = {
    "s": lambda value, _: show(value),
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value, digits: _hexadecimal(value, digits).upper(),
}
