"""Field and label selectors of a request, read as apimachinery reads them (pkg/fields, pkg/labels).

A selector that does not parse is ignored, with a sentence: selectors only narrow a request, so leaving one out
asks for more than was meant (pkg/registry/authorization/util/helpers.go, specs b5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from seawall.access.names import label_key_errors, label_value_errors
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R", "FieldRequirement", "LabelRequirement")


class FieldRequirement(msgspec.Struct, frozen=True):
    """`key` equals `value`, or does not."""

    key: str
    value: str
    equal: bool = True

    def as_json(self) -> dict[str, Any]:
        """Write it as a FieldSelectorRequirement."""
        return {"key": self.key, "operator": "In" if self.equal else "NotIn", "values": [self.value]}


class LabelRequirement(msgspec.Struct, frozen=True):
    """One requirement; `operator` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Write it as a LabelSelectorRequirement."""
        written: dict[str, Any] = {"key": self.key, "operator": self.operator}
        if self.values:
            written["values"] = list(self.values)
        return written


class SelectorError(Exception):
    """A selector's text does not parse."""


def parse_fields(text: str) -> tuple[FieldRequirement, ...]:
    """Read `a=b,c!=d`: terms sorted, backslash escapes for backslash, comma and equals sign in values.

    Raises:
        SelectorError: it cannot be understood.
    """
    found = []
    for term in sorted(_terms(text)):
        if not term:
            continue
        split = re.search(r"!=|==|=", term)
        if split is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        key, value = term[: split.start()], _unescape(term[split.end() :])
        if key or value or split[0] == "!=":
            found.append(FieldRequirement(key, value, split[0] != "!="))
    return tuple(found)


def _terms(text: str) -> list[str]:
    terms, start, escaped = [], 0, False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ",":
            terms.append(text[start:index])
            start = index + 1
    return [*terms, text[start:]] if text else []


def _unescape(text: str) -> str:
    out, escaped = [], False
    for char in text:
        if escaped:
            if char not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{char}")
            out.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {char}")
        else:
            out.append(char)
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return "".join(out)


_TOKEN = re.compile(r"[ \t\r\n]*(?:([=!(),<>]+)|([^=!(),<>\x00 \t\r\n]+)|(\x00)|$)")
_SYMBOLS = (")", ",", "!", "==", "=", ">", "<", "!=", "(")
_OPERATORS = {
    "in": "In",
    "notin": "NotIn",
    "=": "In",
    "==": "In",
    "!=": "NotIn",
    ">": "Gt",
    "<": "Lt",
}


def _tokens(text: str) -> list[tuple[str, str]]:
    """Split into (kind, text): kind is `id` for words, the symbol itself else, `end` at the end."""
    tokens: list[tuple[str, str]] = []
    place = 0
    while match := _TOKEN.match(text, place):
        place = match.end()
        symbols, word = match[1], match[2]
        if word:
            tokens.append(("id", word))
        elif symbols:
            # The longest symbol first; the lexer goes on behind it ("!=" before "!").
            first = symbols[:2] if symbols[:2] in _SYMBOLS else symbols[0]
            place = match.start(1) + len(first)
            tokens.append((first, first))
        else:
            break
    tokens.append(("end", ""))
    return tokens


class _LabelParser:
    """The grammar of label selectors (pkg/labels/selector.go: Parser), one requirement after another."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    def parse(self) -> tuple[LabelRequirement, ...]:
        found: list[LabelRequirement] = []
        while True:
            kind, text = self.peek()
            if kind == "end":
                break
            if kind not in ("id", "!"):
                raise SelectorError(f"found '{text}', expected: !, identifier, or 'end of string'")
            found.append(self.requirement())
            kind, text = self.take()
            if kind == "end":
                break
            if kind != ",":
                raise SelectorError(f"found '{text}', expected: ',' or 'end of string'")
            kind, text = self.peek()
            if kind not in ("id", "!"):
                raise SelectorError(f"found '{text}', expected: identifier after ','")
        return tuple(sorted(found, key=lambda each: each.key))

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place]

    def take(self) -> tuple[str, str]:
        token = self.tokens[self.place]
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def requirement(self) -> LabelRequirement:
        kind, key = self.take()
        absent = kind == "!"
        if absent:
            kind, key = self.take()
        if kind != "id":
            raise SelectorError(f"found '{key}', expected: identifier")
        if errors := label_key_errors(key):
            raise SelectorError("; ".join(errors))
        if absent:
            return LabelRequirement(key, "DoesNotExist")
        if self.peek()[0] in ("end", ","):
            return LabelRequirement(key, "Exists")
        _, text = self.take()
        operator = _OPERATORS.get(text)
        if operator is None:
            raise SelectorError(f"found '{text}', expected: in, notin, =, ==, !=, gt, lt")
        values = self.values() if text in ("in", "notin") else self.exact()
        for value in values:
            if errors := label_value_errors(value):
                raise SelectorError("; ".join(errors))
            if operator in ("Gt", "Lt") and not re.fullmatch(r"[+-]?[0-9]{1,19}", value):
                raise SelectorError("for 'Gt', 'Lt' operators, the value must be an integer")
        return LabelRequirement(key, operator, values)

    def exact(self) -> tuple[str, ...]:
        if self.peek()[0] in ("end", ","):
            return ("",)
        kind, text = self.take()
        if kind != "id":
            raise SelectorError(f"found '{text}', expected: identifier")
        return (text,)

    def values(self) -> tuple[str, ...]:
        kind, text = self.take()
        if kind != "(":
            raise SelectorError(f"found '{text}' expected: '('")
        found: set[str] = set()
        kind, text = self.peek()
        if kind == ")":
            self.take()
            return ("",)
        if kind not in ("id", ","):
            raise SelectorError(f"found '{text}', expected: ',', ')' or identifier")
        while True:
            kind, text = self.take()
            if kind == "id":
                found.add(text)
                kind, text = self.peek()
                if kind == ")":
                    break
                if kind != ",":
                    raise SelectorError(f"found '{text}', expected: ',' or ')'")
            elif kind == ",":
                if not found:
                    found.add("")
                kind, _ = self.peek()
                if kind == ")":
                    found.add("")
                    break
                if kind == ",":
                    self.take()
                    found.add("")
            else:
                raise SelectorError(f"found '{text}', expected: ',', or identifier")
        self.take()
        return tuple(sorted(found))


def parse_labels(text: str) -> tuple[LabelRequirement, ...]:
    """Read `a=b,c in (d,e),!f`, sorted by key as the API server does.

    Raises:
        SelectorError: it cannot be understood.
    """
    return _LabelParser(text).parse()


def field_selector(given: dict[str, Any] | None, where: str) -> tuple[tuple[FieldRequirement, ...], str]:
    """Read a FieldSelectorAttributes; return the requirements and what was ignored of it.

    Raises:
        InputError: the API server would refuse the review.
    """
    return _selector(given, where, parse_fields, _field_requirement)


def label_selector(given: dict[str, Any] | None, where: str) -> tuple[tuple[LabelRequirement, ...], str]:
    """Read a LabelSelectorAttributes; return the requirements and what was ignored of it.

    Raises:
        InputError: the API server would refuse the review.
    """
    return _selector(given, where, parse_labels, _label_requirement)


def _selector(
    given: dict[str, Any] | None,
    where: str,
    parse: Callable[[str], tuple[R, ...]],
    read: Callable[[str, str, list[str], str], R | None],
) -> tuple[tuple[R, ...], str]:
    """Read a selector: its text by `parse`, or its requirements by `read`, which returns None for what is ignored."""
    if given is None:
        return (), ""
    raw, listed = _selector_parts(given, where)
    if raw:
        try:
            return parse(raw), ""
        except SelectorError:
            return (), f"{where} ignored due to parse error"
    places = [f"{where}.requirements[{index}]" for index in range(len(listed))]
    read_ones = [read(*_requirement(item, place), place) for item, place in zip(listed, places, strict=True)]
    found = tuple(each for each in read_ones if each is not None)
    return found, _ignored(where, bool(found)) if len(found) < len(listed) else ""


def _field_requirement(key: str, operator: str, values: list[str], where: str) -> FieldRequirement | None:
    if not key:
        raise InputError(f"{where}.key: Required value: must be specified")
    if operator in ("In", "NotIn") and len(values) == 1:
        return FieldRequirement(key, values[0], operator == "In")
    return None


def _label_requirement(key: str, operator: str, values: list[str], where: str) -> LabelRequirement | None:
    if errors := label_key_errors(key):
        raise InputError(f"{where}.key: Invalid value: {errors[0]}")
    for each in values:
        if errors := label_value_errors(each):
            raise InputError(f"{where}.values: Invalid value: {errors[0]}")
    if operator in ("In", "NotIn", "Exists", "DoesNotExist"):
        return LabelRequirement(key, operator, tuple(values))
    return None


def _ignored(where: str, partly: bool) -> str:
    return f"{where} {'partially ' if partly else ''}ignored due to parse error"


def _selector_parts(given: dict[str, Any], where: str) -> tuple[str, list[Any]]:
    raw = given.get("rawSelector") or ""
    listed = given.get("requirements") or []
    if not isinstance(raw, str) or not isinstance(listed, list):
        raise InputError(f"{where} needs a text rawSelector or a list of requirements")
    if raw and listed:
        raise InputError(f"{where}.rawSelector: may not specified at the same time as requirements")
    if not raw and not listed:
        raise InputError(
            f"{where}.requirements: Required value: when {where} is specified, requirements or rawSelector "
            "is required"
        )
    return raw, listed


def _requirement(item: Any, where: str) -> tuple[str, str, list[str]]:
    if not isinstance(item, dict):
        raise InputError(f"{where} is not an object")
    key, operator, values = item.get("key") or "", item.get("operator") or "", item.get("values") or []
    if (
        not isinstance(key, str)
        or not isinstance(operator, str)
        or not isinstance(values, list)
        or not all(isinstance(value, str) for value in values)
    ):
        raise InputError(f"{where} needs a text key, a text operator and a list of texts as values")
    if operator in ("In", "NotIn") and not values:
        raise InputError(
            f"{where}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
        )
    if operator in ("Exists", "DoesNotExist") and values:
        raise InputError(
            f"{where}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        )
    return key, operator, values
