"""Texts as Go writes them: the API server's messages are a promise, so its quoting is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quote(text: str) -> str:
    r"""Quote as Go's %q does (strconv.Quote): short escapes, \\x for control bytes, printable letters kept."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_rune(rune) for rune in text) + '"'


def _rune(rune: str) -> str:
    if rune in _ESCAPES:
        return _ESCAPES[rune]
    if rune.isprintable():
        return rune
    code = ord(rune)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote_list(texts: Iterable[str]) -> str:
    """Quote a list as Go's %q does: `["a" "b"]`."""
    return "[" + " ".join(quote(text) for text in texts) + "]"


def escape_html(text: str) -> str:
    """Replace &, < and > as the API server does in plain refusals (responsewriters: sanitizer)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def aggregate(messages: Iterable[str]) -> str:
    """Join errors as apimachinery's aggregate does: equal ones once, brackets where several are left."""
    once = list(dict.fromkeys(messages))
    return once[0] if len(once) == 1 else f"[{', '.join(once)}]" if once else ""
