"""The text of a regular expression -> its tree (docs: regex; the dialect of Rust's crate regex).

What that dialect does not have is an error: lookaround, and escapes of letters that mean nothing.
"""

from __future__ import annotations

import re
from typing import Final

from seawall.kql.regex.tree import (
    Alt,
    Assert,
    Cat,
    Char,
    Dot,
    Group,
    Named,
    Node,
    Op,
    Pattern,
    Repeat,
    Set,
    Span,
    Union,
)

MAX_PATTERN: Final = 4000
"""Characters of a pattern."""
MAX_NESTING: Final = 100
MAX_REPEATS: Final = 10
_PLAIN: Final = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_ASSERTS: Final = {
    "A": "text-start",
    "z": "text-end",
    "b": "word",
    "B": "not-word",
    "<": "word-start",
    ">": "word-end",
}
_HALVES: Final = {
    "start": "word-start",
    "end": "word-end",
    "start-half": "half-start",
    "end-half": "half-end",
}
_COUNT: Final = re.compile(r"\{(\d{1,6})(?:(,)(\d{1,6})?)?\}")
_NAME: Final = re.compile(r"[^\W\d][\w.\[\]]*\Z")
_POSIX: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
ASCII_CLASSES: Final = {
    "alnum": "09AZaz", "alpha": "AZaz", "ascii": "\x00\x7f", "blank": "\t\t  ", "cntrl": "\x00\x1f\x7f\x7f", "digit": "09",
    "graph": "!~", "lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "\t\r  ", "upper": "AZ", "word": "09AZ__az",
    "xdigit": "09AFaf",
}  # fmt: skip
"""Pairs of first and last characters (docs: regex, ASCII character classes)."""
_CATEGORIES: Final = {
    "letter": "L", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "casedletter": "LC",
    "modifierletter": "Lm", "otherletter": "Lo", "mark": "M", "nonspacingmark": "Mn", "spacingmark": "Mc", "enclosingmark": "Me",
    "number": "N", "decimalnumber": "Nd", "digit": "Nd", "letternumber": "Nl", "othernumber": "No", "punctuation": "P", "punct": "P",
    "connectorpunctuation": "Pc", "dashpunctuation": "Pd", "openpunctuation": "Ps", "closepunctuation": "Pe",
    "initialpunctuation": "Pi", "finalpunctuation": "Pf", "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm",
    "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So", "separator": "Z", "spaceseparator": "Zs",
    "lineseparator": "Zl", "paragraphseparator": "Zp", "other": "C", "control": "Cc", "cntrl": "Cc", "format": "Cf",
    "surrogate": "Cs", "privateuse": "Co", "unassigned": "Cn",
}  # fmt: skip
"""Long names of general categories, as they are compared: small letters only (UTS 18, UAX 44 LM3)."""
_SHORT: Final = {code.lower(): code for code in (*_CATEGORIES.values(), "L", "M", "N", "P", "S", "Z", "C")}
_PROPERTIES: Final = {
    "uppercase": "upper", "upper": "upper", "lowercase": "lower", "lower": "lower", "whitespace": "space", "wspace": "space",
    "any": "any", "ascii": "ascii", "assigned": "assigned",
}  # fmt: skip


class PatternError(ValueError):
    """A pattern that the dialect does not have, with the place in it."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


class _Flags:
    __slots__ = ("fold", "lazy", "lines", "multi", "verbose", "wide")

    def __init__(self) -> None:
        self.fold = self.multi = self.lines = self.lazy = self.verbose = False
        self.wide = True

    def copy(self) -> _Flags:
        out = _Flags()
        for name in self.__slots__:
            setattr(out, name, getattr(self, name))
        return out


_FLAGS: Final = {"i": "fold", "m": "multi", "s": "lines", "U": "lazy", "u": "wide", "x": "verbose"}


def parse(text: str) -> Pattern:
    """Read a pattern.

    Raises:
        PatternError: it is longer than 4,000 characters, or no expression of the dialect.
    """
    if len(text) > MAX_PATTERN:
        raise PatternError(f"it is longer than {MAX_PATTERN:,} characters", 0)
    reader = _Reader(text)
    node = reader.alternatives(_Flags(), 0)
    if reader.at < len(text):
        raise PatternError("a closing parenthesis has no opening one", reader.at)
    return Pattern(node, reader.groups, reader.names)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.groups = 0
        self.names: dict[str, int] = {}

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self, flags: _Flags) -> None:
        """Pass over space and comments in verbose mode."""
        while flags.verbose and self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end + 1
            elif char.isspace():
                self.at += 1
            else:
                return

    def alternatives(self, flags: _Flags, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise PatternError(f"its parentheses are more than {MAX_NESTING} deep", self.at)
        branches: list[Node] = []
        items: list[Node] = []
        while True:
            self.skip(flags)
            char = self.peek()
            if char in ("", ")"):
                break
            if char == "|":
                self.at += 1
                branches.append(_cat(items))
                items = []
            elif char in "*+?" or (char == "{" and _COUNT.match(self.text, self.at)):
                self.repeat(items, flags)
            else:
                item = self.atom(flags, depth)
                if item is not None:
                    items.append(item)
        branches.append(_cat(items))
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def repeat(self, items: list[Node], flags: _Flags) -> None:
        start = self.at
        if not items:
            raise PatternError("there is nothing to repeat", start)
        counted = _COUNT.match(self.text, self.at)
        if counted:
            self.at = counted.end()
            low = int(counted[1])
            high = low if not counted[2] else int(counted[3]) if counted[3] else None
            if high is not None and high < low:
                raise PatternError("a repetition ends before it begins", start)
        else:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self.text[self.at]]
            self.at += 1
        self.skip(flags)
        lazy = self.peek() == "?"
        self.at += lazy
        inner, depth = items[-1], 0
        while isinstance(inner, Repeat):
            inner, depth = inner.item, depth + 1
        if depth >= MAX_REPEATS:
            raise PatternError("repetitions of repetitions are too many", start)
        items[-1] = Repeat(items[-1], low, high, lazy == flags.lazy)

    def atom(self, flags: _Flags, depth: int) -> Node | None:
        char = self.text[self.at]
        if char == "(":
            return self.group(flags, depth)
        if char == "[":
            return Set(self.bracket(flags, 0), flags.fold)
        if char == "\\":
            return self.escape(flags)
        self.at += 1
        if char == ".":
            return Dot(flags.lines)
        if char == "^":
            return Assert("line-start" if flags.multi else "text-start")
        if char == "$":
            return Assert("line-end" if flags.multi else "text-end")
        return Char(ord(char), flags.fold)

    def group(self, flags: _Flags, depth: int) -> Node | None:
        start = self.at
        self.at += 1
        inner = flags.copy()
        name, captures = "", True
        if self.peek() == "?":
            captures = False
            rest = self.text[self.at + 1 : self.at + 3]
            if rest[:1] in ("=", "!") or rest in ("<=", "<!"):
                raise PatternError("regular expressions here know no lookaround", start)
            if rest[:1] == "<" or rest == "P<":
                self.at += 2 if rest[:1] == "<" else 3
                name, captures = self.name(start), True
            else:
                self.at += 1
                if not self.flags(inner, start):
                    for flag in _Flags.__slots__:
                        setattr(flags, flag, getattr(inner, flag))
                    return None
        index = 0
        if captures:
            self.groups += 1
            index = self.groups
            if name:
                self.names[name] = index
        node = self.alternatives(inner, depth + 1)
        if self.peek() != ")":
            raise PatternError("a parenthesis is not closed", start)
        self.at += 1
        return Group(index, name, node) if captures else node if isinstance(node, Alt) else Cat((node,))

    def name(self, start: int) -> str:
        end = self.text.find(">", self.at)
        name = self.text[self.at : max(end, self.at)]
        if end < 0 or not _NAME.match(name):
            raise PatternError("this is no name of a group", start)
        if name in self.names:
            raise PatternError(f"two groups have the name {name!r}", start)
        self.at = end + 1
        return name

    def flags(self, flags: _Flags, start: int) -> bool:
        """Read `i-s:` or `i-s)`; tells whether an expression follows."""
        value = True
        while True:
            char = self.peek()
            self.at += 1
            if char in (":", ")"):
                return char == ":"
            if char == "-" and value:
                value = False
            elif char in _FLAGS and char:
                setattr(flags, _FLAGS[char], value)
            elif char == "R":
                raise PatternError("the flag R (line ends of two characters) is not supported here", start)
            else:
                raise PatternError("this is no flag of a group", start)

    # --- escapes ---------------------------------------------------------------------------------------------

    def escape(self, flags: _Flags) -> Node:
        start = self.at
        char = self.text[start + 1 : start + 2]
        if char in _ASSERTS and char:
            self.at += 2
            half = re.compile(r"\{(start|end)(-half)?\}").match(self.text, self.at) if char == "b" else None
            if half:
                self.at = half.end()
                return Assert(_HALVES[half[0][1:-1]], flags.wide)
            return Assert(_ASSERTS[char], flags.wide)
        item = self.member(flags)
        return Char(item, flags.fold) if isinstance(item, int) else Set(item, flags.fold)

    def member(self, flags: _Flags) -> int | Node:
        """Read an escape that stands for a character or a class."""
        start = self.at
        char = self.text[start + 1 : start + 2]
        self.at += 2
        if char in ("d", "D", "s", "S", "w", "W"):
            return Named("perl", char.lower(), char.isupper(), flags.wide)
        if char in ("p", "P"):
            return self.property(start, negated=char == "P")
        if char in _PLAIN:
            return _PLAIN[char]
        if char in ("x", "u", "U"):
            return self.hex(start, {"x": 2, "u": 4, "U": 8}[char])
        if char in "01234567" and char:
            while self.at < start + 4 and self.peek() in tuple("01234567"):
                self.at += 1
            return int(self.text[start + 1 : self.at], 8)
        if char and char.isascii() and not char.isalnum():
            return ord(char)
        raise PatternError(f"the escape {self.text[start : start + 2]!r} has no meaning", start)

    def hex(self, start: int, size: int) -> int:
        if self.peek() == "{":
            end = self.text.find("}", self.at)
            digits = self.text[self.at + 1 : max(end, self.at + 1)]
            self.at = end + 1
        else:
            digits = self.text[self.at : self.at + size]
            self.at += size
            if len(digits) < size:
                digits = ""
        if not re.fullmatch(r"[0-9a-fA-F]{1,8}", digits) or int(digits, 16) > 0x10FFFF:
            raise PatternError("this is no hexadecimal number of a character", start)
        return int(digits, 16)

    def property(self, start: int, *, negated: bool) -> Node:
        if self.peek() == "{":
            end = self.text.find("}", self.at)
            body = self.text[self.at + 1 : max(end, self.at + 1)]
            self.at = end + 1
            if end < 0:
                raise PatternError("the name of a class is not closed", start)
        else:
            body = self.peek()
            self.at += 1
        if body.startswith("^"):
            body, negated = body[1:], not negated
        key, mark, value = (part.strip() for part in re.sub(r"!=|:", "=", body).partition("="))
        negated ^= "!=" in body
        loose = re.sub(r"[\s_-]", "", value if mark else key).lower()
        if not mark or re.sub(r"[\s_-]", "", key).lower() in ("gc", "generalcategory"):
            category = _CATEGORIES.get(loose) or _SHORT.get(loose)
            if category:
                return Named("category", category, negated)
        if not mark and loose in _PROPERTIES:
            return Named("property", _PROPERTIES[loose], negated)
        if (
            loose.isalpha()
            and len(loose) > 2
            and (not mark or re.sub(r"[\s_-]", "", key).lower() in ("sc", "script"))
        ):
            name = "_".join(word.capitalize() for word in re.split(r"[\s_-]+", value if mark else key))
            return Named("script", name, negated)
        raise PatternError(f"the class {body!r} is not known here", start)

    # --- brackets --------------------------------------------------------------------------------------------

    def bracket(self, flags: _Flags, depth: int) -> Node:
        start = self.at
        if depth > MAX_NESTING:
            raise PatternError(f"its classes are more than {MAX_NESTING} deep", start)
        self.at += 1
        self.skip(flags)
        negated = self.peek() == "^"
        self.at += negated
        self.skip(flags)
        items: list[Node] = []
        left: Node | None = None
        op = ""
        while self.peek() == "-" and not self.text.startswith("--", self.at):
            items.append(Span(45, 45))
            self.at += 1
        if self.peek() == "]" and not items:  # the first of a class stands for itself
            items.append(Span(93, 93))
            self.at += 1
        while True:
            self.skip(flags)
            char = self.peek()
            if not char:
                raise PatternError("a class of characters is not closed", start)
            if char == "]":
                self.at += 1
                break
            posix = _POSIX.match(self.text, self.at)
            if posix and posix[2] in ASCII_CLASSES:
                self.at = posix.end()
                items.append(Named("ascii", posix[2], bool(posix[1])))
            elif char == "[":
                items.append(self.bracket(flags, depth + 1))
            elif self.text[self.at : self.at + 2] in ("&&", "--", "~~") and (
                left is not None or items or char == "&"
            ):
                right = Union(tuple(items))
                left = right if left is None else Op(op, left, right)
                op, items = self.text[self.at : self.at + 2], []
                self.at += 2
            else:
                items.append(self.range(flags, start))
        whole: Node = Union(tuple(items)) if left is None else Op(op, left, Union(tuple(items)))
        if isinstance(whole, Union):
            return Union(whole.items, negated)
        return Union((whole,), negated)

    def single(self, flags: _Flags) -> int | Node:
        if self.peek() == "\\":
            return self.member(flags)
        self.at += 1
        return ord(self.text[self.at - 1])

    def range(self, flags: _Flags, start: int) -> Node:
        place = self.at
        low = self.single(flags)
        if not isinstance(low, int):
            return low
        self.skip(flags)
        following = self.text[self.at : self.at + 2]
        if following[:1] != "-" or following in ("-]", "--") or len(following) < 2:
            return Span(low, low)
        self.at += 1
        self.skip(flags)
        high = self.single(flags)
        if not isinstance(high, int) or high < low:
            raise PatternError("this is no range of characters", place if high else start)
        return Span(low, high)


def _cat(items: list[Node]) -> Node:
    return items[0] if len(items) == 1 else Cat(tuple(items))
