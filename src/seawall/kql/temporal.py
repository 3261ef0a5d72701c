"""Datetimes and timespans as Kusto has them: signed 64-bit counts of 100-nanosecond ticks.

A datetime counts from 0001-01-01T00:00:00Z, a timespan from zero (Kusto docs: scalar-data-types/datetime,
/timespan). Both travel as plain integers through the whole engine, so nothing is ever rounded to microseconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

TICK = 1
MICROSECOND = 10
MILLISECOND = 10_000
SECOND = 10_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = 621_355_968_000_000_000
"""Ticks of 1970-01-01."""
MAX_DATETIME = 3_155_378_975_999_999_999
"""9999-12-31T23:59:59.9999999Z, the last datetime."""

UNITS: dict[str, int | float] = {
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR),
    **dict.fromkeys(("m", "min", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("s", "sec", "second", "seconds"), SECOND),
    **dict.fromkeys(("ms", "milli", "millis", "millisec", "millisecond", "milliseconds"), MILLISECOND),
    **dict.fromkeys(("micro", "micros", "microsec", "microsecond", "microseconds"), MICROSECOND),
    **dict.fromkeys(("nano", "nanos", "nanosec", "nanosecond", "nanoseconds"), 0.01),
    **dict.fromkeys(("tick", "ticks"), TICK),
}

_MONTHS = {
    name: index
    for index, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        1,
    )
    for name in names
}

_TIME = (
    r"(?P<H>\d{1,2}):(?P<M>\d{1,2})(?::(?P<S>\d{1,2})(?:[.:](?P<f>\d{1,9}))?)?\s*(?P<ap>[AaPp][Mm])?"
    r"\s*(?P<z>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_ISO = re.compile(rf"(?P<y>\d{{4}})(?:-(?P<m>\d{{1,2}})(?:-(?P<d>\d{{1,2}}))?)?(?:[T ]\s*{_TIME})?Z?$")
_SLASH = re.compile(
    rf"(?P<y>\d{{4}})(?P<mark>[/.])(?P<m>\d{{1,2}})(?P=mark)(?P<d>\d{{1,2}})(?:[T ]\s*{_TIME})?$"
)
_US = re.compile(
    rf"(?P<m>\d{{1,2}})(?P<mark>[/.-])(?P<d>\d{{1,2}})(?P=mark)(?P<y>\d{{4}}|\d{{2}})(?:[T ]\s*{_TIME})?$"
)
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:T?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})?)?Z?$")
_RFC = re.compile(
    rf"(?:[A-Za-z]{{3,9}},?\s+)?(?P<d>\d{{1,2}})[ -](?P<mon>[A-Za-z]{{3,9}})[ -](?P<y>\d{{4}}|\d{{2}})(?:\s+{_TIME})?$"
)
_ASC = re.compile(
    rf"(?:[A-Za-z]{{3,9}},?\s+)?(?P<mon>[A-Za-z]{{3,9}})\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}})(?:\s+{_TIME})?$"
)
_EPOCH_DAY = datetime(1, 1, 1, tzinfo=UTC).toordinal()


def days_from_civil(year: int, month: int, day: int) -> int:
    """Count the days from 0001-01-01 to a date of the proleptic Gregorian calendar."""
    return datetime(year, month, day, tzinfo=UTC).toordinal() - _EPOCH_DAY


@lru_cache(4096)
def parse_datetime(text: str) -> int | None:
    """Read a datetime in the formats that Kusto documents (ISO 8601, RFC 822, RFC 850, sortable, US).

    Returns ticks, or None when the text is no datetime.
    """
    text = text.strip()
    for pattern in (_ISO, _SLASH, _US, _COMPACT, _RFC, _ASC):
        match = pattern.match(text)
        if match:
            return _ticks(match.groupdict())
    return None


def _ticks(part: dict[str, str | None]) -> int | None:
    year_text = part["y"] or ""
    year = int(year_text)
    if len(year_text) == 2:  # two digits: .NET's window ends in 2049
        year += 2000 if year < 50 else 1900
    month = _MONTHS.get((part["mon"] or "").lower(), 0) if "mon" in part else int(part.get("m") or 1)
    hour = int(part.get("H") or 0)
    half = (part.get("ap") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    minute, second = int(part.get("M") or 0), int(part.get("S") or 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        return None
    try:
        days = days_from_civil(year, month, int(part.get("d") or 1))
    except ValueError:
        return None
    fraction = (part.get("f") or "").ljust(7, "0")[:7]
    ticks = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + int(fraction or 0)
    zone = part.get("z") or ""
    if zone and zone[0] in "+-":
        offset = int(zone[1:3]) * HOUR + int(zone[-2:]) * MINUTE
        ticks += -offset if zone[0] == "+" else offset
    return ticks if 0 <= ticks <= MAX_DATETIME else None


# As .NET reads a TimeSpan: days; [days.]hours:minutes[:seconds[.fraction]]; days:hours:minutes:seconds[.fraction].
_SPAN = re.compile(
    r"(?P<n>-)?(?:(?P<days>\d+)"
    r"|(?:(?P<d>\d+)\.)?(?P<H>\d{1,2}):(?P<M>\d{1,2})(?::(?P<S>\d{1,2})(?:\.(?P<f>\d+))?)?"
    r"|(?P<d4>\d+):(?P<H4>\d{1,2}):(?P<M4>\d{1,2}):(?P<S4>\d{1,2})(?:\.(?P<f4>\d+))?)",
    re.ASCII,
)
_UNIT_SPAN = re.compile(r"(-?\d+(?:\.\d+)?)\s*([A-Za-z]+)$")


def parse_timespan(text: str) -> int | None:
    """Read `d.hh:mm:ss.fffffff`, a plain number of days, or a number with a unit (`1.5h`)."""
    text = text.strip()
    match = _UNIT_SPAN.match(text)
    if match:
        unit = UNITS.get(match[2].lower())
        return None if unit is None else span_of(match[1], unit)
    match = _SPAN.fullmatch(text)
    if not match:
        return None
    days, hour, minute, second, fraction = (
        match.group("d4", "H4", "M4", "S4", "f4") if match["d4"] else match.group("d", "H", "M", "S", "f")
    )
    clock = int(hour or 0), int(minute or 0), int(second or 0)
    if clock[0] > 23 or clock[1] > 59 or clock[2] > 59:
        return None
    ticks = int(match["days"] or days or 0) * DAY + clock[0] * HOUR + clock[1] * MINUTE + clock[2] * SECOND
    ticks += int((fraction or "")[:7].ljust(7, "0"))  # digits beyond the tick are dropped
    ticks = -ticks if match["n"] else ticks
    return ticks if -(2**63) <= ticks < 2**63 else None


def span_of(number: str, unit: float) -> int | None:
    """Multiply a number with a unit in ticks; None where it leaves 64 bits."""
    ticks = (
        int(number) * int(unit) if number.lstrip("-").isdigit() and unit >= 1 else int(float(number) * unit)
    )
    return ticks if -(2**63) <= ticks < 2**63 else None


def parts(ticks: int) -> datetime:
    """Return the calendar date and time of day (to microseconds) of a datetime in ticks."""
    return datetime(1, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)


def format_datetime(ticks: int) -> str:
    """Write `2016-06-30T23:30:00.1234567Z`."""
    moment = parts(ticks)
    return (
        f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T"
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}.{ticks % SECOND:07d}Z"
    )


def format_timespan(ticks: int) -> str:
    """Write `[-][d.]hh:mm:ss[.fffffff]` as .NET's constant format does: the parts that are zero are left out."""
    sign, rest = ("-", -ticks) if ticks < 0 else ("", ticks)
    days, rest = divmod(rest, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, fraction = divmod(rest, SECOND)
    return (
        sign
        + (f"{days}." if days else "")
        + f"{hours:02d}:{minutes:02d}:{seconds:02d}"
        + (f".{fraction:07d}" if fraction else "")
    )
