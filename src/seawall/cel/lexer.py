"""Text to tokens (langdef.md, "Syntax"; cel-go's CEL.g4 for what that leaves open)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from seawall.cel.errors import Problem


class Token(NamedTuple):
    """`kind` is the symbol itself, or ident, escaped, int, uint, double, string, bytes, end."""

    kind: str
    value: Any
    at: int


_SPACE = re.compile(r"(?:[ \t\r\n\f]+|//[^\n]*)*")
_NUMBER = re.compile(
    r"(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])|(?P<int>0x[0-9a-fA-F]+|[0-9]+)"
)
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile(r"`([A-Za-z0-9_.\-/ ]+)`")
_PREFIX = re.compile(r"(?P<prefix>[rR]?[bB]?|[bB][rR])(?P<quote>\"\"\"|'''|\"|')")
_SYMBOLS = ("==", "!=", "<=", ">=", "&&", "||", *"<>()[]{}.,-!?:+*/%")
_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    '"': '"', "'": "'", "\\": "\\", "?": "?", "`": "`",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\"'\\?`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.?))",
    re.DOTALL,
)
_KEYWORDS = {"true": True, "false": False, "null": None}
RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)


def tokens(text: str) -> list[Token]:
    """Return the tokens of an expression, the last of kind `end`. Raises Problem."""
    found: list[Token] = []
    position, length = 0, len(text)
    while True:
        space = _SPACE.match(text, position)
        position = space.end() if space else position
        if position >= length:
            found.append(Token("end", None, length))
            return found
        char = text[position]
        if char in "rRbB\"'" and (match := _PREFIX.match(text, position)):
            token, position = _string(text, position, match)
        elif match := _IDENT.match(text, position):
            word = match[0]
            if word in _KEYWORDS:
                token = Token("literal", _KEYWORDS[word], position)
            else:
                token = Token("in" if word == "in" else "ident", word, position)
            position = match.end()
        elif char.isdigit() or (char == "." and text[position + 1 : position + 2].isdigit()):
            match = _NUMBER.match(text, position)
            if match is None:
                raise Problem(position, f"Syntax error: token recognition error at: '{char}'")
            token = _number(match, position)
            position = match.end()
        elif char == "`" and (match := _ESCAPED.match(text, position)):
            token = Token("escaped", match[1], position)
            position = match.end()
        else:
            symbol = next((s for s in _SYMBOLS if text.startswith(s, position)), "")
            if not symbol:
                raise Problem(position, f"Syntax error: token recognition error at: '{char}'")
            token = Token(symbol, symbol, position)
            position += len(symbol)
        found.append(token)


def is_reserved(name: str) -> bool:
    """Whether a word may not be used as a variable's name."""
    return name in RESERVED


def _number(match: re.Match[str], at: int) -> Token:
    kind = match.lastgroup or "int"
    text = match[0]
    if kind == "double":
        return Token(kind, float(text), at)
    digits = text.rstrip("uU")
    if len(digits) > 25:  # longer than any 64-bit number: refuse before converting (hostile input)
        raise Problem(at, f"invalid {kind} literal")
    value = int(digits, 16) if digits.startswith("0x") else int(digits)
    if kind == "uint" and value >= 2**64:
        raise Problem(at, "invalid uint literal")
    return Token(kind, value, at)


def _string(text: str, at: int, match: re.Match[str]) -> tuple[Token, int]:
    prefix, quote = match["prefix"].lower(), match["quote"]
    start = match.end()
    raw, is_bytes = "r" in prefix, "b" in prefix
    position = start
    while True:
        if position >= len(text) or (len(quote) == 1 and text[position] in "\r\n"):
            raise Problem(at, f"Syntax error: token recognition error at: '{text[at : at + 20]}'")
        if text.startswith(quote, position):
            break
        position += 2 if text[position] == "\\" and not raw else 1
    body = text[start:position]
    if len(quote) == 3:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    value: str | bytes
    if is_bytes:
        value = body.encode() if raw else _unescape_bytes(body, at)
    else:
        value = body if raw else _unescape(body, at)
    return Token("bytes" if is_bytes else "string", value, at), position + len(quote)


def _unescape(body: str, at: int) -> str:
    if "\\" not in body:
        return body

    def one(match: re.Match[str]) -> str:
        simple, hexa, short, long, octal, _ = match.groups()
        if simple:
            return _SIMPLE[simple]
        digits = hexa or short or long
        if digits is None and octal is None:
            raise Problem(at, f"unable to unescape string: {match[0]}")
        code = int(octal, 8) if octal else int(digits or "0", 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise Problem(at, "invalid unicode code point")
        return chr(code)

    return _ESCAPE.sub(one, body)


def _unescape_bytes(body: str, at: int) -> bytes:
    out = bytearray()
    position = 0
    for match in _ESCAPE.finditer(body):
        out += body[position : match.start()].encode()
        position = match.end()
        simple, hexa, short, long, octal, _ = match.groups()
        if simple:
            out += _SIMPLE[simple].encode()
        elif hexa or octal:
            out.append(int(hexa, 16) if hexa else int(octal, 8))
        else:
            what = "unicode escapes are not for bytes" if short or long else "bad escape"
            raise Problem(at, f"unable to unescape bytes: {what}: {match[0]}")
    return bytes(out + body[position:].encode())
