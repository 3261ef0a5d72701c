"""Calico's selector language, to the letter of its parser (libcalico-go/lib/selector, a0db560f).

`||` binds weaker than `&&`, `!` stands before one operation, an empty text selects everything. Only blanks and tabs
separate tokens, an operator in letters is looked for only after a label, and strings have no escapes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from seawall.core import InputError
from seawall.network.expressions import (
    CONTAINS,
    ENDS,
    EVERYBODY,
    HAS,
    IN,
    POD,
    STARTS,
    Every,
    Expression,
    Non,
    Some,
    Term,
)

_LABEL = r"[a-zA-Z0-9_./-]{1,512}"
_SPACE = r"[ \t\n\f\r]*"
_HAS = re.compile(rf"has\({_SPACE}({_LABEL}){_SPACE}\)")
_ALL = re.compile(rf"all\({_SPACE}\)")
_GLOBAL = re.compile(rf"global\({_SPACE}\)")
_KEY = re.compile(_LABEL)
_AFTER_LABEL = tuple(
    (kind, re.compile(pattern, re.ASCII))
    for kind, pattern in (
        (CONTAINS, "contains"),
        (STARTS, rf"starts{_SPACE}with"),
        (ENDS, rf"ends{_SPACE}with"),
        ("not in", rf"not{_SPACE}in\b"),
        (IN, r"in\b"),
    )
)
_PUNCTUATION = ("==", "!=", "&&", "||", "(", ")", "{", "}", ",", "!")
_END = ("end", "")
_DEEPEST = 100
GLOBAL = Some((Some(),))
"""What `global()` means until it is known where it stands: nobody; told from an empty choice by identity of form."""

Token = tuple[str, str]


@lru_cache(maxsize=16_384)
def parse_selector(text: str, where: str) -> Expression:
    """Read a selector; every label is asked of `pod` (see `bind` in `calico.labels`).

    Raises:
        InputError: it is none, with the place and what was expected.
    """
    tokens = _tokens(text, where)
    if tokens[0] == _END:
        return EVERYBODY
    parser = _Parser(tokens, text, where)
    found = parser.either(0)
    if parser.tokens[parser.at] != _END:
        raise parser.error("unexpected content at the end")
    return found


def _tokens(text: str, where: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while True:
        while at < len(text) and text[at] in " \t":
            at += 1
        if at >= len(text):
            return [*found, _END]
        first = text[at]
        if first in "\"'":
            past = text.find(first, at + 1)
            if past < 0:
                raise InputError(f"{where}: Invalid selector {text!r}: unterminated string")
            found.append(("string", text[at + 1 : past]))
            at = past + 1
            continue
        mark = next((item for item in _PUNCTUATION if text.startswith(item, at)), "")
        if mark:
            found.append((mark, mark))
            at += len(mark)
            continue
        token, length = _word(text, at, after_label=bool(found) and found[-1][0] == "label")
        if not length:
            raise InputError(
                f"{where}: Invalid selector {text!r}: unexpected characters at {text[at : at + 20]!r}"
            )
        found.append(token)
        at += length


def _word(text: str, at: int, *, after_label: bool) -> tuple[Token, int]:
    if after_label:
        for kind, pattern in _AFTER_LABEL:
            hit = pattern.match(text, at)
            if hit:
                return (kind, kind), hit.end() - at
        return _END, 0
    for kind, pattern in (("has", _HAS), ("all", _ALL), ("global", _GLOBAL), ("label", _KEY)):
        hit = pattern.match(text, at)
        if hit:
            return (kind, hit.group(1 if kind == "has" else 0)), hit.end() - at
    return _END, 0


class _Parser:
    """One pass over the tokens; `at` is the next one."""

    def __init__(self, tokens: list[Token], text: str, where: str) -> None:
        self.tokens = tokens
        self.text = text
        self.where = where
        self.at = 0

    def error(self, reason: str) -> InputError:
        return InputError(f"{self.where}: Invalid selector {self.text!r}: {reason}")

    def either(self, depth: int) -> Expression:
        """Read terms joined by `||`."""
        if depth > _DEEPEST:
            raise self.error(f"nested deeper than {_DEEPEST}")
        found = [self._every(depth)]
        while self.tokens[self.at][0] == "||":
            self.at += 1
            found.append(self._every(depth))
        return found[0] if len(found) == 1 else Some(tuple(found))

    def _every(self, depth: int) -> Expression:
        found = [self._operation(depth)]
        while self.tokens[self.at][0] == "&&":
            self.at += 1
            found.append(self._operation(depth))
        return found[0] if len(found) == 1 else Every(tuple(found))

    def _operation(self, depth: int) -> Expression:
        negated = False
        while self.tokens[self.at][0] == "!":
            negated = not negated
            self.at += 1
        kind, value = self.tokens[self.at]
        self.at += 1
        if kind == "has":
            found: Expression = Term(POD, value, HAS)
        elif kind == "all":
            found = EVERYBODY
        elif kind == "global":
            found = GLOBAL
        elif kind == "label":
            found = self._comparison(value)
        elif kind == "(":
            found = self.either(depth + 1)
            if self.tokens[self.at][0] != ")":
                raise self.error("expected )")
            self.at += 1
        else:
            raise self.error(f"unexpected {value or kind!r}")
        return Non(found) if negated else found

    def _comparison(self, key: str) -> Expression:
        operator = self.tokens[self.at][0]
        if operator in {"==", "!=", CONTAINS, STARTS, ENDS}:
            self.at += 1
            kind, value = self.tokens[self.at]
            if kind != "string":
                raise self.error(f"expected a string after {operator}")
            self.at += 1
            if operator in {"==", "!="}:
                equal = Term(POD, key, IN, frozenset({value}))
                return equal if operator == "==" else Non(equal)
            return Term(POD, key, operator, frozenset({value}))
        if operator in {IN, "not in"}:
            self.at += 1
            values = self._values()
            inside = Term(POD, key, IN, values)
            return inside if operator == IN else Non(inside)
        raise self.error(f"expected an operator after {key!r}")

    def _values(self) -> frozenset[str]:
        if self.tokens[self.at][0] != "{":
            raise self.error("expected a set of strings in { }")
        self.at += 1
        values = []
        while self.tokens[self.at][0] == "string":
            values.append(self.tokens[self.at][1])
            self.at += 1
            if self.tokens[self.at][0] != ",":
                break
            self.at += 1
        if self.tokens[self.at][0] != "}":
            raise self.error("expected }")
        self.at += 1
        return frozenset(values)
