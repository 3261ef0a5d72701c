"""A tree as text for RE2, which DuckDB has: for texts of ASCII only, and for all texts."""

from __future__ import annotations

from seawall.kql.regex.sets import CIRCLED, JOINERS, LAST, SPACES, Ranges, contains, others, ranges_of
from seawall.kql.regex.tree import (
    Alt,
    Assert,
    Cat,
    Char,
    Dot,
    Group,
    Named,
    Node,
    Repeat,
    Set,
    Span,
    Union,
)


class NotInRe2Error(ValueError):
    """RE2 cannot say this of all texts."""


_ASSERTS = {"text-start": r"\A", "text-end": r"\z", "line-start": "(?m:^)", "line-end": "(?m:$)"}
_BORDERS = {"word": r"\b", "not-word": r"\B"}


def write(node: Node, *, ascii_only: bool) -> str:
    """Write a tree.

    Raises:
        NotInRe2Error: a border of words that are not of ASCII only, or of a kind that RE2 does not have.
        UnknownClassError: a script in a class that is worked out character by character.
    """
    if isinstance(node, Char):
        text = _char(node.code)
        return f"(?i:{text})" if node.fold and _cased(node.code) else text
    if isinstance(node, Dot):
        return "(?s:.)" if node.lines else r"[^\n]"
    if isinstance(node, Assert):
        return _assert(node, ascii_only=ascii_only)
    if isinstance(node, Cat):
        return "".join(
            f"(?:{write(item, ascii_only=ascii_only)})"
            if isinstance(item, Alt)
            else write(item, ascii_only=ascii_only)
            for item in node.items
        )
    if isinstance(node, Alt):
        return "|".join(write(item, ascii_only=ascii_only) for item in node.items)
    if isinstance(node, Repeat):
        return _repeat(node, ascii_only=ascii_only)
    if isinstance(node, Group):
        name = f"?P<{node.name}>" if node.name.isidentifier() and node.name.isascii() else ""
        return f"({name}{write(node.item, ascii_only=ascii_only)})"
    if isinstance(node, Set):
        return _ascii_class(node) if ascii_only else _class(node.item, fold=node.fold)
    raise TypeError(node)


def _cased(code: int) -> bool:
    char = chr(code)
    return char.lower() != char or char.upper() != char


def _char(code: int) -> str:
    char = chr(code)
    return char if char == "_" or (char.isascii() and char.isalnum()) else f"\\x{{{code:x}}}"


def _assert(node: Assert, *, ascii_only: bool) -> str:
    plain = _ASSERTS.get(node.kind)
    if plain:
        return plain
    border = _BORDERS.get(node.kind)
    if border is None or (node.wide and not ascii_only):
        raise NotInRe2Error(node.kind)
    return border


def _repeat(node: Repeat, *, ascii_only: bool) -> str:
    item = write(node.item, ascii_only=ascii_only)
    if not isinstance(node.item, Char | Dot | Set | Group) or item.startswith("(?i"):
        item = f"(?:{item})"
    counts = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.low, node.high))
    if counts is None:
        high = "" if node.high is None else f"{node.high}"
        counts = f"{{{node.low}}}" if node.high == node.low else f"{{{node.low},{high}}}"
    return f"{item}{counts}{'' if node.greedy else '?'}"


def _spans(ranges: Ranges) -> str:
    return "".join(_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in ranges)


def _ascii_class(node: Set) -> str:
    """Write a class as the characters of ASCII in it."""
    ranges: list[tuple[int, int]] = []
    for code in range(128):
        if not contains(node.item, code, node.fold):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return f"[{_spans(tuple(ranges))}]" if ranges else _NOTHING


_NOTHING = rf"[^\x00-\x{{{LAST:x}}}]"


def _class(node: Node, *, fold: bool) -> str:
    """Write a class for all texts: by names where it only joins, else by its characters."""
    negated = False
    items: tuple[Node, ...] = (node,)
    if isinstance(node, Union):
        negated, items = node.negated, node.items
    try:
        inner = "".join(_member(item) for item in items)
    except NotInRe2Error:
        found = ranges_of(node, fold)
        return f"[{_spans(found)}]" if found else _NOTHING
    if not inner:
        return "(?s:.)" if negated else _NOTHING
    text = f"[{'^' if negated else ''}{inner}]"
    return f"(?i:{text})" if fold else text


_WORD = r"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}" + _spans((JOINERS, *CIRCLED))
_PERL = {("d", False): r"\p{Nd}", ("d", True): r"\P{Nd}", ("s", False): _spans(SPACES), ("s", True): _spans(others(SPACES)), ("w", False): _WORD}  # fmt: skip
_NARROW = {"d": r"0-9", "s": r"\x{9}-\x{d}\x{20}", "w": r"0-9A-Za-z_"}


def _member(node: Node) -> str:
    if isinstance(node, Span):
        return _spans(((node.low, node.high),))
    if isinstance(node, Union) and not node.negated:
        return "".join(_member(item) for item in node.items)
    if isinstance(node, Named):
        if node.kind == "perl" and node.wide and (node.name, node.negated) in _PERL:
            return _PERL[node.name, node.negated]
        if node.kind == "perl" and not node.wide and not node.negated:
            return _NARROW[node.name]
        if node.kind == "ascii":
            return f"[:{'^' if node.negated else ''}{node.name}:]"
        if (node.kind == "category" and node.name not in ("LC", "Cn")) or node.kind == "script":
            return f"\\{'P' if node.negated else 'p'}{{{node.name}}}"
        if node.kind == "property" and node.name == "space" and not node.negated:
            return _spans(SPACES)
        return _spans(ranges_of(node))
    raise NotInRe2Error
