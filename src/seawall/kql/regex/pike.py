"""Matching by a virtual machine, for what RE2 cannot do: borders of words beyond ASCII.

Thompson's construction with captures as R. Cox describes it ("Regular Expression Matching: the Virtual Machine
Approach", 2009): all ways are followed side by side, so the time is at most the pattern's size times the text's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from seawall.kql.regex.parse import parse
from seawall.kql.regex.sets import cases, contains, is_word
from seawall.kql.regex.tree import Alt, Assert, Cat, Char, Dot, Group, Node, Repeat, Set

MAX_PROGRAM: Final = 20_000
MAX_STEPS: Final = 1_000_000
"""Ways times characters that one call follows, about four seconds: a machine in Python cannot be stopped within a row."""
CHAR, SPLIT, JUMP, SAVE, PLACE, MATCH = range(6)
Instruction = tuple[int, object, object]
Spans = list[int | None]


class TooLargeError(ValueError):
    """The pattern repeats too much, or a text is too long for it."""


class Program:
    """A compiled pattern: instructions and the number of its groups."""

    def __init__(self, pattern: str) -> None:
        tree = parse(pattern)
        self.groups = tree.groups
        self.code: list[Instruction] = []
        self._emit(tree.node)
        self.code.append((MATCH, None, None))
        self._known: dict[tuple[int, int], bool] = {}

    def _add(self, kind: int, x: object = None, y: object = None) -> int:
        if len(self.code) >= MAX_PROGRAM:
            raise TooLargeError("a regular expression that repeats this much is not answered here")
        self.code.append((kind, x, y))
        return len(self.code) - 1

    def _emit(self, node: Node) -> None:
        if isinstance(node, Char | Dot | Set):
            self._add(CHAR, node)
        elif isinstance(node, Assert):
            self._add(PLACE, node)
        elif isinstance(node, Cat):
            for item in node.items:
                self._emit(item)
        elif isinstance(node, Group):
            self._add(SAVE, 2 * node.index)
            self._emit(node.item)
            self._add(SAVE, 2 * node.index + 1)
        elif isinstance(node, Alt):
            self._alternatives(node)
        elif isinstance(node, Repeat):
            self._repeat(node)

    def _alternatives(self, node: Alt) -> None:
        ends: list[int] = []
        for item in node.items[:-1]:
            split = self._add(SPLIT)
            self._emit(item)
            ends.append(self._add(JUMP))
            self.code[split] = (SPLIT, split + 1, len(self.code))
        self._emit(node.items[-1])
        for end in ends:
            self.code[end] = (JUMP, len(self.code), None)

    def _repeat(self, node: Repeat) -> None:
        if node.high is None:
            self._endless(node)
            return
        for _ in range(node.low):
            self._emit(node.item)
        splits: list[int] = []
        for _ in range(node.high - node.low):
            splits.append(self._add(SPLIT))
            self._emit(node.item)
        for split in splits:
            self._split(split, split + 1, len(self.code), node.greedy)

    def _endless(self, node: Repeat) -> None:
        """Repeat without an end; x* is (x+)? where x may be empty, so that both prefer the same."""
        optional = -1
        if node.low == 0:
            optional = self._add(SPLIT)
            if not _may_be_empty(node.item):
                self._emit(node.item)
                self._add(JUMP, optional)
                self._split(optional, optional + 1, len(self.code), node.greedy)
                return
        for _ in range(node.low - 1):
            self._emit(node.item)
        start = len(self.code)
        self._emit(node.item)
        again = self._add(SPLIT)
        self._split(again, start, again + 1, node.greedy)
        if optional >= 0:
            self._split(optional, start, again + 1, node.greedy)

    def _split(self, at: int, into: int, out: int, greedy: bool) -> None:
        self.code[at] = (SPLIT, into, out) if greedy else (SPLIT, out, into)

    # --- matching --------------------------------------------------------------------------------------------

    def search(self, text: str, start: int = 0) -> Spans | None:
        """Find the first match from a place on: the places of the groups' starts and ends, the whole first."""
        return self._search(text, start, [MAX_STEPS])

    def _search(self, text: str, start: int, left: list[int]) -> Spans | None:
        found: Spans | None = None
        threads: list[tuple[int, tuple[int | None, ...]]] = []
        blank: tuple[int | None, ...] = (None,) * (2 * self.groups + 2)
        size = len(text)
        for at in range(start, size + 1):
            if found is None:
                self._follow(threads, {pc for pc, _ in threads}, 0, (at, *blank[1:]), text, at)
            elif not threads:
                break
            left[0] -= len(threads) + 1
            if left[0] < 0:
                raise TooLargeError("a text this long is not answered with this regular expression here")
            following: list[tuple[int, tuple[int | None, ...]]] = []
            seen: set[int] = set()
            code = ord(text[at]) if at < size else -1
            for pc, spans in threads:
                kind, node, _ = self.code[pc]
                if kind == MATCH:
                    found = [spans[0], at, *spans[2:]]
                    break
                if code >= 0 and self._fits(pc, node, code):
                    self._follow(following, seen, pc + 1, spans, text, at + 1)
            threads = following
        return found

    def _follow(
        self,
        threads: list[tuple[int, tuple[int | None, ...]]],
        seen: set[int],
        pc: int,
        spans: tuple[int | None, ...],
        text: str,
        at: int,
    ) -> None:
        """Add the thread at `pc` and all that it leads to without a character, the preferred first."""
        stack = [(pc, spans)]
        while stack:
            pc, spans = stack.pop()
            if pc in seen:
                continue
            seen.add(pc)
            kind, x, y = self.code[pc]
            if kind == JUMP:
                stack.append((x, spans))  # type: ignore[arg-type]
            elif kind == SPLIT:
                stack.append((y, spans))  # type: ignore[arg-type]
                stack.append((x, spans))  # type: ignore[arg-type]
            elif kind == SAVE:
                place: int = x  # type: ignore[assignment]
                stack.append((pc + 1, (*spans[:place], at, *spans[place + 1 :])))
            elif kind == PLACE:
                if _holds(x, text, at):  # type: ignore[arg-type]
                    stack.append((pc + 1, spans))
            else:
                threads.append((pc, spans))

    def _fits(self, pc: int, node: object, code: int) -> bool:
        key = (pc, code)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _fits(node, code)
        return known

    def matches(self, text: str) -> list[Spans]:
        """Find all matches, none over another; an empty one not right after another match."""
        out: list[Spans] = []
        at, last = 0, -1
        left = [MAX_STEPS]
        while at <= len(text):
            found = self._search(text, at, left)
            if found is None:
                break
            begin, end = found[0] or 0, found[1] or 0
            if begin == end == last:
                at = end + 1
                continue
            out.append(found)
            last = end
            at = end + 1 if begin == end else end
        return out


def _may_be_empty(node: Node) -> bool:
    if isinstance(node, Cat):
        return all(map(_may_be_empty, node.items))
    if isinstance(node, Alt):
        return any(map(_may_be_empty, node.items))
    if isinstance(node, Repeat):
        return node.low == 0 or _may_be_empty(node.item)
    return _may_be_empty(node.item) if isinstance(node, Group) else isinstance(node, Assert)


def _fits(node: object, code: int) -> bool:
    if isinstance(node, Dot):
        return node.lines or code != 10
    if isinstance(node, Char):
        return node.code == code or (node.fold and code in cases(node.code))
    return isinstance(node, Set) and contains(node.item, code, node.fold)


def _holds(node: Assert, text: str, at: int) -> bool:
    kind = node.kind
    if kind == "text-start":
        return at == 0
    if kind == "text-end":
        return at == len(text)
    if kind == "line-start":
        return at == 0 or text[at - 1] == "\n"
    if kind == "line-end":
        return at == len(text) or text[at] == "\n"
    before = at > 0 and _word(text[at - 1], node.wide)
    after = at < len(text) and _word(text[at], node.wide)
    return {
        "word": before != after,
        "not-word": before == after,
        "word-start": after and not before,
        "word-end": before and not after,
        "half-start": not before,
        "half-end": not after,
    }[kind]


def _word(char: str, wide: bool) -> bool:
    return is_word(ord(char)) if wide else char.isascii() and (char.isalnum() or char == "_")


@lru_cache(128)
def program(pattern: str) -> Program:
    """Compile a pattern, once.

    Raises:
        TooLargeError: it repeats too much.
    """
    return Program(pattern)
