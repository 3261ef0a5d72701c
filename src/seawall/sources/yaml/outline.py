"""The places of every path of a short plain document, in one pass over its lines.

A manifest of forty lines is asked for five or six places: reading its lines once costs less than following each
path (`skim`, which is for long texts). What is not of the plainest form (a text over several lines, an odd key, a
dash behind a dash) makes no outline, and `skim` or the exact path answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Step = str | int
Path = tuple[Step, ...]

LONGEST: Final = 16 * 1024
"""Bytes of a text that is worth an outline."""

_NAME: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_./-]*")
_DASH, _HASH, _SPACE = 45, 35, 32
_names: dict[bytes, str] = {}
"""Keys that were seen, as texts: the same few stand in every manifest."""


def _name(key: bytes) -> str | None:
    known = _names.get(key)
    if known is None and _NAME.fullmatch(key):
        known = key.decode()
        if len(_names) < 10_000:
            _names[key] = known
    return known


def closed(value: bytes) -> bool:
    """Tell whether a quoted text ends in its line, with at most a comment behind it."""
    quote = re.escape(value[:1])
    return re.fullmatch(quote + rb"[^\\" + quote + rb"]*" + quote + rb"[ ]*(?:#.*)?", value) is not None


class Outline:
    """Where each path of one document stands, (line, column) from 0."""

    def __init__(self, places: dict[Path, tuple[int, int]], flows: set[Path]) -> None:
        self._places = places
        self._flows = flows

    def place(self, path: Sequence[Step]) -> tuple[int, int] | None:
        """Return the place of a path or of its nearest parent; None where that lies within a flow collection."""
        path = tuple(path)
        places = self._places
        found = places.get(path)
        while found is None:
            path = path[:-1]
            found = places.get(path)
            if found is not None and path in self._flows:
                return None
        return found


def outline(text: bytes) -> Outline | None:
    """Read the lines of a text for which `fast.is_plain` holds; None where they are not of the plainest form."""
    places: dict[Path, tuple[int, int]] = {}
    flows: set[Path] = set()
    # Open collections: indentation, path, and the last index of a list (-1: a map).
    frames: list[tuple[int, Path, int]] = []
    # The key whose value may begin in the next line, and its indentation.
    pending: Path | None = ()
    above = -1
    block = -1
    for number, line in enumerate(text.split(b"\n")):
        content = line.lstrip(b" ")
        if not content or content[0] == _HASH:
            continue
        indent = len(line) - len(content)
        if block >= 0:
            if indent > block:
                continue
            block = -1
        while frames and frames[-1][0] > indent:
            frames.pop()
        if content[0] == _DASH and content[1:2] in (b" ", b""):
            rest = content[1:].lstrip(b" ")
            if not rest or rest[0] == _HASH or (rest[0] == _DASH and rest[1:2] in (b" ", b"")):
                return None
            if frames and frames[-1][0] == indent and frames[-1][2] >= 0:
                _, base, index = frames.pop()
                index += 1
            elif pending is not None and above <= indent:
                base, index = pending, 0
            else:
                return None
            frames.append((indent, base, index))
            places.setdefault((), (number, indent))
            indent += len(content) - len(rest)
            content = rest
            pending, above = (*base, index), indent - 1
            places[pending] = (number, indent)
            item = True
        else:
            # A key of the same indentation ends a list.
            if frames and frames[-1][0] == indent and frames[-1][2] >= 0:
                frames.pop()
            item = False
        key, colon, value = content.partition(b":")
        name = _name(key) if colon and value[:1] in (b" ", b"") else None
        if name is None:
            if not item or not _leaf(content):
                return None
            if content[0] in b"{[" and content not in (b"{}", b"[]"):
                flows.add(pending)  # type: ignore[arg-type] # an item's path was set above
            pending = None
            continue
        if frames and frames[-1][0] == indent:
            path = frames[-1][1]
        elif pending is not None and above < indent:
            path = pending
            frames.append((indent, path, -1))
        else:
            return None
        places.setdefault((), (number, indent))
        path = (*path, name)
        places[path] = (number, indent)
        value = value.strip()
        pending = None
        if not value or value[0] == _HASH:
            pending, above = path, indent
        elif value[0] == 124:  # a literal block: its lines are further in
            block = indent
        elif not _leaf(value):
            return None
        elif value[0] in b"{[" and value not in (b"{}", b"[]"):
            flows.add(path)
    return Outline(places, flows) if places else None


def _leaf(value: bytes) -> bool:
    """Tell whether a value ends in its line: plain words, a closed quote, a flow collection."""
    if value[0] in b"\"'":
        return closed(value)
    return value[0] not in b"|>"
