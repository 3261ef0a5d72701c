"""Keys and values in a text: what the operator parse-kv is made of."""

from __future__ import annotations

from typing import Any

from seawall.kql.functions.registry import udf


def _kv_pairs(keys: Any, values: Any) -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in zip(keys, values, strict=True):
        out.setdefault(key, value)
    return out


def _parse_kv(
    text: str, pair: str, kv: str, quotes: str, escape: str, greedy: bool, names: Any
) -> dict[str, str]:
    """Read keys and values; without a pair delimiter every character that is no letter, digit or _ ends a pair."""
    del names
    if greedy:
        return _greedy(text, pair, kv, quotes)
    out: dict[str, str] = {}
    open_, close = (quotes[0], quotes[-1]) if quotes else ("", "")
    at = 0

    def token(ends: str, index: int) -> tuple[str, int]:
        chars: list[str] = []
        if open_ and text.startswith(open_, index):
            index += len(open_)
            while index < len(text):
                if escape and text.startswith(escape, index) and index + 1 < len(text):
                    chars.append(text[index + 1])
                    index += 2
                elif text.startswith(close, index):
                    return "".join(chars), index + len(close)
                else:
                    chars.append(text[index])
                    index += 1
            return "".join(chars), index
        while index < len(text) and not any(text.startswith(end, index) for end in ends.split("\0") if end):
            if escape and text.startswith(escape, index) and index + 1 < len(text):
                index += 1
            chars.append(text[index])
            index += 1
        return "".join(chars), index

    if not pair or not kv:
        return _loose_kv(text, pair, kv, quotes)
    while at < len(text):
        key, at = token(f"{kv}\0{pair}", at)
        if text.startswith(kv, at):
            value, at = token(pair, at + len(kv))
            out.setdefault(key.strip(), value)
        while at < len(text) and not text.startswith(pair, at):
            at += 1
        at += len(pair)
    return out


def _loose_kv(text: str, pair: str, kv: str, quotes: str) -> dict[str, str]:
    words: list[str] = []
    at = 0
    close = {quotes[0]: quotes[-1]} if quotes else {}
    while at < len(text):
        char = text[at]
        if char in close:
            end = text.find(close[char], at + 1)
            end = len(text) if end < 0 else end
            words.append(text[at + 1 : end])
            at = end + 1
            continue
        start = at
        while (
            at < len(text)
            and (text[at].isalnum() or text[at] == "_")
            and not (kv and text.startswith(kv, at))
            and not (pair and text.startswith(pair, at))
        ):
            at += 1
        if at > start:
            words.append(text[start:at])
        else:
            at += 1
    out: dict[str, str] = {}
    for key, value in zip(words[::2], words[1::2], strict=False):
        out.setdefault(key, value)
    return out


def _greedy(text: str, pair: str, kv: str, quotes: str) -> dict[str, str]:
    marks: list[tuple[int, int, str]] = []
    sep = pair or " "
    at = text.find(kv)
    while at >= 0:
        start = text.rfind(sep, 0, at)
        begin = start + len(sep) if start >= 0 else 0
        marks.append((begin, at + len(kv), text[begin:at].strip()))
        at = text.find(kv, at + len(kv))
    out: dict[str, str] = {}
    for index, (_, value_at, key) in enumerate(marks):
        end = marks[index + 1][0] if index + 1 < len(marks) else len(text)
        value = text[value_at:end]
        value = value.removesuffix(sep) if index + 1 < len(marks) else value
        if quotes and len(value) > 1 and value[0] == quotes[0] and value[-1] == quotes[-1]:
            value = value[1:-1]
        out.setdefault(key, value)
    return out


udf("kv_pairs", "dynamic dynamic", "dynamic", _kv_pairs)
udf("parse_kv", "string string string string string bool dynamic", "dynamic", _parse_kv)
