"""JSON as such: read by msgspec, held to the rules of Kubernetes' own JSON reader (sigs.k8s.io/json, strict).

Integers that fit 64 bits with sign are integers, all other numbers floats; duplicate keys are refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from seawall.core.errors import InputError
from seawall.core.location import Location
from seawall.sources.yaml.limits import MAX_DEPTH, MAX_JSON_STRING
from seawall.sources.yaml.scalars import INT64_MAX, INT64_MIN

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode

_DIGITS: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_SPACED_KEY: Final = re.compile(rb'"\s+:')
_QUOTED_MARKS: Final = re.compile(rb"\\u00(?:22|3[aA])")
_OPENING: Final = (b"{", b"[")
_BLANKS: Final = (b" ", b"\n", b"\r", b"\t")
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_PLACE: Final = re.compile(r" \((?:byte \d+|char \d+)\)$")
_WHITE: Final = re.compile(r"[ \t\n\r]*")


class _DuplicateKeyError(ValueError):
    pass


def looks_like_json(data: bytes) -> bool:
    """Say whether the first character that is not white opens an object or a list."""
    return data[:1] in _OPENING or (data[:1] in _BLANKS and data.lstrip()[:1] in _OPENING)


def load_stream(data: bytes, file: str) -> list[Any]:
    """Read one JSON value, or several one after another (`{}{}`, or one a line).

    Raises:
        InputError: with the place; `code` is `bad-json`.
    """
    try:
        value = _decode(data)
    except RecursionError:
        raise InputError(
            f"nested more than {MAX_DEPTH} levels deep", location=Location(file), code="bad-json"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _load_slowly(data, file, str(error))
    if b"0" * 19 in data.translate(_DIGITS):
        value = _numbers(value)
    if _may_be_deep(data):
        check_depth(value, file)
    if len(data) > MAX_JSON_STRING:
        _check_strings(value, file)
    if _has_duplicates(data, value):
        return _load_slowly(data, file, "")
    return [value]


def _has_duplicates(data: bytes, value: Any) -> bool:
    r"""Say whether a key may have been lost: msgspec keeps the last of two equal keys without a word.

    A key is a `":` in the text. Written again, the value has as many as it has keys, plus those inside of
    strings, which are escaped in the same way in both texts unless they were written as \\u0022 or \\u003a.
    """
    if _QUOTED_MARKS.search(data) or _SPACED_KEY.search(data):
        return True
    return data.count(b'":') != _encode(value).count(b'":')


def _load_slowly(data: bytes, file: str, problem: str) -> list[Any]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _error(f"byte {data[error.start]:#04x} is not UTF-8", data, error.start, file) from None
    decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)
    values: list[Any] = []
    at = _end(text, 0)
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            check_depth(value, file)
            values.append(_numbers(value))
            at = _end(text, at)
    except json.JSONDecodeError as error:
        match = _BYTE.search(problem)
        place = int(match[1]) if match and not values else len(text[: error.pos].encode())
        raise _error(
            _PLACE.sub("", problem) if match and not values else error.msg, data, place, file
        ) from None
    except _DuplicateKeyError as error:
        place = data.rfind(b'"' + str(error).encode() + b'"')
        raise _error(f"key {str(error)!r} already set in object", data, max(place, 0), file) from None
    except (ValueError, RecursionError) as error:
        message = (
            f"nested more than {MAX_DEPTH} levels deep" if isinstance(error, RecursionError) else str(error)
        )
        raise InputError(message, location=Location(file), code="bad-json") from None
    return values


def _end(text: str, at: int) -> int:
    match = _WHITE.match(text, at)
    return match.end() if match else at


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _numbers(value: Any) -> Any:
    """Make floats of the integers that do not fit 64 bits with sign."""
    if isinstance(value, dict):
        return {key: _numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    if isinstance(value, int) and not isinstance(value, bool) and not INT64_MIN <= value <= INT64_MAX:
        try:
            return float(value)
        except OverflowError:
            raise ValueError("a number is too large for 64 bits") from None
    return value


def _may_be_deep(data: bytes) -> bool:
    """Peel pairs of brackets from the inside; what is gone after a few dozen rounds is not deep."""
    rest = data.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH // 2):
        if not rest:
            return False
        peeled = rest.replace(b"[]", b"").replace(b"{}", b"")
        if len(peeled) == len(rest):
            return True  # brackets inside of strings: look at the value itself
        rest = peeled
    return True


def check_depth(value: Any, file: str) -> None:
    """Refuse what is nested deeper than `MAX_DEPTH`.

    Raises:
        InputError: it is.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for part in level:
            inner.extend(part.values() if isinstance(part, dict) else part)
        level = [part for part in inner if isinstance(part, (dict, list)) and part]
        if not level:
            return
    raise InputError(f"nested more than {MAX_DEPTH} levels deep", location=Location(file), code="bad-json")


def _check_strings(value: Any, file: str) -> None:
    stack = [value]
    while stack:
        part = stack.pop()
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else (part,):
            if isinstance(inner, str):
                if len(inner) > MAX_JSON_STRING:
                    raise InputError(
                        f"a string of {len(inner)} characters; the limit is {MAX_JSON_STRING}",
                        location=Location(file),
                        code="bad-json",
                    )
            elif isinstance(inner, (dict, list)):
                stack.append(inner)


def _error(message: str, data: bytes, at: int, file: str) -> InputError:
    head = data[:at]
    line, column = head.count(b"\n") + 1, at - head.rfind(b"\n")
    return InputError(message, location=Location(file, line, column), code="bad-json")
