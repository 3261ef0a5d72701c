"""What keeps a text from being read, with its place."""

from __future__ import annotations

from seawall.core.errors import InputError
from seawall.core.location import Location


class YamlProblemError(Exception):
    """What is wrong and where: line and column count from 0, within the text that was handed in."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def as_error(self, file: str, first_line: int) -> InputError:
        """Return the error for a document that starts at `first_line` (from 0) of the file."""
        return InputError(
            self.message,
            location=Location(file, first_line + self.line + 1, self.column + 1),
            code="bad-yaml",
        )
