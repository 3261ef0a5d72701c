"""The extended string functions (cel-go ext/strings.go: version 0, and version 2 since Kubernetes 1.29)."""

from __future__ import annotations

from typing import Any

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.conversions import walk
from seawall.cel.library.formatting import format_text
from seawall.cel.library.lists import traversal
from seawall.cel.operators import size, tenth

MAX_RESULT = 10_000_000  # characters: hostile input must not fill the memory before the cost stops it
# unicode.IsSpace, which strings.TrimSpace uses; Python's strip() knows four separators more
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise CelError(f"index out of range: {at}")
    return text[at : at + 1]


def _index_of(text: str, part: str, offset: int = 0) -> int:
    if offset < 0:
        raise CelError(f"index out of range: {offset}")
    if part == "":
        return offset
    if offset >= len(text):
        raise (
            CelError(f"index out of range: {offset}")
            if offset > len(text) or text
            else CelError("index out of range")
        )
    return text.find(part, offset)


def _first_index(text: str, part: str) -> int:
    return text.find(part) if part else 0


def _last_index(text: str, part: str) -> int:
    return text.rfind(part) if part else len(text)


def _last_index_of(text: str, part: str, offset: int) -> int:
    if offset < 0:
        raise CelError(f"index out of range: {offset}")
    if part == "":
        return offset
    if offset >= len(text):
        return -1
    return text.rfind(part, 0, offset + len(part))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    if len(text) * max(1, len(new)) > MAX_RESULT:
        raise CelError("result too large")
    return text.replace(old, new, max(count, -1))


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if separator == "":
        if count < 0 or count >= len(text):
            return list(text)
        return [*text[: count - 1], text[count - 1 :]]
    return text.split(separator, count - 1 if count > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if end is not None and start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    for bound in (start, last):
        if not 0 <= bound <= len(text):
            raise CelError(f"index out of range: {bound}")
    return text[start:last]


_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code: code - 32 for code in range(97, 123)}


def _join(items: list[Any], separator: str = "") -> str:
    for item in items:
        if type(item) is not str:
            raise CelError("join: no such overload for an element that is no string")
    return separator.join(items)


def _quote(text: str) -> str:
    table = {
        "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
        "\\": "\\\\", '"': '\\"',
    }  # fmt: skip
    return '"' + "".join([table.get(char, char) for char in text]) + '"'


def _twice(_: Any, text: Any, *__: Any) -> int:
    return tenth(size(text) * 2)


def _joined(made: Any, *_: Any) -> int:
    return tenth(size(made) * 2)


OVERLOADS = (
    overload("string.charAt(int) -> string", _char_at),
    overload("string.indexOf(string) -> int", _first_index, traversal),
    overload("string.indexOf(string, int) -> int", _index_of, traversal),
    overload("string.lastIndexOf(string) -> int", _last_index, traversal),
    overload("string.lastIndexOf(string, int) -> int", _last_index_of, traversal),
    overload("string.lowerAscii() -> string", lambda text: text.translate(_LOWER), walk),
    overload("string.upperAscii() -> string", lambda text: text.translate(_UPPER), walk),
    overload("string.replace(string, string) -> string", _replace, _twice),
    overload("string.replace(string, string, int) -> string", _replace, _twice),
    overload("string.split(string) -> list<string>", _split, _twice),
    overload("string.split(string, int) -> list<string>", _split, _twice),
    overload("string.substring(int) -> string", _substring, walk),
    overload("string.substring(int, int) -> string", _substring, walk),
    overload("string.trim() -> string", lambda text: text.strip(SPACES), walk),
    overload("list<string>.join() -> string", _join, _joined),
    overload("list<string>.join(string) -> string", _join, _joined),
)
SINCE_29 = (
    overload("string.format(list<dyn>) -> string", format_text, walk),
    overload("strings:quote(string) -> string", _quote, walk),
)
