"""The one error of this chapter: what is wrong with a query, at which line and column, and what was expected."""

from __future__ import annotations

from seawall.core.errors import InputError


class KqlError(InputError):
    """A query that cannot be read, bound or run.

    Attributes:
        line: counted from 1; 0 when the place is not known (an error at run time).
        column: counted from 1.
        excerpt: the line of the query with a caret line below it; empty when the place is not known.
        expected: what would have been right at that place; may be empty.
        kind: `syntax`, `semantic` (names and types), `unsupported` (refused by name), `limit`, `runtime`.
    """

    code = "kql"

    def __init__(
        self,
        message: str,
        *,
        kind: str = "semantic",
        line: int = 0,
        column: int = 0,
        excerpt: str = "",
        expected: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint, code=f"kql-{kind}")
        self.kind = kind
        self.line = line
        self.column = column
        self.excerpt = excerpt
        self.expected = expected

    def diagnostics(self) -> str:
        """Return the text for a person: what, where (line, column, caret) and what was expected."""
        parts = [f"{self.location}: " if self.location else "", self.message]
        if self.expected:
            parts.append(f" (expected {self.expected})")
        if self.line:
            parts.append(f" at line {self.line}, column {self.column}")
        if self.excerpt:
            parts.append("\n" + self.excerpt)
        if self.hint:
            parts.append(f"\n  {self.hint}")
        return "".join(parts)


class Fault(Exception):  # noqa: N818 - internal: always turned into a KqlError where the text is at hand
    """An error that knows only the offset in the text; `locate` makes the KqlError of it."""

    def __init__(
        self, message: str, pos: int = -1, *, kind: str = "semantic", expected: str = "", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.pos = pos
        self.kind = kind
        self.expected = expected
        self.hint = hint


class Whole(Fault):
    """Raised by an operator that takes a whole table, within mv-apply and partition: each part must be a table then."""


class Unanswered(ValueError):  # noqa: N818 - internal: a refusal that a function finds only in the data
    """Raised by a function that DuckDB calls: the message is told as it is, as a refusal."""


def refuse(what: str, pos: int, hint: str = "") -> Fault:
    """Make the error for a construct that is known and not answered here."""
    return Fault(f"{what} is not supported", pos, kind="unsupported", hint=hint)


MAX_EXCERPT = 160


def locate(fault: Fault, text: str) -> KqlError:
    """Work out line, column and excerpt of a fault in `text`."""
    if fault.pos < 0:
        return KqlError(fault.message, kind=fault.kind, expected=fault.expected, hint=fault.hint)
    pos = min(fault.pos, len(text))
    start = text.rfind("\n", 0, pos) + 1
    end = text.find("\n", pos)
    line_text = text[start : end if end >= 0 else len(text)].rstrip("\r")
    column = pos - start
    shown, caret = line_text, column
    if len(shown) > MAX_EXCERPT:
        cut = max(0, column - MAX_EXCERPT // 2)
        shown, caret = shown[cut : cut + MAX_EXCERPT], column - cut
    pad = "".join("\t" if char == "\t" else " " for char in shown[:caret])
    return KqlError(
        fault.message,
        kind=fault.kind,
        line=text.count("\n", 0, pos) + 1,
        column=column + 1,
        excerpt=f"  {shown}\n  {pad}^",
        expected=fault.expected,
        hint=fault.hint,
    )
