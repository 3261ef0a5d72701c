"""The token stream that the parsers share, and the errors they raise."""

from __future__ import annotations

from typing import Any

from seawall.kql.errors import Fault
from seawall.kql.lexer import END, NAME, NUMBER, OP, STRING, TYPE_NAMES, Token, tokenize
from seawall.kql.tree import Lit, Param

MAX_DEPTH = 120
"""Nesting of expressions and pipelines; Kusto refuses about this depth too, and Python's stack is safe with it."""


class Cursor:
    """A place in the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def ahead(self, steps: int = 1) -> Token:
        """The token `steps` behind the next one."""
        index = self.at + steps
        return self.tokens[index] if index < len(self.tokens) else self.tokens[-1]

    def fail(self, expected: str, token: Token | None = None) -> Fault:
        """Make a syntax error that says what stood there and what was expected."""
        token = token or self.now
        if token.text == "{" and self.ahead().text == "{":
            # Resource Graph's saved queries (specs b.6).
            return Fault(
                "a shared query, {{...}}, lies in Azure and is not read here",
                token.pos,
                kind="unsupported",
                hint="write the query's own text in its place",
            )
        seen = "the query ends here" if token.kind == END else f"{token.text[:40]!r} cannot stand here"
        return Fault(seen, token.pos, kind="syntax", expected=expected)

    def enter(self) -> None:
        """Count one level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Fault(f"the query is nested more than {MAX_DEPTH} levels deep", self.now.pos, kind="limit")

    def leave(self) -> None:
        """End one level of nesting."""
        self.depth -= 1

    def is_op(self, text: str) -> bool:
        """Tell whether the next token is this operator."""
        token = self.tokens[self.at]
        return token.text == text and token.kind == OP

    def is_word(self, *words: str) -> bool:
        """Tell whether the next token is one of these words."""
        token = self.tokens[self.at]
        return token.kind == NAME and token.text in words

    def accept(self, text: str) -> bool:
        """Step over an operator if it is next."""
        token = self.tokens[self.at]
        if token.text == text and token.kind == OP:
            self.at += 1
            return True
        return False

    def accept_word(self, *words: str) -> str:
        """Step over a word if it is next, and return it."""
        token = self.tokens[self.at]
        if token.kind == NAME and token.text in words:
            self.at += 1
            return token.text
        return ""

    def expect(self, text: str) -> Token:
        """Step over an operator that must be next."""
        token = self.tokens[self.at]
        if token.text == text and token.kind == OP:
            self.at += 1
            return token
        raise self.fail(repr(text))

    def expect_word(self, word: str) -> Token:
        """Step over a word that must be next."""
        token = self.tokens[self.at]
        if token.kind == NAME and token.text == word:
            self.at += 1
            return token
        raise self.fail(repr(word))

    def name(self, what: str = "a name") -> str:
        """Read a name: plain, or `['in brackets']`."""
        token = self.tokens[self.at]
        if token.kind == NAME and token.text[0] != "!" and token.text[-1] != "~":
            self.at += 1
            return token.text
        if token.text == "[" and self.ahead().kind == STRING and self.ahead(2).text == "]":
            self.at += 3
            return str(self.tokens[self.at - 2].value)
        raise self.fail(what)

    def hyphenated(self) -> tuple[str, int]:
        """Return the word that comes next with what is joined to it by hyphens, and its count of tokens."""
        token = self.now
        word, count, end = token.text, 1, token.end
        while True:
            dash, part = self.ahead(count), self.ahead(count + 1)
            if dash.text == "-" and dash.pos == end and part.kind == NAME and part.pos == dash.end:
                word, count, end = f"{word}-{part.text}", count + 2, part.end
            else:
                return word, count

    def type_name(self) -> str:
        """Read a scalar type."""
        token = self.now
        if token.kind == NAME and token.text in TYPE_NAMES:
            self.at += 1
            return TYPE_NAMES[token.text]
        raise self.fail("a type (string, long, int, real, bool, datetime, timespan, guid, decimal, dynamic)")

    def columns(self) -> tuple[tuple[str, str], ...]:
        """Read `(name:type, ...)`."""
        self.expect("(")
        out: list[tuple[str, str]] = []
        while not self.is_op(")"):
            name = self.name("a column name")
            self.expect(":")
            out.append((name, self.type_name()))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(out)

    def option_value(self) -> Any:
        """Read the value of an operator's option: a word, a literal, or `(a, b)`."""
        token = self.now
        if token.kind in (NUMBER, STRING, "typed"):
            self.at += 1
            return token.value
        if self.accept("("):
            depth = 1
            start = self.at
            while depth:
                if self.now.kind == END:
                    raise self.fail("')'")
                depth += {"(": 1, ")": -1}.get(self.now.text, 0)
                self.at += 1
            return self.text[self.tokens[start].pos : self.tokens[self.at - 1].pos]
        if token.kind == NAME:
            word, count = self.hyphenated()
            self.at += count
            while self.is_op(",") and self.ahead().kind == NAME and self.ahead(2).text != "=":
                self.at += 2
                word += "," + self.tokens[self.at - 1].text
            return word
        raise self.fail("a value")

    def options(self, known: dict[str, str]) -> dict[str, Any]:
        """Read `name=value` pairs before an operator's body. `hint.*` and those in `known` are taken.

        `known` maps a name to how it is read: `value` (an option value).
        """
        out: dict[str, Any] = {}
        while self.now.kind == NAME:
            token = self.now
            if token.text == "hint" and self.ahead().text == ".":
                name = f"hint.{self.ahead(2).text}"
                self.at += 3
                self.expect("=")
                out[name] = self.option_value()
            elif token.text in known and self.ahead().text == "=":
                self.at += 2
                out[token.text] = self.option_value()
            else:
                break
        return out


def literal(token: Token) -> Lit:
    """Make the tree's literal of a token."""
    return Lit(token.pos, token.type, token.value)


__all__ = ["Cursor", "Param", "literal"]
