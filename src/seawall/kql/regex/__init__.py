"""Regular expressions as Kusto has them (docs: regex): the dialect of Rust's crate regex, with Unicode.

DuckDB's RE2 does the work. Where its classes and borders mean ASCII only, a pattern is written twice: for texts of
ASCII, where both mean the same, and for others, with Unicode's classes. What RE2 cannot say of other texts (borders
of words) is left to a machine of our own (`pike`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from seawall.kql.regex.parse import MAX_PATTERN, PatternError, parse
from seawall.kql.regex.re2 import NotInRe2Error, write
from seawall.kql.regex.sets import UnknownClassError

if TYPE_CHECKING:
    from seawall.kql.regex.tree import Pattern

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-:/@,;=<>!\"'%&~`")


class Regex(msgspec.Struct, frozen=True):
    """A pattern for RE2: for texts of ASCII, and for all (None: RE2 cannot); its groups and their names."""

    source: str
    ascii: str | None
    full: str | None
    groups: int
    names: dict[str, int]


@lru_cache(512)
def compile_regex(text: str) -> Regex:
    """Read a pattern and write it for RE2.

    Raises:
        PatternError: it is none.
    """
    if len(text) <= MAX_PATTERN and _PLAIN.issuperset(text):
        return Regex(text, text, text, 0, {})
    tree = parse(text)
    return Regex(text, _write(tree, ascii_only=True), _write(tree, ascii_only=False), tree.groups, tree.names)


def _write(tree: Pattern, *, ascii_only: bool) -> str | None:
    try:
        return write(tree.node, ascii_only=ascii_only)
    except NotInRe2Error:
        return None
    except UnknownClassError as error:
        raise PatternError(str(error), 0) from None


__all__ = ["PatternError", "Regex", "compile_regex"]
