"""Datetimes and timespans by a format (docs: format_datetime, format_timespan)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import Fault
from seawall.kql.functions.registry import FUNCTIONS, Bound, python
from seawall.kql.temporal import DAY, HOUR, MINUTE, SECOND, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.values import Ex

LONGEST = {"y": 4, "M": 2, "d": 2, "h": 2, "H": 2, "m": 2, "s": 2, "t": 2, "f": 7, "F": 7}
"""The longest specifier of each letter of a datetime; a longer run is read as several."""
LONGEST_SPAN = {"d": 8, "h": 2, "H": 2, "m": 2, "s": 2, "f": 7, "F": 7}
"""Those of a timespan; the page's example has h too."""
DELIMITERS = frozenset(" /-:,._[]")


def _elements(form: str, longest: dict[str, int]) -> list[str]:
    """Cut a format into specifiers and single other characters: `ddd` of a datetime is `dd` and `d`."""
    out: list[str] = []
    index = 0
    while index < len(form):
        end, most = index + 1, longest.get(form[index], 1)
        while end < len(form) and form[end] == form[index] and end - index < most:
            end += 1
        out.append(form[index:end])
        index = end
    return out


def _write(form: str, longest: dict[str, int], field: Callable[[str, int], str]) -> str:
    return "".join(
        field(part[0], len(part)) if part[0] in longest else part for part in _elements(form, longest)
    )


def _fraction(char: str, count: int, digits: str) -> str:
    return digits[:count] if char == "f" else digits[:count].rstrip("0")


@python("format_datetime", "datetime text", "string")
def format_datetime(ticks: int, form: str) -> str:
    """`format_datetime(datetime, format)` with the specifiers of the docs; other letters stay as they are."""
    moment = parts(ticks)
    numbers = {
        "d": moment.day,
        "M": moment.month,
        "h": moment.hour % 12 or 12,
        "H": moment.hour,
        "m": moment.minute,
        "s": moment.second,
    }

    def field(char: str, count: int) -> str:
        if char == "y":
            return f"{moment.year:04d}" if count == 4 else f"{moment.year % 100:0{count}d}"
        if char == "t":
            return ("AM" if moment.hour < 12 else "PM")[:count]
        if char in "fF":
            return _fraction(char, count, f"{ticks % SECOND:07d}")
        return f"{numbers[char]:0{count}d}"

    return _write(form, LONGEST, field)


@python("format_timespan", "timespan text", "string")
def format_timespan(ticks: int, form: str) -> str:
    """`format_timespan(timespan, format)`."""
    days, rest = divmod(abs(ticks), DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, tail = divmod(rest, SECOND)
    numbers = {"d": days, "h": hours, "H": hours, "m": minutes, "s": seconds}

    def field(char: str, count: int) -> str:
        if char in "fF":
            return _fraction(char, count, f"{tail:07d}")
        return f"{numbers[char]:0{count}d}"

    text = _write(form, LONGEST_SPAN, field)
    return f"-{text}" if ticks < 0 else text


def _checked(name: str, longest: dict[str, int], never: tuple[str, ...], hint: str) -> None:
    """Check a format that is written out: what is no specifier and no delimiter has no meaning (their pages)."""
    inner: Bound = FUNCTIONS[name]

    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        if len(node.args) == 2:
            form = binder.ex(node.args[1], scope)
            if form.known and isinstance(form.const, str):
                if not form.const:
                    raise Fault(f"the format of {name}() is empty", node.args[1].pos)
                for part in _elements(form.const, longest):
                    if (part not in DELIMITERS and part[0] not in longest) or part in never:
                        raise Fault(f"{name}() knows no {part!r}", node.args[1].pos, hint=hint)
        return inner(binder, node, scope)

    FUNCTIONS[name] = bound


_ALSO = "and the delimiters ' ' / - : , . _ [ ]"
_checked("format_datetime", LONGEST, ("t", "yyy"), f"y M d h H m s tt f F, {_ALSO}")
_checked("format_timespan", LONGEST_SPAN, (), f"d H m s f F, {_ALSO}")
