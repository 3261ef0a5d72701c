"""Which characters a class has: as ranges, and asked for one character."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

from seawall.kql.regex.parse import ASCII_CLASSES
from seawall.kql.regex.tree import Named, Node, Op, Span, Union

LAST: Final = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]

SPACES: Final[Ranges] = (
    (9, 13), (32, 32), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
"""White_Space (Unicode's PropList.txt)."""
CIRCLED: Final[Ranges] = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
"""The alphabetic characters that are neither letters nor marks nor letter numbers (DerivedCoreProperties.txt)."""
WORD_CATEGORIES: Final = ("L", "M", "Nd", "Nl", "Pc")
JOINERS: Final = (0x200C, 0x200D)
_ASCII_PERL: Final = {"d": "digit", "w": "word", "s": "space"}


LAST_CASED: Final = 0x1E943
"""The last character with another case (Adlam)."""


@lru_cache(1)
def _orbits() -> dict[int, frozenset[int]]:
    """Find the characters that simple folding makes one, in one pass."""
    found: dict[str, set[int]] = {}
    for code in range(LAST_CASED + 1):
        char = chr(code)
        folded = char.casefold()
        key = folded if len(folded) == 1 else char.lower()
        if key != char:
            found.setdefault(key, {ord(key[0])} if len(key) == 1 else set()).add(code)
    return {code: frozenset(codes) for codes in found.values() for code in codes}


_BEYOND: Final = {"k": "\u212a", "s": "\u017f"}
"""The letters of ASCII that are one with a character beyond it."""


@lru_cache(4096)
def cases(code: int) -> frozenset[int]:
    """Find the characters that are one with a character where the case does not count (simple folding)."""
    if code < 128:  # no table for these
        char = chr(code)
        return frozenset(map(ord, (char.lower(), char.upper(), *_BEYOND.get(char.lower(), ""))))
    return _orbits().get(code) or frozenset((code,))


class UnknownClassError(ValueError):
    """A class whose characters are not known here one by one (scripts)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the class {name} cannot be worked out character by character here")


@lru_cache(1)
def categories() -> dict[str, Ranges]:
    """Find the ranges of every general category, in one pass over all characters."""
    out: dict[str, list[tuple[int, int]]] = {}
    start, have = 0, unicodedata.category("\0")
    for code in range(1, LAST + 1):
        category = unicodedata.category(chr(code))
        if category != have:
            out.setdefault(have, []).append((start, code - 1))
            start, have = code, category
    out.setdefault(have, []).append((start, LAST))
    return {name: tuple(ranges) for name, ranges in out.items()}


def joined(ranges: list[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that touch."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def others(ranges: Ranges) -> Ranges:
    """Return what is in none of the ranges."""
    edges = [(-1, -1), *ranges, (LAST + 1, LAST + 1)]
    return tuple((a[1] + 1, b[0] - 1) for a, b in pairwise(edges) if a[1] + 1 <= b[0] - 1)


def both(a: Ranges, b: Ranges) -> Ranges:
    """Return what is in both."""
    return others(joined([*others(a), *others(b)]))


MAX_FOLDED: Final = 10_000
"""Characters of a range whose cases are looked up one by one."""


@lru_cache(64)
def ranges_of(node: Node, fold: bool = False) -> Ranges:
    """Work out a class; with `fold` its members stand for their other cases too, before anything is negated.

    Raises:
        UnknownClassError: it has a script in it, or a name or a long range whose cases are asked for.
    """
    if isinstance(node, Span):
        if not fold:
            return ((node.low, node.high),)
        if node.high - node.low > MAX_FOLDED:
            raise UnknownClassError("of a long range in either case")
        return joined([(one, one) for code in range(node.low, node.high + 1) for one in cases(code)])
    if isinstance(node, Named):
        if fold and node.kind not in ("perl", "ascii"):
            raise UnknownClassError(f"{node.name} in either case")
        found = _named(node)
        if fold and node.kind == "ascii":
            found = joined([one for low, high in found for one in ranges_of(Span(low, high), True)])
        return others(found) if node.negated else found
    if isinstance(node, Union):
        found = joined([one for item in node.items for one in ranges_of(item, fold)])
        return others(found) if node.negated else found
    if not isinstance(node, Op):
        raise TypeError(node)
    left, right = ranges_of(node.left, fold), ranges_of(node.right, fold)
    if node.op == "&&":
        return both(left, right)
    if node.op == "--":
        return both(left, others(right))
    return joined([*both(left, others(right)), *both(right, others(left))])


def _pairs(text: str) -> Ranges:
    return tuple((ord(a), ord(b)) for a, b in zip(text[::2], text[1::2], strict=True))


def _in_categories(*names: str) -> list[tuple[int, int]]:
    chosen = [one for name in names for one in (("Lu", "Ll", "Lt") if name == "LC" else (name,))]
    return [one for key, found in categories().items() if key.startswith(tuple(chosen)) for one in found]


def _named(node: Named) -> Ranges:
    if node.kind == "ascii":
        return _pairs(ASCII_CLASSES[node.name])
    if node.kind == "perl":
        if not node.wide:
            return _pairs(ASCII_CLASSES[_ASCII_PERL[node.name]])
        if node.name == "s":
            return SPACES
        if node.name == "d":
            return joined(_in_categories("Nd"))
        return joined([*_in_categories(*WORD_CATEGORIES), JOINERS, *CIRCLED])
    if node.kind == "category":
        return joined(_in_categories(node.name))
    if node.kind == "property":
        if node.name in ("upper", "lower"):
            test = str.isupper if node.name == "upper" else str.islower
            return joined([(code, code) for code in range(LAST + 1) if test(chr(code))])
        return {
            "space": SPACES,
            "any": ((0, LAST),),
            "ascii": ((0, 127),),
            "assigned": others(joined(_in_categories("Cn"))),
        }[node.name]
    raise UnknownClassError(node.name)


def contains(node: Node, code: int, fold: bool = False) -> bool:
    """Tell whether a class has a character; with `fold` or its other cases, before anything is negated.

    Raises:
        UnknownClassError: it depends on a script.
    """
    if isinstance(node, Span):
        return any(node.low <= one <= node.high for one in (cases(code) if fold else (code,)))
    if isinstance(node, Named):
        plain = not fold or node.kind == "perl"
        return any(_is_named(node, one) for one in ((code,) if plain else cases(code))) != node.negated
    if isinstance(node, Union):
        return any(contains(item, code, fold) for item in node.items) != node.negated
    if not isinstance(node, Op):
        raise TypeError(node)
    left, right = contains(node.left, code, fold), contains(node.right, code, fold)
    if node.op == "&&":
        return left and right
    return left and not right if node.op == "--" else left != right


def _is_named(node: Named, code: int) -> bool:
    if node.kind == "perl" and node.wide:
        return is_word(code) if node.name == "w" else _is_space(code) if node.name == "s" else _is_digit(code)
    if node.kind == "category":
        category = unicodedata.category(chr(code))
        return category in ("Lu", "Ll", "Lt") if node.name == "LC" else category.startswith(node.name)
    if node.kind == "property":
        char = chr(code)
        return {
            "upper": char.isupper(),
            "lower": char.islower(),
            "space": _is_space(code),
            "any": True,
            "ascii": code < 128,
            "assigned": unicodedata.category(char) != "Cn",
        }[node.name]
    if node.kind == "script":
        if code > 127:
            raise UnknownClassError(node.name)
        return node.name == ("Latin" if chr(code).isalpha() else "Common")
    return any(low <= code <= high for low, high in _named(node))


def _is_space(code: int) -> bool:
    return any(low <= code <= high for low, high in SPACES)


def _is_digit(code: int) -> bool:
    return unicodedata.category(chr(code)) == "Nd"


def is_word(code: int) -> bool:
    """Tell whether a character is one of words with Unicode (`w` after a backslash; UTS 18, annex C)."""
    return (
        unicodedata.category(chr(code)).startswith(WORD_CATEGORIES)
        or code in JOINERS
        or any(low <= code <= high for low, high in CIRCLED)
    )
