"""Keys and values in a text: what the operator parse-kv is made of.

Source: the documentation's page on parse-kv. The first value of a key counts; spaces around keys and values that
stand without quotes do not.
"""

from __future__ import annotations

from typing import Any

from seawall.kql.functions.registry import udf


def _kv_pairs(keys: Any, values: Any) -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in zip(keys, values, strict=True):
        out.setdefault(key.strip(), value.strip())
    return out


class _Reader:
    """Reads a text from left to right. `quotes` maps what opens to what closes."""

    def __init__(self, text: str, quotes: dict[str, str], escapes: str) -> None:
        self.text = text
        self.quotes = quotes
        self.escapes = escapes
        self.at = 0

    def meets(self, mark: str) -> bool:
        """Tell whether a mark stands here."""
        return self.text.startswith(mark, self.at)

    def spaces(self, *until: str) -> None:
        """Step over spaces, but not over a mark that begins with one."""
        while self.at < len(self.text) and self.text[self.at].isspace() and not any(map(self.meets, until)):
            self.at += 1

    def quoted(self) -> str | None:
        """Read what stands in quotes here, without them; None where none open."""
        close = self.quotes.get(self.text[self.at : self.at + 1])
        if close is None:
            return None
        self.at += 1
        chars: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in self.escapes and self.at + 1 < len(self.text):
                chars.append(self.text[self.at + 1])
                self.at += 2
                continue
            self.at += 1
            if char == close:
                break
            chars.append(char)
        return "".join(chars)

    def until(self, *marks: str) -> str:
        """Read up to the first of the marks, or to the end. Where one is found no other is looked for behind it."""
        end = len(self.text)
        for mark in marks:
            place = self.text.find(mark, self.at, end + len(mark) - 1)
            end = place if place >= 0 else end
        start, self.at = self.at, end
        return self.text[start:end].strip()

    def value_before_key(self, pair: str, kv: str) -> str:
        """Read a value that may hold pair delimiters: up to the one before the next key."""
        following = self.text.find(kv, self.at)
        end = self.text.rfind(pair, self.at, following) if following >= 0 else -1
        start, self.at = self.at, len(self.text) if end < 0 else end
        return self.text[start : self.at].strip()


def _delimited(reader: _Reader, pair: str, kv: str, *, greedy: bool) -> dict[str, str]:
    out: dict[str, str] = {}
    while reader.at < len(reader.text):
        reader.spaces(pair)
        key = reader.quoted()
        if key is None:
            key = reader.until(pair, kv)
        else:
            reader.spaces(kv, pair)
        if reader.meets(kv):
            reader.at += len(kv)
            reader.spaces(pair)
            value = reader.quoted()
            if value is None:
                value = reader.value_before_key(pair, kv) if greedy else reader.until(pair)
            out.setdefault(key, value)
        reader.until(pair)
        reader.at += len(pair)
    return out


def _loose(reader: _Reader, names: list[str]) -> dict[str, str]:
    """Read where every character that is no letter and no digit delimits: a key's value is the next word."""
    text = reader.text
    out: dict[str, str] = {}
    waiting = sorted(names, key=len, reverse=True)
    pending: str | None = None
    while reader.at < len(text):
        start = reader.at
        word = reader.quoted()
        if word is None:
            if not text[start].isalnum():
                reader.at += 1
                continue
            # A key may itself have characters that delimit.
            key = None if pending is not None else next((n for n in waiting if _stands(text, n, start)), None)
            if key is not None:
                reader.at += len(key)
                pending = key
                continue
            while reader.at < len(text) and text[reader.at].isalnum():
                reader.at += 1
            word = text[start : reader.at]
        if pending is not None:
            out.setdefault(pending, word)
            pending = None
        elif word in waiting:
            pending = word
    return out


def _stands(text: str, key: str, at: int) -> bool:
    end = at + len(key)
    return bool(key) and text.startswith(key, at) and not text[end : end + 1].isalnum()


def _parse_kv(
    text: str, pair: str, kv: str, quotes: Any, escapes: Any, greedy: bool, names: Any
) -> dict[str, str]:
    marks = {one[0]: one[-1] for one in quotes if one}
    reader = _Reader(text, marks, "".join(escapes))
    return _delimited(reader, pair, kv, greedy=greedy) if pair and kv else _loose(reader, names)


udf("kv_pairs", "dynamic dynamic", "dynamic", _kv_pairs)
udf("parse_kv", "string string string dynamic dynamic bool dynamic", "dynamic", _parse_kv)
