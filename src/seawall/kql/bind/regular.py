"""Regular expressions in SQL: RE2 where it says the same as Kusto's dialect, our own machine where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.values import Ex, quote
from seawall.kql.errors import Fault
from seawall.kql.regex import PatternError, Regex, compile_regex

if TYPE_CHECKING:
    from collections.abc import Callable


class Matcher:
    """A pattern as an argument: read when it is a literal, else read row by row."""

    __slots__ = ("regex", "sql")

    def __init__(self, sql: str, regex: Regex | None) -> None:
        self.sql = sql
        self.regex = regex

    def write(self, text: str, form: Callable[[str], str], slow: str) -> str:
        """Write a match: `form` of a pattern for RE2, `slow` for our own machine (with `{}` for the pattern)."""
        regex = self.regex
        if regex is None:
            ours = slow.replace("{}", self.sql)
            return f"CASE WHEN k_regex_own({self.sql}) THEN {ours} ELSE {form(f'k_regex({self.sql})')} END"
        if regex.full is not None and regex.full == regex.ascii:
            return form(quote(regex.full))
        ours = slow.replace("{}", quote(regex.source))
        narrow = ours if regex.ascii is None else form(quote(regex.ascii))
        full = ours if regex.full is None else form(quote(regex.full))
        # A text whose bytes are as many as its characters is of ASCII only.
        return (
            full
            if narrow == full
            else f"CASE WHEN strlen({text}) = length({text}) THEN {narrow} ELSE {full} END"
        )


def read(text: str, pos: int) -> Regex:
    """Read a literal pattern.

    Raises:
        Fault: it is none, or has what is not supported.
    """
    try:
        return compile_regex(text)
    except PatternError as error:
        message = str(error)
        if message.startswith("it is longer"):
            raise Fault(f"this regular expression is too long: {message}", pos, kind="limit") from None
        if not message.startswith("regular expressions"):
            message = (
                f"this regular expression cannot be read: {message} (at its character {error.place + 1})"
            )
        raise Fault(message, pos) from None


def matcher(pattern: Ex, sql: str, pos: int, form: str = "{}") -> Matcher:
    """Take a pattern from an argument; `form` is what it is put into before it is read."""
    if pattern.known and isinstance(pattern.const, str):
        return Matcher(sql, read(form.replace("{}", pattern.const), pos))
    if form == "{}":
        return Matcher(sql, None)
    return Matcher("(" + f" || {sql} || ".join(quote(part) for part in form.split("{}")) + ")", None)


def test(text: str, pattern: Matcher) -> str:
    """Write `matches regex`."""
    return pattern.write(text, lambda one: f"regexp_matches({text}, {one})", f"k_rx_test({text}, {{}})")


def groups_of(pattern: Matcher) -> dict[str, Any]:
    """Return the names of a literal pattern's groups and their numbers."""
    return {} if pattern.regex is None else dict(pattern.regex.names)
