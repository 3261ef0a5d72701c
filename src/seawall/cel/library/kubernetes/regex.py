"""Regular expressions: `find` and `findAll`."""

from __future__ import annotations

from seawall.cel.environment import overload
from seawall.cel.library.conversions import regex_cost
from seawall.cel.values import check_regex


def _find(text: str, pattern: str) -> str:
    match = check_regex(pattern).search(text)
    return match.group(0) if match else ""


def _find_all(text: str, pattern: str, count: int = -1) -> list[str]:
    found: list[str] = []
    for match in check_regex(pattern).finditer(text):
        if 0 <= count <= len(found):
            break
        found.append(match.group(0))
    return found


REGEX = (
    overload("string.find(string) -> string", _find, regex_cost),
    overload("string.findAll(string) -> list<string>", _find_all, regex_cost),
    overload("string.findAll(string, int) -> list<string>", _find_all, regex_cost),
)
