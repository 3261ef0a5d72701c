"""Two logs: what the server did (structured lines on standard error), and what it decided (a JSONL file)."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_encode = msgspec.json.Encoder().encode


def moment() -> str:
    """Return the time in RFC 3339, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say(event: str, level: str = "info", **more: Any) -> None:
    """Write one structured line: `{"time", "level", "event", ...}`."""
    line = _encode({"time": moment(), "level": level, "event": event, **more}) + b"\n"
    try:
        os.write(sys.stderr.fileno(), line)
    except (OSError, ValueError):
        return  # a log that nobody reads must not stop the server


class DecisionLog:
    """The file of decisions, one JSON object a line, written before the answer leaves.

    Each line is the request with its answer: `seawall decide ENGINE < FILE` answers it again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost = 0
        self._descriptor = -1
        self.reopen()

    def reopen(self) -> None:
        """Open the file (anew, after it was moved away). Raises UsageError."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise UsageError(
                f"{self.path}: {error.strerror}", hint="--decision-log needs a file it can write"
            ) from None
        before, self._descriptor = self._descriptor, descriptor
        if before >= 0:
            os.close(before)
        # A crash of the machine may have left half a line: a new one must not continue it.
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")

    def write(self, record: dict[str, Any]) -> None:
        """Append one decision, in one write (O_APPEND: lines of two processes do not mix)."""
        try:
            os.write(self._descriptor, _encode(record) + b"\n")
        except OSError as error:
            self.lost += 1
            if self.lost in {1, 1000}:
                say("decision-lost", "error", path=str(self.path), error=str(error.strerror), lost=self.lost)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


__all__ = ["DecisionLog", "moment", "say"]
