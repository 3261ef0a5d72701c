"""Time as a value that is handed in, so that every answer can be had again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from seawall.core.errors import UsageError


class Clock(Protocol):
    """Whoever needs the time asks one of these."""

    def now(self) -> datetime:
        """Return the moment, with its time zone."""
        ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still: what `--as-of` sets, and what tests use."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment that was set."""
        return self._moment


def parse_moment(text: str) -> datetime:
    """Read a date or an RFC 3339 moment, UTC unless it says otherwise.

    Raises:
        UsageError: when the text is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a date", hint="write it as 2026-11-21 or 2026-11-21T08:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
