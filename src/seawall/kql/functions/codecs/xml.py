"""XML as a dynamic (docs: parse_xml)."""

from __future__ import annotations

import re
from typing import Any

from seawall.kql.errors import Unanswered
from seawall.kql.functions.registry import python

MAX_XML = 1 << 20
"""Bytes; a longer text gives null (its page)."""
MAX_DEPTH = 200
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,30})?\Z", re.ASCII)


class _Element:
    """An element that is open: its slots, and the texts between its children."""

    __slots__ = ("name", "slots")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.slots: dict[str, list[Any]] = {f"@{key}": [value] for key, value in attributes.items()}

    def add(self, key: str, value: Any) -> None:
        self.slots.setdefault(key, []).append(value)

    def value(self) -> Any:
        if not self.slots:
            return None
        flat = {key: found[0] if len(found) == 1 else found for key, found in self.slots.items()}
        return flat["#text"] if list(flat) == ["#text"] else flat


class _Reader:
    """Builds the value from expat's events; only elements, attributes and texts count."""

    def __init__(self) -> None:
        self.open = [_Element("", {})]
        self.cdata = False
        from xml.parsers import expat

        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartCdataSectionHandler = lambda: self.section(inside=True)
        parser.EndCdataSectionHandler = lambda: self.section(inside=False)
        parser.EntityDeclHandler = self.entity
        self.parser = parser

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) > MAX_DEPTH:
            raise Unanswered(f"parse_xml(): elements more than {MAX_DEPTH} deep")
        self.open.append(_Element(name, attributes))

    def end(self, name: str) -> None:
        closed = self.open.pop()
        self.open[-1].add(name, closed.value())

    def section(self, *, inside: bool) -> None:
        self.cdata = inside

    def text(self, text: str) -> None:
        # The page's example has 118.0 as a number; its table has texts.
        text = text.strip()
        if text and not self.cdata:
            self.open[-1].add("#text", _number(text) if _NUMBER.match(text) else text)

    def entity(self, *_: Any) -> None:
        raise Unanswered("parse_xml(): entities of a document's own are not read")


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


@python("parse_xml", "string", "dynamic")
def parse_xml(text: str) -> Any:
    """`parse_xml(xml)`: attributes as `@name`, texts as `#text`, equal names as an array; null where it is no XML."""
    data = text.encode()
    if not data or len(data) > MAX_XML:
        return None
    from xml.parsers import expat

    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError:
        return None
    return reader.open[0].value()
