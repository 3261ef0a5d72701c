"""The values of CEL that Python has not: durations, timestamps, types, optionals; and equality and order.

int, float, str, bytes, bool, None, list and dict are themselves (JSON as it was read); an unsigned integer
is `Uint`. A bool is never a number here, though Python thinks so.
"""

from __future__ import annotations

import calendar
import functools
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from seawall.cel.errors import CelError

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
SECOND = 1_000_000_000
# 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds (common/types/timestamp.go)
MIN_SECONDS, MAX_SECONDS = -62135596800, 253402300799


class Uint(int):
    """An unsigned 64-bit integer."""

    __slots__ = ()


class Duration(NamedTuple):
    """A span of time, in nanoseconds (64 bits)."""

    nanos: int


class Timestamp(NamedTuple):
    """A point in time: nanoseconds since 1970-01-01T00:00:00Z."""

    nanos: int


class TypeValue(NamedTuple):
    """A type as a value: `type(1)`."""

    name: str


class Optional(NamedTuple):
    """A value that may be absent; `NONE` is the absent one."""

    present: bool
    value: Any


NONE = Optional(present=False, value=None)


class Opaque:
    """A value of a library; `kind` is the name of its type. Subclasses say what is equal, if anything is."""

    __slots__ = ()
    kind = "opaque"
    comparable = True


class ObjectValue(Opaque):
    """What `Object.spec{...}` makes."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.name = name
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectValue) and (self.name, self.fields) == (other.name, other.fields)

    def __hash__(self) -> int:
        return hash(self.name)


_KINDS: dict[type, str] = {
    bool: "bool", int: "int", Uint: "uint", float: "double", str: "string", bytes: "bytes",
    type(None): "null_type", list: "list", dict: "map", Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp", TypeValue: "type", Optional: "optional_type",
}  # fmt: skip


def kind_of(value: Any) -> str:
    """Return the name of the type of a value."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    return value.name if isinstance(value, ObjectValue) else str(getattr(value, "kind", "dyn"))


def no_overload(function: str, *values: Any) -> CelError:
    """Word the error of values that no overload takes."""
    return CelError(f"no such overload: {function}({', '.join(kind_of(value) for value in values)})")


_PLAIN = frozenset({str, int, bool, bytes, type(None), Duration, Timestamp, TypeValue})
_NUMBERS = frozenset({int, float, Uint})


def equal(a: Any, b: Any) -> bool:
    """Whether two values are equal as CEL's `==` says: numbers by value, other types never across."""
    ta, tb = type(a), type(b)
    if ta is tb:
        if ta in _PLAIN or ta in _NUMBERS:
            return bool(a == b)
        if ta is list:
            return len(a) == len(b) and all(map(equal, a, b))
        if ta is dict:
            return len(a) == len(b) and all(key in b and equal(value, b[key]) for key, value in a.items())
        if ta is Optional:
            return a.present == b.present and (not a.present or equal(a.value, b.value))
        return bool(a == b)
    return ta in _NUMBERS and tb in _NUMBERS and bool(a == b)


_ORDERED = frozenset({str, bytes, bool, Duration, Timestamp})


def compare(function: str, a: Any, b: Any) -> int:
    """Return -1, 0 or 1. Raises CelError for values without an order, and for NaN."""
    ta, tb = type(a), type(b)
    if (ta is tb and ta in _ORDERED) or (ta in _NUMBERS and tb in _NUMBERS):
        if a < b:
            return -1
        if a == b:
            return 0
        if a > b:
            return 1
        raise CelError("NaN values cannot be ordered")
    raise no_overload(function, a, b)


# ---- durations and timestamps ----

_DURATION = re.compile(r"[+-]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND,
    "h": 3600 * SECOND,
}  # fmt: skip


def parse_duration(text: str) -> Duration:
    """Read Go's form: `1h30m`, `-1.5s`. Raises CelError."""
    if len(text) > 200 or not _DURATION.fullmatch(text):
        raise CelError(f'time: invalid duration "{text[:80]}"')
    total = 0
    for whole, part, unit in _PART.findall(text):
        scale = _UNITS[unit]
        total += int(whole or "0") * scale
        if part:
            total += int(part) * scale // 10 ** len(part)
    if total > INT_MAX + text.startswith("-"):
        raise CelError(f'time: invalid duration "{text[:80]}"')
    return Duration(-total if text.startswith("-") else total)


def show_duration(value: Duration) -> str:
    """Write as `string(duration)` does: seconds with as many decimals as needed."""
    sign = "-" if value.nanos < 0 else ""
    whole, rest = divmod(abs(value.nanos), SECOND)
    tail = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{sign}{whole}{tail}s"


_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def parse_timestamp(text: str) -> Timestamp:
    """Read RFC 3339. Raises CelError."""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = map(int, match.groups()[:6])
        if year:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            seconds = calendar.timegm(moment.timetuple())
        else:
            raise ValueError  # year 0 is before the first that CEL has
        zone = match[8]
        if zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[4:6])
            if hours > 24 or minutes > 60:
                raise ValueError
            seconds -= (1 if zone[0] == "+" else -1) * (hours * 3600 + minutes * 60)
    except ValueError:
        raise CelError(f'cannot parse "{text[:80]}" as a timestamp (RFC 3339)') from None
    return checked_timestamp(seconds * SECOND + int((match[7] or "0")[:9].ljust(9, "0")))


def checked_timestamp(nanos: int) -> Timestamp:
    """Return the timestamp, or raise CelError outside of the years 1 to 9999."""
    if not MIN_SECONDS <= nanos // SECOND <= MAX_SECONDS:
        raise CelError("timestamp overflow")
    return Timestamp(nanos)


def checked_duration(nanos: int) -> Duration:
    """Return the duration, or raise CelError beyond 64 bits."""
    if not INT_MIN <= nanos <= INT_MAX:
        raise CelError("integer overflow")
    return Duration(nanos)


def show_timestamp(value: Timestamp) -> str:
    """Write as RFC 3339 with as many decimals as needed."""
    seconds, rest = divmod(value.nanos, SECOND)
    tail = f".{rest:09d}".rstrip("0") if rest else ""
    moment = datetime.fromtimestamp(0, UTC).toordinal() * 86400 + seconds
    days, clock = divmod(moment, 86400)
    day = datetime.fromordinal(days)
    return (
        f"{day.year:04d}-{day.month:02d}-{day.day:02d}T"
        f"{clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}{tail}Z"
    )


# ---- regular expressions ----


@functools.lru_cache(maxsize=2048)
def check_regex(pattern: str) -> Any:
    """Compile with RE2, the engine that Go's regexp is of one syntax with: linear time for every pattern.

    Raises CelError.
    """
    import re2  # type: ignore[import-untyped] # noqa: PLC0415 - 20 ms that only expressions with a pattern pay

    if len(pattern) > 10_000:
        raise CelError("pattern too long")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise CelError(f"error parsing regexp: {error}") from None


def show_double(value: float) -> str:
    """Write a double as Go's %g with the shortest digits (`string(1.0)` is `1`)."""
    if value != value:  # noqa: PLR0124 - how a NaN is told
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    digits = mantissa.replace(".", "").lstrip("-").lstrip("0")
    if not digits:
        return "-0" if text.startswith("-") else "0"
    point = mantissa.lstrip("-").partition(".")
    whole, fraction = point[0], point[2]
    scale = int(exponent or "0")
    if whole.strip("0"):
        scale += len(whole) - 1
    else:
        scale -= len(fraction) - len(fraction.lstrip("0")) + 1
    digits = digits.rstrip("0") or "0"
    sign = "-" if text.startswith("-") else ""
    if scale < -4 or scale >= 21:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'+' if scale >= 0 else '-'}{abs(scale):02d}"
    if scale < 0:
        return f"{sign}0.{'0' * (-scale - 1)}{digits}"
    digits = digits.ljust(scale + 1, "0")
    return sign + digits[: scale + 1] + (f".{digits[scale + 1 :]}" if digits[scale + 1 :] else "")
