"""The condition language 2.0 of Azure role assignments (learn.microsoft.com: conditions-format; specs b7).

Three values: true, false, and unknown where an attribute is not ours to know (principals, environment, resources).
An attribute of the request that is absent makes its comparison false.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEPTH = 100
"""Nesting at most; real conditions stay below ten."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<attribute>@(?:Request|Resource|Principal|Environment)\[[^\]]*\])"
    r"|(?P<symbol>&&|\|\||[!(){},])|(?P<word>[A-Za-z0-9_.:+/*$<>-]+))",
    re.IGNORECASE,
)

Value = str | float | bool | tuple["Value", ...]


class Facts(msgspec.Struct, frozen=True):
    """What a condition is asked about: the action and the attributes of the request (names in any case)."""

    action: str
    request: dict[str, Any] = {}
    suboperation: str = ""


class Condition:
    """A parsed condition."""

    def __init__(self, text: str) -> None:
        self.text = text
        parser = _Parser(text)
        self._test = parser.whole()

    def holds(self, facts: Facts) -> bool | None:
        """Return true, false, or None where an attribute is not known here."""
        return self._test(facts)


def like(pattern: str, text: str) -> bool:
    """Match a pattern whose only sign is `*` (any characters, `/` too), in time linear in both."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == text
    if not text.startswith(parts[0]) or len(text) < len(parts[0]) + len(parts[-1]):
        return False
    place, end = len(parts[0]), len(text) - len(parts[-1])
    for part in parts[1:-1]:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return text.endswith(parts[-1]) and place <= end


def _text_like(value: Any, pattern: Any) -> bool:
    # Within string conditions `?` stands for one character.
    source = "".join(
        ".*" if char == "*" else "." if char == "?" else re.escape(char)
        for char in re.sub(r"\*+", "*", str(pattern))
    )
    if "?" not in str(pattern):
        return like(re.sub(r"\*+", "*", str(pattern)), str(value))
    if str(pattern).count("*") > 8:
        raise InputError(f"the pattern {pattern!r} has too many stars")
    return re.fullmatch(source, str(value), re.DOTALL) is not None


def _guid(value: Any) -> str:
    return str(value).replace("-", "").strip("{}").lower()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _moment(value: Any) -> float:
    """Read a time into seconds; one without a zone is UTC, what is none compares false to everything."""
    try:
        found = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return float("nan")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "stringequals": lambda a, b: str(a) == str(b),
    "stringequalsignorecase": lambda a, b: str(a).lower() == str(b).lower(),
    "stringstartswith": lambda a, b: str(a).startswith(str(b)),
    "stringstartswithignorecase": lambda a, b: str(a).lower().startswith(str(b).lower()),
    "stringlike": _text_like,
    "stringlikeignorecase": lambda a, b: _text_like(str(a).lower(), str(b).lower()),
    "guidequals": lambda a, b: _guid(a) == _guid(b),
    "boolequals": lambda a, b: str(a).lower() == str(b).lower(),
    "numericequals": lambda a, b: _number(a) == _number(b),
    "numericgreaterthan": lambda a, b: _number(a) > _number(b),
    "numericgreaterthanequals": lambda a, b: _number(a) >= _number(b),
    "numericlessthan": lambda a, b: _number(a) < _number(b),
    "numericlessthanequals": lambda a, b: _number(a) <= _number(b),
    "datetimeequals": lambda a, b: _moment(a) == _moment(b),
    "datetimegreaterthan": lambda a, b: _moment(a) > _moment(b),
    "datetimegreaterthanequals": lambda a, b: _moment(a) >= _moment(b),
    "datetimelessthan": lambda a, b: _moment(a) < _moment(b),
    "datetimelessthanequals": lambda a, b: _moment(a) <= _moment(b),
}
_QUANTIFIERS = {
    "foranyofanyvalues": (any, any),
    "forallofanyvalues": (all, any),
    "foranyofallvalues": (any, all),
    "forallofallvalues": (all, all),
}


def _operator(word: str) -> Callable[[Any, Any], bool] | None:
    """Return a comparison by its name; `Not` stands inside it (StringNotEquals)."""
    lowered = word.lower()
    if lowered in _OPERATORS:
        return _OPERATORS[lowered]
    for kind in ("string", "guid", "bool", "numeric", "datetime"):
        plain = lowered.replace(f"{kind}not", kind, 1)
        if lowered.startswith(f"{kind}not") and plain in _OPERATORS:
            positive = _OPERATORS[plain]
            return lambda a, b: not positive(a, b)
    return None


class _Parser:
    """Recursive descent: OR of ANDs of negations; a depth limit instead of a stack overflow."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        place = 0
        stripped = text.rstrip()
        while place < len(stripped):
            match = _TOKEN.match(stripped, place)
            if match is None:
                raise InputError(
                    f"the condition cannot be read at character {place}: {stripped[place : place + 20]!r}"
                )
            kind = match.lastgroup or ""
            self.tokens.append((kind, match[kind]))
            place = match.end()
        self.place = 0

    def whole(self) -> Callable[[Facts], bool | None]:
        if not self.tokens:
            raise InputError("the condition is empty")
        test = self.either(0)
        if self.place != len(self.tokens):
            raise InputError(f"the condition goes on where it should end: {self.peek()[1]!r}")
        return test

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.place += 1
        return token

    def expect(self, text: str) -> None:
        kind, found = self.take()
        if kind != "symbol" or found != text:
            raise InputError(f"the condition has {found!r} where {text!r} should stand")

    def either(self, depth: int) -> Callable[[Facts], bool | None]:
        if depth > DEPTH:
            raise InputError("the condition is nested too deeply")
        tests = [self.both(depth)]
        while self.peek()[1].upper() in ("OR", "||"):
            self.take()
            tests.append(self.both(depth))
        return tests[0] if len(tests) == 1 else lambda facts: _any(test(facts) for test in tests)

    def both(self, depth: int) -> Callable[[Facts], bool | None]:
        tests = [self.single(depth)]
        while self.peek()[1].upper() in ("AND", "&&"):
            self.take()
            tests.append(self.single(depth))
        return tests[0] if len(tests) == 1 else lambda facts: _not(_any(_not(test(facts)) for test in tests))

    def single(self, depth: int) -> Callable[[Facts], bool | None]:
        kind, text = self.take()
        if text == "!" or (kind == "word" and text.upper() == "NOT"):
            if depth > DEPTH:
                raise InputError("the condition is nested too deeply")
            inner = self.single(depth + 1)
            return lambda facts: _not(inner(facts))
        if text == "(" and kind == "symbol":
            test = self.either(depth + 1)
            self.expect(")")
            return test
        if kind == "word":
            return self.function(text)
        if kind == "attribute":
            return self.comparison(text)
        raise InputError(f"the condition has {text!r} where a test should stand")

    def function(self, word: str) -> Callable[[Facts], bool | None]:
        lowered = word.lower()
        if lowered in ("exists", "notexists"):
            kind, attribute = self.take()
            if kind != "attribute":
                raise InputError(f"{word} needs an attribute")
            wanted = lowered == "exists"
            return lambda facts: _exists(facts, attribute, wanted)
        if lowered not in ("actionmatches", "suboperationmatches"):
            raise InputError(f"the condition has an unknown function {word!r}")
        value = self.value()
        pattern = str(value[0] if isinstance(value, tuple) and value else value).lower()
        if lowered == "actionmatches":
            return lambda facts: like(pattern, facts.action.lower())
        return lambda facts: like(pattern, facts.suboperation.lower())

    def comparison(self, attribute: str) -> Callable[[Facts], bool | None]:
        _, word = self.take()
        quantifier, colon, name = word.partition(":")
        outer, inner = any, any
        if colon:
            if quantifier.lower() not in _QUANTIFIERS:
                raise InputError(f"the condition has an unknown operator {word!r}")
            outer, inner = _QUANTIFIERS[quantifier.lower()]
        compare = _operator(name if colon else word)
        if compare is None:
            raise InputError(f"the condition has an unknown operator {word!r}")
        right = self.value()

        def test(facts: Facts) -> bool | None:
            left = _attribute(facts, attribute)
            other = _attribute(facts, right[1:]) if isinstance(right, str) and right[:1] == "\0" else right
            if left is None or other is None:
                return None
            if left == () or other == ():
                return False
            lefts = left if isinstance(left, tuple) else (left,)
            others = other if isinstance(other, tuple) else (other,)
            return outer(inner(compare(a, b) for b in others) for a in lefts)

        return test

    def value(self, depth: int = 0) -> Value:
        kind, text = self.take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "attribute":
            return f"\0{text}"
        if kind == "word":
            return text
        if kind == "symbol" and text == "{":
            values: list[Value] = []
            while self.peek() != ("symbol", "}"):
                if depth > DEPTH:
                    raise InputError("the condition is nested too deeply")
                values.append(self.value(depth + 1))
                if self.peek() == ("symbol", ","):
                    self.take()
            self.take()
            return tuple(values)
        raise InputError(f"the condition has {text!r} where a value should stand")


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _any(values: Any) -> bool | None:
    unknown = False
    for value in values:
        if value:
            return True
        unknown = unknown or value is None
    return None if unknown else False


def _attribute(facts: Facts, attribute: str) -> Any:
    """Return a value, () where the request has none, None where it is not ours to know."""
    source, _, name = attribute.rstrip("]").partition("[")
    if source.lower() != "@request":
        return None
    wanted = name.strip().lower()
    known: Mapping[str, Any] = facts.request
    for key, value in known.items():
        if key.lower() == wanted:
            return tuple(value) if isinstance(value, list) else value
    return ()


def _exists(facts: Facts, attribute: str, wanted: bool) -> bool | None:
    value = _attribute(facts, attribute)
    return None if value is None else (value != ()) == wanted
