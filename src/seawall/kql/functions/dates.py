"""Functions on datetimes and timespans, all on ticks (docs: query/datetime functions)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from seawall.kql.bind.values import Ex, literal, to_long, to_real
from seawall.kql.errors import Fault
from seawall.kql.functions.registry import FUNCTIONS, coerce, python, special, sql, udf
from seawall.kql.temporal import (
    DAY,
    EPOCH,
    HOUR,
    MAX_DATETIME,
    MILLISECOND,
    MINUTE,
    SECOND,
    days_from_civil,
    parts,
)


@special("now")
def now(binder: Any, node: Any, scope: Any) -> Ex:
    """`now([offset])`: one moment for the whole query."""
    binder.uses_now = True
    if not node.args:
        return Ex("$now::BIGINT", "datetime")
    return Ex(
        f"($now::BIGINT + {coerce(binder.ex(node.args[0], scope), 'timespan', node.pos, 'now()')})",
        "datetime",
    )


@special("ago")
def ago(binder: Any, node: Any, scope: Any) -> Ex:
    """`ago(timespan)`."""
    binder.uses_now = True
    return Ex(
        f"($now::BIGINT - {coerce(binder.ex(node.args[0], scope), 'timespan', node.pos, 'ago()')})",
        "datetime",
    )


def _ranged(ticks: str) -> str:
    return f"CASE WHEN {ticks} BETWEEN 0 AND {MAX_DATETIME} THEN {ticks} END"


def _moment(ticks: str) -> str:
    return f"make_timestamp(({ticks} - {EPOCH}) // 10)"


for _name, _part in {
    "getyear": "year",
    "getmonth": "month",
    "monthofyear": "month",
    "dayofmonth": "day",
    "dayofyear": "dayofyear",
    "hourofday": "hour",
}.items():
    sql(_name, "datetime", "int", f"{_part}({_moment('{0}')})::BIGINT")
sql("week_of_year weekofyear", "datetime", "int", f"weekofyear({_moment('{0}')})::BIGINT")
# 0001-01-01 was a Monday; Kusto's week begins on Sunday.
sql("dayofweek", "datetime", "timespan", f"((({{0}} // {DAY}) + 1) % 7 * {DAY})")
sql(
    "startofday",
    "datetime long?",
    "datetime",
    f"({{0}} - {{0}} % {DAY})",
    _ranged(f"({{0}} - {{0}} % {DAY} + {{1}} * {DAY})"),
)
sql(
    "endofday",
    "datetime long?",
    "datetime",
    f"({{0}} - {{0}} % {DAY} + {DAY} - 1)",
    _ranged(f"({{0}} - {{0}} % {DAY} + ({{1}} + 1) * {DAY} - 1)"),
)


def _week(ticks: int, offset: int) -> int:
    day = ticks // DAY
    return (day - (day + 1) % 7 + offset * 7) * DAY


def _week_in_range(ticks: int, offset: int) -> int | None:
    start = _week(ticks, offset)
    return start if 0 <= start <= MAX_DATETIME else None


def _month(ticks: int, offset: int) -> int | None:
    moment = parts(ticks)
    index = moment.year * 12 + moment.month - 1 + offset
    return days_from_civil(index // 12, index % 12 + 1, 1) * DAY if 12 <= index < 120_000 else None


def _year(ticks: int, offset: int) -> int | None:
    year = parts(ticks).year + offset
    return days_from_civil(year, 1, 1) * DAY if 1 <= year <= 9999 else None


for _unit, _start in {"week": _week_in_range, "month": _month, "year": _year}.items():

    def _begin(ticks: int, offset: int | None, start: Any = _start) -> Any:
        return start(ticks, offset or 0)

    def _end(ticks: int, offset: int | None, start: Any = _start) -> Any:
        after = start(ticks, (offset or 0) + 1)
        if after is None:  # the last month and year of all end with the last datetime
            begin = None if start is _week_in_range else start(ticks, offset or 0)
            return None if begin is None else MAX_DATETIME
        return after - 1 if after > 0 else None

    python(f"startof{_unit}", "datetime long?", "datetime")(_begin)
    python(f"endof{_unit}", "datetime long?", "datetime")(_end)


_PARTS = (
    "year", "quarter", "month", "week_of_year", "weekofyear", "day", "dayofyear", "hour", "minute", "second", "millisecond",
    "microsecond", "nanosecond",
)  # fmt: skip


@python("datetime_part datepart", "text datetime", "int")
def datetime_part(part: str, ticks: int) -> int | None:
    """`datetime_part(part, datetime)`."""
    moment = parts(ticks)
    part = part.lower()
    if part in ("week_of_year", "weekofyear"):
        return moment.isocalendar()[1]
    return {
        "year": moment.year,
        "quarter": (moment.month + 2) // 3,
        "month": moment.month,
        "day": moment.day,
        "dayofyear": moment.timetuple().tm_yday,
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
        "millisecond": ticks % SECOND // MILLISECOND,
        "microsecond": ticks % SECOND // 10,
        "nanosecond": ticks % SECOND * 100,
    }.get(part)


_TICKS_OF = {
    "week": 7 * DAY,
    "day": DAY,
    "hour": HOUR,
    "minute": MINUTE,
    "second": SECOND,
    "millisecond": MILLISECOND,
    "microsecond": 10,
}


@python("datetime_add", "text long datetime", "datetime")
def datetime_add(part: str, amount: int, ticks: int) -> int | None:
    """`datetime_add(part, amount, datetime)`: months and years keep the day where the month has it."""
    part = part.lower()
    if part in ("year", "quarter", "month"):
        months = amount * {"year": 12, "quarter": 3, "month": 1}[part]
        moment = parts(ticks)
        first = _month(ticks, months)
        after = _month(ticks, months + 1)
        if first is None or after is None:
            return None
        day = min(moment.day, (after - first) // DAY)
        out = first + (day - 1) * DAY + ticks % DAY
    else:
        unit = _TICKS_OF.get(part)
        if part == "nanosecond":
            out = ticks + amount // 100
        elif unit is None:
            return None
        else:
            out = ticks + amount * unit
    return out if 0 <= out <= MAX_DATETIME else None


@python("datetime_diff", "text datetime datetime", "long")
def datetime_diff(part: str, left: int, right: int) -> int | None:
    """`datetime_diff(part, left, right)`: how many borders of the period lie between the two (docs: datetime_diff)."""
    part = part.lower()
    a, b = parts(left), parts(right)
    if part == "year":
        return a.year - b.year
    if part == "quarter":
        return (a.year - b.year) * 4 + (a.month + 2) // 3 - (b.month + 2) // 3
    if part == "month":
        return (a.year - b.year) * 12 + a.month - b.month
    if part == "week":
        return (_week(left, 0) - _week(right, 0)) // (7 * DAY)
    if part == "nanosecond":
        return (left - right) * 100
    unit = _TICKS_OF.get(part)
    return None if unit is None else left // unit - right // unit


def _make_datetime(
    year: int, month: int, day: int, hour: int | None, minute: int | None, second: float | None
) -> int | None:
    hour, minute, second = hour or 0, minute or 0, second or 0.0
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    try:
        days = days_from_civil(year, month, day)
    except (ValueError, OverflowError):
        return None
    return days * DAY + hour * HOUR + minute * MINUTE + int(round(second * 10_000_000, 3))


udf("make_datetime", "long long long long? long? real?", "datetime", _make_datetime)


@special("make_datetime")
def make_datetime(binder: Any, node: Any, scope: Any) -> Ex:
    """`make_datetime(year, month, day [, hour, minute [, second]])` or of one value."""
    if len(node.args) == 1:
        value = binder.ex(node.args[0], scope)
        if value.type in ("string", "dynamic"):
            return Ex(f"k_todatetime({coerce(value, 'string', node.pos, 'make_datetime()')})", "datetime")
        return value if value.type == "datetime" else Ex(to_long(value), "datetime")
    if len(node.args) not in (3, 5, 6):
        raise Fault("make_datetime() takes 1, 3, 5 or 6 arguments", node.pos)
    args = [to_long(value) for value in binder.args(node, scope)[:5]]
    args += ["NULL"] * (5 - len(args))
    args.append(to_real(binder.ex(node.args[5], scope)) if len(node.args) == 6 else "NULL")
    return Ex(f"k_make_datetime({', '.join(args)})", "datetime")


@special("make_timespan")
def make_timespan(binder: Any, node: Any, scope: Any) -> Ex:
    """`make_timespan([day,] hour, minute [, second])`."""
    values = binder.args(node, scope)
    if len(values) == 1:
        return Ex(f"k_totimespan({coerce(values[0], 'text', node.pos, 'make_timespan()')})", "timespan")
    if not 2 <= len(values) <= 4:
        raise Fault("make_timespan() takes 1 to 4 arguments", node.pos)
    day = to_long(values[0]) if len(values) == 4 else "0"
    rest = values[1:] if len(values) == 4 else values
    second = to_real(rest[2]) if len(rest) > 2 else "0"
    return Ex(f"k_make_timespan({day}, {to_long(rest[0])}, {to_long(rest[1])}, {second}::DOUBLE)", "timespan")


def _make_timespan(day: int, hour: int, minute: int, second: float) -> int | None:
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    return day * DAY + hour * HOUR + minute * MINUTE + int(round(second * 10_000_000, 3))


udf("make_timespan", "long long long real", "timespan", _make_timespan)

for _name, _scale in {"seconds": SECOND, "milliseconds": MILLISECOND, "microseconds": 10}.items():

    def _unix(value: float, scale: int = _scale) -> int | None:
        if not math.isfinite(value):
            return None
        out = EPOCH + round(value * scale)
        return out if 0 <= out <= MAX_DATETIME else None

    python(f"unixtime_{_name}_todatetime", "real", "datetime")(_unix)


@python("unixtime_nanoseconds_todatetime", "long", "datetime")
def unix_nanoseconds(value: int) -> int:
    """`unixtime_nanoseconds_todatetime(value)`."""
    return EPOCH + value // 100


_PERIODS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond")  # fmt: skip
_FIELDS: tuple[str, ...] = (
    *(each for each in _PERIODS if each != "week"),
    "week_of_year",
    "weekofyear",
    "dayofyear",
)


def _with_period(name: str, allowed: tuple[str, ...]) -> None:
    """Refuse a period that is none: it would give nulls, row by row (KS131, KS140)."""
    inner = FUNCTIONS[name]

    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        if node.args:
            given = binder.constant(node.args[0], scope, "the period")
            if str(given).lower() not in allowed:
                raise Fault(f"{name}() knows no period {given!r}", node.args[0].pos, hint=", ".join(allowed))
        return inner(binder, node, scope)

    FUNCTIONS[name] = bound


_PERIODS_OF: dict[str, tuple[str, ...]] = {
    "datetime_part": _FIELDS,
    "datepart": _FIELDS,
    "datetime_add": _PERIODS,
    "datetime_diff": _PERIODS,
}
for _function, _periods in _PERIODS_OF.items():
    _with_period(_function, _periods)


# --- time zones --------------------------------------------------------------------------------------------


def _zone(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name in available_timezones() else None


def _moved(ticks: int, seconds: float) -> int | None:
    out = ticks + int(seconds) * SECOND
    return out if 0 <= out <= MAX_DATETIME else None


@python("datetime_utc_to_local", "datetime text", "datetime")
def to_local(ticks: int, zone: str) -> int | None:
    """`datetime_utc_to_local(datetime, zone)`."""
    info = _zone(zone)
    try:
        offset = None if info is None else parts(ticks).astimezone(info).utcoffset()
    except OverflowError:  # before the year 1 or after 9999
        return None
    return None if offset is None else _moved(ticks, offset.total_seconds())


@python("datetime_local_to_utc", "datetime text", "datetime")
def to_utc(ticks: int, zone: str) -> int | None:
    """`datetime_local_to_utc(datetime, zone)`.

    A time that the clocks pass over takes the offset of after the change (the page's table for Brussels).
    """
    info = _zone(zone)
    if info is None:
        return None
    local = parts(ticks).replace(tzinfo=info)
    try:
        gap = local.astimezone(UTC).astimezone(info).replace(tzinfo=None) != local.replace(tzinfo=None)
    except OverflowError:
        return None
    offset = local.replace(fold=int(gap)).utcoffset()
    return None if offset is None else _moved(ticks, -offset.total_seconds())


__all__ = ["UTC", "datetime", "literal"]
