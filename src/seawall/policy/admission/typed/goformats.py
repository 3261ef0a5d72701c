"""Base64 and times as Go reads them, with its words for what it does not (encoding/base64, time/format.go)."""

from __future__ import annotations

import base64
import calendar
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALPHABET = re.compile("[A-Za-z0-9+/]")
_NEWLINES = "\r\n"
_RFC3339 = "2006-01-02T15:04:05Z07:00"
_MICRO = "2006-01-02T15:04:05.000000Z07:00"
_FEBRUARY = 2


class FormatError(Exception):
    """The text is no base64 or no time; the message is Go's."""


def base64_text(text: str) -> str:
    """Return base64 as Go writes it again: without line ends, and spare bits zero. Raises FormatError."""
    if (at := _corrupt(text)) is not None:
        raise FormatError(f"illegal base64 data at input byte {at}")
    kept = "".join(char for char in text if char not in _NEWLINES)
    return base64.b64encode(base64.b64decode(kept)).decode()


def _corrupt(text: str) -> int | None:
    """Return at which byte Go stops, by `decodeQuantum`."""
    data = text.encode("utf-8", "surrogatepass").decode("latin-1")
    at, held = 0, 0
    while at < len(data):
        char = data[at]
        at += 1
        if _ALPHABET.match(char):
            held = (held + 1) % 4
        elif char not in _NEWLINES:
            return _after_padding(data, at, held) if char == "=" else at - 1
    return at - held if held else None


def _after_padding(data: str, at: int, held: int) -> int | None:
    """Return what is wrong from the first `=` on, which stands before `at`."""
    if held < 2:
        return at - 1
    if held == 2:
        at = _past_newlines(data, at)
        if at == len(data):
            return at
        if data[at] != "=":
            return at - 1
        at += 1
    at = _past_newlines(data, at)
    return at if at < len(data) else None


def _past_newlines(data: str, at: int) -> int:
    while at < len(data) and data[at] in _NEWLINES:
        at += 1
    return at


def _quoted(text: str) -> str:
    """Return a text as errors of Go's `time` show it: bytes that are no plain ASCII escaped in hexadecimal."""
    shown = (
        "\\" + chr(byte) if byte in b'"\\' else chr(byte) if 32 <= byte < 128 else f"\\x{byte:02x}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    return f'"{"".join(shown)}"'


class _Time:
    """A time that is read from left to right."""

    def __init__(self, text: str, layout: str) -> None:
        self.text, self.layout, self.rest = text, layout, text

    def bad(self, element: str, rest: str) -> FormatError:
        whole, layout, left, part = (_quoted(item) for item in (self.text, self.layout, rest, element))
        return FormatError(f"parsing time {whole} as {layout}: cannot parse {left} as {part}")

    def out_of_range(self, what: str) -> FormatError:
        return FormatError(f"parsing time {_quoted(self.text)}: {what} out of range")

    def skip(self, mark: str) -> None:
        if not self.rest.startswith(mark):
            raise self.bad(mark, self.rest)
        self.rest = self.rest[len(mark) :]

    def number(self, element: str, digits: str) -> int:
        found = re.match(digits, self.rest, re.ASCII)
        if found is None:
            raise self.bad(element, self.rest)
        self.rest = self.rest[found.end() :]
        return int(found[0])

    def limited(self, element: str, digits: str, limits: range, what: str) -> int:
        value = self.number(element, digits)
        if value not in limits:
            raise self.out_of_range(what)
        return value


def go_time(text: str, *, micro: bool) -> tuple[int, int, int, int, int, int, int, int]:
    """Read RFC 3339: year to second, nanoseconds, and the zone's seconds. Raises FormatError.

    `micro` requires a fraction of six digits, as the layout of a MicroTime has; else any fraction will do.
    """
    found = tuple(_parts(_Time(text, _MICRO if micro else _RFC3339), micro=micro))
    year, month, day, hour, minute, second, nanos, offset = found
    longest = 31 if month != _FEBRUARY else 28 + calendar.isleap(year)
    if month in {4, 6, 9, 11}:
        longest = 30
    if not 1 <= day <= longest:
        raise FormatError(f"parsing time {_quoted(text)}: day out of range")
    return year, month, day, hour, minute, second, nanos, offset


def _parts(time: _Time, *, micro: bool) -> Iterator[int]:
    yield time.number("2006", "[0-9]{4}")
    time.skip("-")
    yield time.limited("01", "[0-9]{2}", range(1, 13), "month")
    time.skip("-")
    yield time.number("02", "[0-9]{2}")
    time.skip("T")
    yield time.limited("15", "[0-9]{1,2}", range(24), "hour")
    time.skip(":")
    yield time.limited("04", "[0-9]{2}", range(60), "minute")
    time.skip(":")
    yield time.limited("05", "[0-9]{2}", range(60), "second")
    if micro:
        found = re.match("[.,]([0-9]{6})", time.rest, re.ASCII)
        if found is None:
            raise time.bad(".000000", time.rest)
    else:
        found = re.match("[.,]([0-9]+)", time.rest, re.ASCII)
    if found is not None:
        time.rest = time.rest[found.end() :]
    yield int(found[1][:9].ljust(9, "0")) if found is not None else 0
    yield _zone(time)
    if time.rest:
        raise FormatError(f"parsing time {_quoted(time.text)}: extra text: {_quoted(time.rest)}")


def _zone(time: _Time) -> int:
    if time.rest.startswith("Z"):
        time.rest = time.rest[1:]
        return 0
    held = time.rest
    found = re.match(r"(.)(..):(..)", held, re.DOTALL)
    if found is None:
        raise time.bad("Z07:00", held)
    time.rest = held[found.end() :]
    sign, hours, minutes = found.groups()
    if not re.fullmatch("[0-9]{2}", hours, re.ASCII):
        raise time.bad("Z07:00", held)
    if int(hours) > 24:
        raise time.out_of_range("time zone offset hour")
    if not re.fullmatch("[0-9]{2}", minutes, re.ASCII):
        raise time.bad("Z07:00", held)
    if int(minutes) > 60:
        raise time.out_of_range("time zone offset minute")
    if sign not in "+-":
        raise time.bad("Z07:00", held)
    return (1 if sign == "+" else -1) * (int(hours) * 60 + int(minutes)) * 60


__all__ = ["FormatError", "base64_text", "go_time"]
