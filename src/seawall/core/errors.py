"""The errors that Seawall raises: each says what, where, and what to do.

The library raises, only the command line exits. Nothing of another library leaks through a seam: it is
turned into one of these where it is met.
"""

from __future__ import annotations

from seawall.core.location import Location


class SeawallError(Exception):
    """Base of all; `code` is a stable kebab-case word for programs.

    Attributes:
        code: a word that programs may test.
        message: what is wrong, one sentence.
        location: where, when it is a place in a file.
        hint: what to do about it.
    """

    code = "error"

    def __init__(
        self, message: str, *, location: Location | None = None, hint: str = "", code: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.hint = hint
        if code:
            self.code = code

    def diagnostics(self) -> str:
        """Return the text for a person: where, what, and what to do."""
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}" + (f"\n  {self.hint}" if self.hint else "")


class InputError(SeawallError):
    """Something that was given cannot be used (exit code 2)."""

    code = "bad-input"


class UsageError(SeawallError):
    """The command line or a configuration file is off (exit code 2)."""

    code = "usage"


class NothingToCheckError(SeawallError):
    """No subject was found: zero resources is not a pass (exit code 3)."""

    code = "nothing-to-check"


class NotBuiltError(SeawallError):
    """A part that the design names and that is not in this version (exit code 2)."""

    code = "not-built"


class MissingExtraError(SeawallError):
    """An optional part is not installed (exit code 2)."""

    code = "missing-extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed", hint=f'install it with: pip install "seawall[{extra}]"')


__all__ = [
    "InputError",
    "Location",
    "MissingExtraError",
    "NotBuiltError",
    "NothingToCheckError",
    "SeawallError",
    "UsageError",
]
