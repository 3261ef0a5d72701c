"""Places in plain block YAML, found by searching only what a path leads through.

Composing a whole document to learn one line costs fifty times what the line is worth. In a text for which
`fast.is_plain` holds, the keys of a block map are the lines of its own indentation, and a list's items the lines
that begin with a dash there: a path is followed by one search a step. Whatever is not of that form (a flow
collection, a text over several lines, an odd key) is answered with None, and the exact path decides.
tests/sources/test_yaml_skim.py proves both equal over every path of every file at hand.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from seawall.sources.yaml.outline import closed

if TYPE_CHECKING:
    from collections.abc import Sequence

Step = str | int

_FIRST: Final = re.compile(rb"^( *)([^ \n#])", re.MULTILINE)
_KEY: Final = re.compile(rb"([A-Za-z_][\w./-]*):((?=[ \n])[^\n]*|\Z)")


_OPENING: Final = frozenset((b"{", b"[", b'"', b"'"))


class _Region(NamedTuple):
    """A value: where it may begin, where it ends, and whether it opens in the line of a dash."""

    start: int
    end: int
    inline: int
    """The column of the first key when it stands behind a dash, else -1."""


class Skim:
    """The places of one plain document."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._places: dict[tuple[Step, ...], tuple[int, int] | None] = {}
        self._followed: dict[tuple[Step, ...], tuple[int | None, _Region | None]] = {}
        self._known: dict[int, dict[Step, tuple[int, _Region | None]] | None] = {}

    def place(self, path: Sequence[Step]) -> tuple[int, int] | None:
        """Return line and column (from 0) of a path or of its nearest parent, None where it is not certain."""
        path = tuple(path)
        if path not in self._places:
            shown = self._follow(path)[0]
            if shown is None:
                self._places[path] = None
            else:
                text = self._text
                line = text.count(b"\n", 0, shown)
                self._places[path] = (line, shown - text.rfind(b"\n", 0, shown) - 1)
        return self._places[path]

    def _follow(self, path: tuple[Step, ...]) -> tuple[int | None, _Region | None]:
        """Return where a path is shown (None: not certain) and the region below it, each prefix only once."""
        known = self._followed.get(path)
        if known is not None:
            return known
        found: tuple[int | None, _Region | None] = (None, None)
        if not path:
            whole = _Region(0, len(self._text), -1)
            first = _FIRST.search(self._text, 0)
            if first is not None and self._children(whole) is not None:
                found = (first.start(2), whole)
        else:
            found = above, region = self._follow(path[:-1])
            if above is not None and region is not None:
                children = self._children(region)
                # What is not there is shown at the parent, and nothing is below it.
                found = (None, None) if children is None else children.get(path[-1], (above, None))
        self._followed[path] = found
        return found

    def _children(self, region: _Region) -> dict[Step, tuple[int, _Region | None]] | None:
        known = self._known
        if region.start not in known:
            known[region.start] = self._read(region)
        return known[region.start]

    def _read(self, region: _Region) -> dict[Step, tuple[int, _Region | None]] | None:
        text = self._text
        if region.inline >= 0:
            indent, first = region.inline, text[region.start : region.start + 1]
            at = region.start
        else:
            match = _FIRST.search(text, region.start, region.end)
            if match is None:
                return {}
            indent, first, at = len(match[1]), match[2], match.start(2)
        if first == b"-" and text[at + 1 : at + 2] in {b" ", b"\n"}:
            # A list that opens behind another dash has no indentation of its own lines to search for.
            return None if region.inline >= 0 else self._items(region, indent)
        return self._keys(region, indent)

    def _keys(self, region: _Region, indent: int) -> dict[Step, tuple[int, _Region | None]] | None:
        found: dict[Step, tuple[int, _Region | None]] = {}
        text = self._text
        start, end, inline = region
        if inline >= 0:
            # The first key of an item stands behind its dash, not at the beginning of a line.
            match = _KEY.match(text, start, end)
            if match is None:
                return None
            key, at, after, value = match[1].decode(), start, match.end(), match[2].strip()
            start = after
        else:
            key, at, after, value = "", -1, -1, b""
        for match in _key_lines(indent).finditer(text, start, end):
            name = match[1]
            if name is None:
                # A line of this indentation that is no plain key: only a list's dash below its key may be.
                if match[3] is None or at < 0:
                    return None
                continue
            if at >= 0:
                if not value or value[:1] == b"#":
                    # Nothing behind the colon: the value, if there is one, stands below.
                    found[key] = (at, _Region(after, match.start(1), -1))
                elif value[:1] in _OPENING and not _plain_value(value):
                    return None
                else:
                    found[key] = (at, None)
            key, at, after, value = name.decode(), match.start(1), match.end(), match[2].strip()
        if at < 0:
            return None
        if not value or value[:1] == b"#":
            found[key] = (at, _Region(after, end, -1))
        elif value[:1] in _OPENING and not _plain_value(value):
            return None
        else:
            found[key] = (at, None)
        return found

    def _items(self, region: _Region, indent: int) -> dict[Step, tuple[int, _Region | None]] | None:
        found: dict[Step, tuple[int, _Region | None]] = {}
        text = self._text
        dashes = [
            match
            for match in _item_lines(indent).finditer(text, region.start, region.end)
            if match[1] is not None
        ]
        for index, match in enumerate(dashes):
            end = dashes[index + 1].start(1) if index + 1 < len(dashes) else region.end
            content = match.end()
            line_end = text.find(b"\n", content, end)
            rest = text[content : end if line_end < 0 else line_end]
            if not rest.strip() or rest.lstrip()[:1] == b"#":
                return None
            column = content - match.start(1) + indent
            if rest[:2] == b"- ":
                return None
            if _KEY.match(rest):
                found[index] = (content, _Region(content, end, column))
            elif rest[:1] in {b"{", b"["} or rest[:1] in {b'"', b"'"}:
                found[index] = (content, None)
                if rest[:1] in {b"{", b"["} or not closed(rest.strip()):
                    return None
            else:
                found[index] = (content, None)
        return found or None


def _plain_value(value: bytes) -> bool:
    """Tell whether a value that opens with a bracket or a quote ends in its line, and leads nowhere."""
    return value in {b"{}", b"[]"} if value[:1] in {b"{", b"["} else closed(value)


@cache
def _key_lines(indent: int) -> re.Pattern[bytes]:
    """Match every line of an indentation: group 1 a plain key, 2 what is behind its colon, 3 a dash."""
    return re.compile(
        rb"^ {%d}(?![ \n#])(?:" % indent + _KEY.pattern + rb"|(-(?=[ \n]))|[^\n])", re.MULTILINE
    )


@cache
def _item_lines(indent: int) -> re.Pattern[bytes]:
    """Match every dash of an indentation: group 1 the dash."""
    return re.compile(rb"^ {%d}(-)(?=[ \n]|\Z)[ ]*" % indent, re.MULTILINE)
