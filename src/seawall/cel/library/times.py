"""The parts of timestamps and durations, in UTC or in a named zone or offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seawall.cel.environment import Overload, overload
from seawall.cel.errors import CelError
from seawall.cel.values import SECOND, Duration, Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

_OFFSET = re.compile(r"([+-]?)(\d{2}):(\d{2})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _zone(name: str) -> tzinfo:
    match = _OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes < 1440:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    elif name in {"", "UTC"}:
        return UTC
    else:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise CelError(f"unknown time zone {name[:80]}")


def _moment(value: Timestamp, zone: str) -> datetime:
    try:
        return (_EPOCH + timedelta(microseconds=value.nanos // 1000)).astimezone(_zone(zone))
    except OverflowError:
        raise CelError("timestamp overflow") from None


_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
    "getMilliseconds": lambda at: at.microsecond // 1000,
}


def _of(part: Callable[[datetime], int]) -> Callable[..., Any]:
    def read(value: Timestamp, zone: str = "UTC") -> int:
        return part(_moment(value, zone))

    return read


def _toward_zero(value: Duration, unit: int) -> int:
    count = abs(value.nanos) // unit
    return -count if value.nanos < 0 else count


def _span(unit: int) -> Callable[[Duration], int]:
    return lambda value: _toward_zero(value, unit)


def _overloads() -> tuple[Overload, ...]:
    found = []
    for name, part in _PARTS.items():
        found.append(overload(f"timestamp.{name}() -> int", _of(part)))
        found.append(overload(f"timestamp.{name}(string) -> int", _of(part)))
    units = {
        "getHours": 3600 * SECOND,
        "getMinutes": 60 * SECOND,
        "getSeconds": SECOND,
        "getMilliseconds": 10**6,
    }
    found.extend(overload(f"duration.{name}() -> int", _span(unit)) for name, unit in units.items())
    return tuple(found)


OVERLOADS = _overloads()
