"""Where something stands in a file."""

from __future__ import annotations

import msgspec


class Location(msgspec.Struct, frozen=True, order=True):
    """A place in a file; `line` and `column` count from 1, and 0 means that the place is not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render as editors and compilers write it: `file:line:column`."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"
