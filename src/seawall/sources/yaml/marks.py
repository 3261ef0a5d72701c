"""Line and column of any path of a text, worked out when a finding asks, once a document.

A step into a map is at its key, a step into a list at its value. Where a step does not exist, the place of the
nearest parent that does is the answer: that is where the missing field would have to be written.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from json import decoder as json_decoder
from typing import TYPE_CHECKING, Any, Final

from seawall.sources.yaml import fast, jsontext, scalars
from seawall.sources.yaml.documents import normalise, split, split_items
from seawall.sources.yaml.outline import LONGEST, Outline, outline
from seawall.sources.yaml.skim import Skim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import yaml

Step = str | int
Place = tuple[int, int]
"""Line and column, from 1."""

_BREAK: Final = re.compile("\n")
_WHITE: Final = " \t\n\r"
_LARGE: Final = 256 * 1024
# The C scanner of a string; typeshed does not list it.
_scan_string: Final[Callable[[str, int], tuple[str, int]]] = getattr(json_decoder, "scanstring")  # noqa: B009 - as said


class Marks:
    """The places of one file's text."""

    def __init__(self, data: bytes) -> None:
        self._data = normalise(data)
        self._json: _JsonMarks | None = None
        if jsontext.looks_like_json(self._data):
            try:
                self._json = _JsonMarks(self._data.decode())
            except ValueError:
                self._json = None
        self._parts = [] if self._json else split(self._data)
        self._counted: dict[int, int] = {0: 0}
        self._last = (0, 0)
        self._skims: dict[int, Outline | Skim | None] = {}
        self._roots: dict[tuple[int, int], yaml.Node | None] = {}

    def place(self, document: int, path: Sequence[Step]) -> Place:
        """Return where the path stands in a document, or where its nearest existing parent does."""
        if self._json is not None:
            return self._json.place(document, path)
        if not 0 <= document < len(self._parts):
            return 1, 1
        start, end, _ = self._parts[document]
        if document not in self._skims:
            part = self._data[start:end]
            self._skims[document] = _finder(part)
        skim = self._skims[document]
        quick = skim.place(path) if skim is not None else None
        if quick is not None:
            return self._first_line(start) + quick[0] + 1, quick[1] + 1
        return self.exact_place(document, path)

    def _first_line(self, start: int) -> int:
        """Return how many lines stand before an offset; each offset is counted once, from the last one."""
        if start not in self._counted:
            at, lines = self._last
            if start < at:
                at, lines = 0, 0
            self._counted[start] = lines + self._data.count(b"\n", at, start)
            self._last = (start, self._counted[start])
        return self._counted[start]

    def exact_place(self, document: int, path: Sequence[Step]) -> Place:
        """Return the same from the composed document: what `place` falls back on."""
        start, end, _ = self._parts[document]
        if len(path) > 1 and path[0] == "items" and isinstance(path[1], int) and end - start > _LARGE:
            pieces = split_items(self._data[start:end])
            if pieces is not None and path[1] + 2 < len(pieces):
                first, last = pieces[path[1] + 1]
                return self._in_yaml(start + first, start + last, (0, *path[2:]))
        return self._in_yaml(start, end, tuple(path))

    def _in_yaml(self, start: int, end: int, path: tuple[Step, ...]) -> Place:
        if (start, end) not in self._roots:
            import yaml  # noqa: PLC0415 - plain manifests need none of PyYAML

            loader = yaml.CSafeLoader(self._data[start:end])
            try:
                self._roots[start, end] = loader.get_node() if loader.check_node() else None
            except (yaml.YAMLError, RecursionError):
                self._roots[start, end] = None
            finally:
                loader.dispose()
        first_line = self._first_line(start)
        node = self._roots[start, end]
        if node is None:
            return first_line + 1, 1
        mark = node.start_mark
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            mark, node = found
        return first_line + mark.line + 1, mark.column + 1


def _finder(text: bytes) -> Outline | Skim | None:
    """Choose how places of a document are found; None: only the exact path knows them."""
    if not fast.is_plain(text):
        return None
    return (outline(text) if len(text) <= LONGEST else None) or Skim(text)


def _child(node: yaml.Node, step: Step) -> tuple[yaml.Mark, yaml.Node] | None:
    import yaml  # noqa: PLC0415 - as above

    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int) and 0 <= step < len(node.value):
            inner = node.value[step]
            return inner.start_mark, inner
        return None
    if not isinstance(node, yaml.MappingNode):
        return None
    merged: tuple[yaml.Mark, yaml.Node] | None = None
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        plain = not key.style
        if plain and key.value == "<<":
            for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                merged = merged or _child(part, step)
        elif (_key(key.value) if plain else key.value) == step:
            return key.start_mark, value
    return merged


def _key(text: str) -> str:
    try:
        return scalars.as_key(scalars.resolve(text))
    except ValueError:
        return text


class _JsonMarks:
    """Offsets of a JSON text, found by skipping whole values with the C scanner."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._skip = json.JSONDecoder().raw_decode
        self._known: dict[int, dict[Any, tuple[int, int]]] = {}
        self._starts: list[int] = []
        self._breaks: list[int] = []
        at = self._white(0)
        while at < len(text):
            self._starts.append(at)
            # One value is by far the most frequent: look for more only where the text does not end with it.
            at = self._white(self._skip(text, at)[1])

    def place(self, document: int, path: Sequence[Step]) -> Place:
        if not 0 <= document < len(self._starts):
            return 1, 1
        at = shown = self._starts[document]
        for step in path:
            found = self._children(at).get(step)
            if found is None:
                break
            shown, at = found
        # The lines are counted once: a dump of thousands of objects is asked for thousands of places.
        if not self._breaks:
            self._breaks = [-1, *(match.start() for match in _BREAK.finditer(self._text))]
        line = bisect_left(self._breaks, shown)
        return line, shown - self._breaks[line - 1]

    def _white(self, at: int) -> int:
        text, end = self._text, len(self._text)
        while at < end and text[at] in _WHITE:
            at += 1
        return at

    def _children(self, at: int) -> dict[Any, tuple[int, int]]:
        if at in self._known:
            return self._known[at]
        found: dict[Any, tuple[int, int]] = {}
        text = self._text
        opening = text[at]
        if opening in "{[":
            inner = self._white(at + 1)
            index = 0
            while text[inner] not in "}]":
                if opening == "{":
                    key, after = _scan_string(text, inner + 1)
                    value = self._white(self._white(after) + 1)
                    found[key] = (inner, value)
                else:
                    value = inner
                    found[index] = (inner, inner)
                    index += 1
                inner = self._white(self._skip(text, value)[1])
                if text[inner] == ",":
                    inner = self._white(inner + 1)
        self._known[at] = found
        return found
