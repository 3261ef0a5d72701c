"""Text -> tokens, with one regular expression. No pattern in it can backtrack over more than one token."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import msgspec

from seawall.kql import temporal
from seawall.kql.errors import Fault

NAME: Final = "name"
NUMBER: Final = "number"
STRING: Final = "string"
OP: Final = "op"
TYPED: Final = "typed"
END: Final = "end"

MAX_TEXT = 1 << 20
"""A query is at most a megabyte of text."""


class Token(msgspec.Struct, gc=False, frozen=True):
    """One token: `text` as it stands (names, operators), `value` and `type` of literals, offset of both ends."""

    kind: str
    text: str
    pos: int
    end: int
    type: str = ""
    value: object = None


TYPE_NAMES: dict[str, str] = {
    "bool": "bool",
    "boolean": "bool",
    "int": "int",
    "int32": "int",
    "long": "long",
    "int64": "long",
    "real": "real",
    "double": "real",
    "decimal": "decimal",
    "string": "string",
    "datetime": "datetime",
    "date": "datetime",
    "timespan": "timespan",
    "time": "timespan",
    "guid": "guid",
    "uuid": "guid",
    "uniqueid": "guid",
    "dynamic": "dynamic",
}
"""Spelling of a type -> its canonical name."""

_SCAN = re.compile(
    r"""
    (?P<space>[\s\ufeff\u200b]+|//[^\n]*)
  | (?P<typed>(?:datetime|date|timespan|time|guid|uuid|uniqueid|bool|boolean|int|int32|long|int64|real|double|decimal)\b\s*\(\s*
        (?:"[^"\n]*"|'[^'\n]*'|[^()'"\n]*)\s*\))
  | (?P<string>[hH]?(?:@"(?:[^"]|"")*"|@'(?:[^']|'')*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|[hH]?```.*?```|[hH]?~~~.*?~~~)
  | (?P<hex>0[xX][0-9a-fA-F]+\b)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?P<unit>[A-Za-z_]\w*)?
  | (?P<name>(?:!\w+~?)|[A-Za-z_$@]\w*(?:~(?!~))?)
  | (?P<op>=~|!~|==|!=|<>|<=|>=|=>|<\||\.\.|[|;,()\[\]{}:=<>+\-*/%.?@!~])
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0",
    "\\": "\\", '"': '"', "'": "'",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)


def _unescape(match: re.Match[str]) -> str:
    body = match[1]
    if body in _ESCAPES:
        return _ESCAPES[body]
    if body[0] in "uUx" and len(body) > 1:
        code = int(body[1:], 16)
        if code > 0x10FFFF:
            raise ValueError(body)
        return chr(code)
    if body[0] in "01234567":
        return chr(int(body, 8))
    raise ValueError(body)


def _string(text: str, pos: int) -> str:
    body = text[1:] if text[0] in "hH" else text
    if body[:3] in ("```", "~~~"):
        return body[3:-3]
    if body[0] == "@":
        quote = body[1]
        return body[2:-1].replace(quote * 2, quote)
    inner = body[1:-1]
    if "\\" not in inner:
        return inner
    try:
        value = _ESCAPE.sub(_unescape, inner)
        # A pair of \u escapes may stand for one character beyond the first plane.
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except (ValueError, UnicodeDecodeError):
        raise Fault("this string has an escape that is not known", pos, kind="syntax", expected='\\n, \\t, \\", \\\\, \\uXXXX ... (or @"..." for a string without escapes)') from None  # fmt: skip


_NOW = re.compile(r"date(?:time)?\s*\(\s*\)")
"""`datetime()` is the current time (docs: the datetime data type)."""


def tokenize(text: str) -> list[Token]:
    """Cut a query into tokens; the last one is END.

    Raises:
        Fault: a character or a literal that KQL does not have.
    """
    if len(text) > MAX_TEXT:
        raise Fault(f"the query has more than {MAX_TEXT} characters", 0, kind="limit")
    out: list[Token] = []
    add = out.append
    match = _SCAN.match
    pos, size = 0, len(text)
    while pos < size:
        found = match(text, pos)
        if found is None:
            raise _stray(text, pos)
        kind, end = found.lastgroup, found.end()
        if kind == "space":
            pass
        elif kind in ("name", "op"):
            add(Token(NAME if kind == "name" else OP, found[0], pos, end))
        elif kind == "string":
            add(Token(STRING, found[0], pos, end, "string", _string(found[0], pos)))
        elif kind in ("number", "unit"):
            add(_number(text, found, pos))
            end = add.__self__[-1].end  # type: ignore[attr-defined]
        elif kind == "hex":
            value = int(found[0], 16)
            if value >= 1 << 64:
                raise Fault("this number does not fit 64 bits", pos, kind="syntax")
            add(Token(NUMBER, found[0], pos, end, "long", value if value < 1 << 63 else value - (1 << 64)))
        elif _NOW.fullmatch(found[0]):
            out += [Token(NAME, "now", pos, end), Token(OP, "(", pos, end), Token(OP, ")", pos, end)]
        else:
            add(_typed(found[0], pos, end))
        pos = end
    add(Token(END, "", size, size))
    return out


def _stray(text: str, pos: int) -> Fault:
    char = text[pos]
    if char in "\"'`":
        return Fault("this string is not closed", pos, kind="syntax", expected=f"a closing {char}")
    return Fault(f"the character {char!r} has no meaning here", pos, kind="syntax")


def _number(text: str, found: re.Match[str], pos: int) -> Token:
    number, unit = found["number"], found["unit"]
    if unit:
        scale = temporal.UNITS.get(unit)
        if scale is None:
            text = number + unit
            if text.isidentifier() or text.replace("_", "a").isalnum():
                # A name may begin with a digit; a unit is written in small letters (Microsoft's analyser).
                return Token(NAME, text, pos, found.end())
            raise Fault(f"{text!r} is neither a number nor a timespan", pos, kind="syntax", expected="a unit such as d, h, m, s, ms")  # fmt: skip
        ticks = temporal.span_of(number, scale) if len(number) < 40 else None
        if ticks is None:
            raise Fault("this timespan does not fit 64 bits of ticks", pos, kind="syntax")
        return Token(NUMBER, text[pos : found.end()], pos, found.end(), "timespan", ticks)
    if number.isdigit():
        value = int(number) if len(number) < 40 else 1 << 64
        if value >= 1 << 63:
            raise Fault("this number does not fit a long (64 bits)", pos, kind="syntax", expected=f"at most {(1 << 63) - 1}")  # fmt: skip
        return Token(NUMBER, number, pos, found.end(), "long", value)
    return Token(NUMBER, number, pos, found.end(), "real", float(number))


_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_INT = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,19})$")
_REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")


def _typed(text: str, pos: int, end: int) -> Token:
    head, _, tail = text.partition("(")
    word = head.strip()
    type_ = TYPE_NAMES[word]
    raw = tail[:-1].strip()
    body = raw[1:-1] if raw[:1] in ("'", '"') and len(raw) > 1 else raw
    value = typed_value(type_, body)
    if value is INVALID:
        raise Fault(f"{body!r} is not a {type_}", pos, kind="syntax", expected=_FORMS.get(type_, ""))
    return Token(TYPED, text, pos, end, type_, value)


_SPACED = re.compile(r"^(\d{4}) *- *(\d{1,2}) *- *(\d{1,2})")
"""The docs write datetime(2017 - 08 - 01) too."""
_COMMAS = re.compile(r"^(\d{4}) *, *(\d{1,2})(?: *, *(\d{1,2}))?$")
"""A literal may also be two or three numbers: datetime(2025, 6), datetime(2025, 6, 14)."""


def _dashes(found: re.Match[str]) -> str:
    return f"{found[1]}-{found[2]}-{found[3] or 1}"


class _Invalid:
    """No value."""


INVALID: Final = _Invalid()
_FORMS = {
    "datetime": "for example datetime(2026-11-21T08:00:00Z)",
    "timespan": "for example timespan(1.08:30:00) or 90m",
    "guid": "for example guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
    "bool": "true or false",
}


def _decimal(text: str) -> object:
    """Write a decimal without an exponent; INVALID beyond what .NET's SqlDecimal holds."""
    if "e" not in text:
        return text
    exponent = text.partition("e")[2]
    if len(exponent) > 3 or abs(int(exponent)) > 40:
        return INVALID
    return format(Decimal(text), "f")


def typed_value(type_: str, body: str) -> object:
    """Read what stands between the parentheses of a typed literal; INVALID when it is none of its type."""
    lower = body.strip().lower()
    if lower == "null" or (not lower and type_ == "timespan"):
        return None
    if type_ == "datetime":
        ticks = temporal.parse_datetime(_COMMAS.sub(_dashes, _SPACED.sub(r"\1-\2-\3", body)))
        return INVALID if ticks is None else ticks
    if type_ == "timespan":
        ticks = temporal.parse_timespan(body)
        return INVALID if ticks is None else ticks
    if type_ == "guid":
        plain = lower.strip("{}")
        if len(plain) == 32 and plain.isalnum():
            plain = f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"
        return plain if _GUID.match(plain) else INVALID
    if type_ == "bool":
        return {"true": True, "false": False, "1": True, "0": False}.get(lower, INVALID)
    if type_ in ("int", "long"):
        if not _INT.match(lower):
            return INVALID
        number = int(lower, 0) if "x" in lower else int(lower)
        bits = 31 if type_ == "int" else 63
        if lower[:2] == "0x" and 1 << bits <= number < 2 << bits:
            number -= 2 << bits  # hexadecimal digits are the bits themselves: int(0xFFFFFFFF) is -1
        return number if -(1 << bits) <= number < 1 << bits else INVALID
    if type_ == "decimal":
        return _decimal(lower.lstrip("+")) if _REAL.match(lower) else INVALID
    special = {"nan": "nan", "+inf": "inf", "-inf": "-inf", "inf": "inf"}.get(lower)
    if special:
        return float(special)
    return float(lower) if _REAL.match(lower) else INVALID
