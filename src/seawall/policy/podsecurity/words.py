"""The small grammar of Pod Security's sentences: plurals, quoted lists, Go's quoting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized

_ESCAPES = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 34: '\\"', 92: "\\\\"}


def plural(one: str, many: str, counted: Sized) -> str:
    """Return `one` for exactly one item, else `many` (also for none)."""
    return one if len(counted) == 1 else many


def quoted(items: Iterable[str]) -> str:
    """Return `"a", "b"`: the items as they are, without escapes, as the reference writes them."""
    return ", ".join([f'"{item}"' for item in items])


def containers(names: list[str]) -> str:
    """Return `container "a"` or `containers "a", "b"`."""
    return f"{plural('container', 'containers', names)} {quoted(names)}"


def setters(pod: bool, names: list[str]) -> str:
    """Return who set a bad value: `pod`, `container "a"`, or `pod and containers "a", "b"`."""
    parts = ["pod"] if pod else []
    if names:
        parts.append(containers(names))
    return " and ".join(parts)


def go_quote(text: str) -> str:
    r"""Return the text as Go's `%q` writes it: printable runes stay, the rest becomes \n, \x01, \u200b."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join([_go_rune(rune) for rune in text]) + '"'


def _go_rune(rune: str) -> str:
    code = ord(rune)
    if code in _ESCAPES:
        return _ESCAPES[code]
    if rune.isprintable():
        return rune
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
