"""The expression language of ARM templates: text to tree, and tree to value.

`[concat('a', variables('b'))]`: function calls, properties, indexes, texts with doubled quotes, integers.
What cannot be known before a deployment is `UNKNOWN`, and so is everything made of it.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final, Protocol

import msgspec


class Unknown:
    """The value that is not known. There is one, `UNKNOWN`."""

    def __repr__(self) -> str:
        """Show a word, not an address."""
        return "UNKNOWN"

    def __deepcopy__(self, memo: dict[int, Any]) -> Unknown:
        """There is one."""
        return self


UNKNOWN: Final = Unknown()

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w]*)|(?P<mark>[()\[\].,?]))"
)
_MAX_DEPTH: Final = 64
_MAX_LENGTH: Final = 64 * 1024


class Literal(msgspec.Struct, frozen=True):
    """A text or a number."""

    value: Any


class Call(msgspec.Struct, frozen=True):
    """A function and its arguments."""

    name: str
    arguments: tuple[Any, ...]


class Member(msgspec.Struct, frozen=True):
    """A property or an index of a value; `safe` for `?.`."""

    target: Any
    key: Any
    safe: bool = False


class ExpressionError(ValueError):
    """An expression that is none, or one that is asked for too much."""


class Scope(Protocol):
    """What functions can ask for."""

    def call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Evaluate a function; arguments are trees, so that `if` evaluates only one of them."""
        ...


def is_expression(text: str) -> bool:
    """Say whether a text of a template is an expression: `[...]`, where `[[` escapes."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Any:
    """Read the expression inside of the brackets.

    Raises:
        ExpressionError: it does not follow the grammar.
    """
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(f"unexpected {text[at : at + 10]!r}")
            self._tokens.append((str(match.lastgroup), match[match.lastgroup or 0]))
            at = match.end()
        self._at = 0

    def whole(self) -> Any:
        tree = self._value(0)
        if self._at != len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._at][1]!r}")
        return tree

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, expected: str = "") -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise ExpressionError("the expression ends too early")
        token = self._tokens[self._at]
        if expected and token[1] != expected:
            raise ExpressionError(f"expected {expected!r}, found {token[1]!r}")
        self._at += 1
        return token

    def _value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise ExpressionError("nested too deeply")
        kind, text = self._take()
        tree: Any
        if kind == "text":
            tree = Literal(text[1:-1].replace("''", "'"))
        elif kind == "number":
            tree = Literal(float(text) if "." in text else int(text))
        elif kind == "word":
            name = text
            while self._peek() == "." and self._dotted_call():
                self._take(".")
                name += "." + self._take()[1]
            self._take("(")
            arguments: list[Any] = []
            while self._peek() != ")":
                arguments.append(self._value(depth + 1))
                if self._peek() != ")":
                    self._take(",")
            self._take(")")
            tree = Call(name.lower(), tuple(arguments))
        else:
            raise ExpressionError(f"unexpected {text!r}")
        return self._members(tree, depth)

    def _dotted_call(self) -> bool:
        # A user function is called as `namespace.name(...)`.
        rest = self._tokens[self._at + 1 : self._at + 3]
        return len(rest) == 2 and rest[0][0] == "word" and rest[1][1] == "("

    def _members(self, tree: Any, depth: int) -> Any:
        while (mark := self._peek()) in {".", "[", "?"}:
            safe = mark == "?"
            if safe:
                self._take("?")
                if self._peek() not in {".", "["}:
                    raise ExpressionError("expected a property behind '?'")
            if self._peek() == ".":
                self._take(".")
                safe = safe or (self._peek() == "?" and bool(self._take("?")))
                kind, text = self._take()
                if kind != "word":
                    raise ExpressionError(f"expected a property, found {text!r}")
                tree = Member(tree, Literal(text), safe)
            else:
                self._take("[")
                safe = safe or (self._peek() == "?" and bool(self._take("?")))
                tree = Member(tree, self._value(depth + 1), safe)
                self._take("]")
        return tree


def evaluate(tree: Any, scope: Scope) -> Any:
    """Return the value of a tree, or `UNKNOWN`."""
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, Call):
        return scope.call(tree.name, tree.arguments)
    target = evaluate(tree.target, scope)
    key = evaluate(tree.key, scope)
    return member(target, key, safe=tree.safe)


def member(target: Any, key: Any, *, safe: bool = False) -> Any:
    """Return a property (in any case, as ARM takes it) or an item; what is not there is not known."""
    if target is None and safe:
        return None
    if isinstance(target, dict) and isinstance(key, str):
        if key in target:
            return target[key]
        folded = key.lower()
        for name, value in target.items():
            if name.lower() == folded:
                return value
        return None if safe else UNKNOWN
    if isinstance(target, list) and isinstance(key, int) and not isinstance(key, bool):
        if 0 <= key < len(target):
            return target[key]
        return None if safe else UNKNOWN
    return UNKNOWN
