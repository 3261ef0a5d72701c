"""What a plain scalar means: the rules of go-yaml v2, which Kubernetes reads with (sigs.k8s.io/yaml 1.6).

They are YAML 1.1 with differences: no sexagesimal numbers, no spaces in numbers, `y` and `n` are booleans,
what looks like a date stays a string, and numbers follow Go's `strconv`.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Final

Scalar = str | int | float | bool | None

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)
UINT64_MAX: Final = 2**64 - 1

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST: Final = frozenset("+-0123456789.yYnNtTfFoO~")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DOT_FLOAT: Final = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER: Final = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))", re.ASCII
)
_BASES: Final = (16, 8, 2, 8, 10)
_BINARY: Final = re.compile(r"(-?)0b([-+]?[01]+)", re.ASCII)
# Longer than any 64-bit integer in base 2: what is longer is out of range in every base but for zeros.
_LONGEST: Final = 80
# The date formats of go-yaml's parseTimestamp, field by field as Go's time.Parse reads them.
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"|[ ]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?)?",
    re.ASCII,
)


class TagError(ValueError):
    """A scalar whose explicit tag it cannot carry, such as `!!int abc`."""


def resolve(text: str) -> Scalar:
    """Return the value of an untagged plain scalar.

    An integer may be as large as an unsigned one of 64 bits; a date comes back as the text it is.
    """
    if not text:
        return None
    first = text[0]
    if first not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if first == ".":
        return _float(text, text) if _DOT_FLOAT.fullmatch(text) else text
    if first in "+-0123456789":
        return text if _is_timestamp(text) else _number(text)
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with an explicit core tag (short form, such as `!!int`).

    Raises:
        TagError: the text cannot be read as the tag says.
    """
    if tag == "!!str":
        return text
    if tag == "!!timestamp":
        if _is_timestamp(text):
            return text
        raise TagError(f"cannot decode `{text[:40]}` as a {tag}")
    # An explicit tag other than !!timestamp switches dates off, and a quoted text is looked at as well.
    value = _number(text) if text[:1] in tuple("+-0123456789") and text not in _WORDS else resolve(text)
    kind = (
        "!!null" if value is None
        else "!!bool" if isinstance(value, bool)
        else "!!int" if isinstance(value, int)
        else "!!float" if isinstance(value, float)
        else "!!str"
    )  # fmt: skip
    if kind == tag:
        return value
    if tag == "!!float" and kind == "!!int" and isinstance(value, int) and value <= INT64_MAX:
        return float(value)
    raise TagError(f"cannot decode {kind} `{text[:40]}` as a {tag}")


def _number(text: str) -> Scalar:
    plain = text.replace("_", "")
    if len(plain) <= _LONGEST:
        if match := _INTEGER.fullmatch(plain):
            for digits, base in zip(match.groups()[1:], _BASES, strict=True):
                if digits is not None:
                    number = int(match[1] + digits, base)
                    # ParseUint, which is asked second, takes no sign.
                    if INT64_MIN <= number <= (INT64_MAX if match[1] else UINT64_MAX):
                        return number
        elif match := _BINARY.fullmatch(plain):
            # go-yaml hands what follows `0b` to ParseInt, sign and all; after `-0b` it has its own sign.
            sign, digits = match.groups()
            if not (sign and digits[0] in "+-"):
                number = int(sign + digits, 2)
                if INT64_MIN <= number <= INT64_MAX:
                    return number
    if _FLOAT.fullmatch(plain):
        return _float(plain, text)
    return text


def _float(plain: str, text: str) -> Scalar:
    number = float(plain)
    # ParseFloat gives a range error, and go-yaml then leaves the text as it is.
    return text if math.isinf(number) else number


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not 1 <= month <= 12:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    hour, minute, second = (
        int(x or y or 0) for x, y in zip(match.groups()[3:6], match.groups()[6:9], strict=True)
    )
    return 1 <= day <= days and hour < 24 and minute < 60 and second < 60


def as_json(value: Scalar) -> Scalar:
    """Return the value as Kubernetes holds it after its way through JSON: int64 where it fits, else float64.

    A float without a fraction comes back as an integer, because Go writes `1.0` as `1`; an integer beyond
    64 bits with sign comes back as a float.

    Raises:
        ValueError: infinity and not-a-number, which JSON cannot hold.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            name = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
            raise ValueError(f"{name} is a number that JSON, and so Kubernetes, cannot hold")
        # Go writes an exponent from 1e21 on, and a number with an exponent is read back as a float.
        if value.is_integer() and abs(value) < 1e19:
            number = _shortest(value)
            if INT64_MIN <= number <= INT64_MAX:
                return number
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > INT64_MAX:
        return float(value)
    return value


def _shortest(value: float) -> int:
    """Return the integer that Go writes for a whole float: its shortest digits, filled up with zeros."""
    if abs(value) <= 2**53:
        return int(value)
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if not power:
        return int(whole)
    return int(whole + fraction.rstrip("0").ljust(int(power), "0"))


def as_key(value: Scalar) -> str:
    """Return the text of a map key as sigs.k8s.io/yaml converts it: integers, booleans and floats as Go prints them.

    Raises:
        ValueError: a key of another type (null, or an integer beyond 64 bits with sign).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value > INT64_MAX:
            raise ValueError(f"the map key {value} does not fit 64 bits")
        return str(value)
    if isinstance(value, float):
        return _format_float32(value)
    raise ValueError("a map key must not be null")


def _format_float32(value: float) -> str:
    """Write a float as Go's `strconv.FormatFloat(value, 'g', -1, 32)` does, with YAML's words for infinities."""
    if math.isnan(value):
        return ".nan"
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    if single == 0:
        return "-0" if math.copysign(1, single) < 0 else "0"
    for precision in range(9):
        digits = f"{single:.{precision}e}"
        if struct.unpack("f", struct.pack("f", float(digits)))[0] == single:
            break
    mantissa, _, power = digits.partition("e")
    exponent = int(power)
    if exponent < -4 or exponent >= 6:  # the shortest form of %g decides as if the precision were 6
        return f"{mantissa}e{exponent:+03d}"
    sign, figures = ("-" if mantissa[0] == "-" else ""), mantissa.lstrip("-").replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{figures}"
    whole, fraction = figures[: exponent + 1].ljust(exponent + 1, "0"), figures[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole
