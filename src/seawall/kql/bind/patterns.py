"""Patterns of parse and parse-where as one RE2 expression (duckdb-kql R19 has the measured rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.errors import Fault, refuse

if TYPE_CHECKING:
    from seawall.kql.tree import Parse

_GUID = r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
_WHOLE = r"\s*[-+]?\d+"
_SHAPES = {
    "long": _WHOLE, "int": _WHOLE,
    "real": r"\s*[-+]?(?:\d+\.?\d*|\.\d+)", "decimal": r"\s*[-+]?(?:\d+\.?\d*|\.\d+)",  # no exponent
    "bool": r"\s*(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[-+]?\d+)",
    "guid": rf"\s*(?:\{{{_GUID}\}}|{_GUID})",
}  # fmt: skip
"""What a typed column takes where * follows it."""

_REGEX_SHAPES = {
    **_SHAPES,
    "real": r"\s*[-+]?\d+(?:\.\d+)?", "decimal": r"\s*[-+]?\d+(?:\.\d+)?",
    "bool": r"\s*(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])",
    "datetime": r"\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{1,4})"
                r"(?:[Tt ]\s*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?)?(?:[Zz]|[-+]\d{1,2}(?::\d{1,2})?)?",
    "timespan": r"\s*-?(?:\d+\.\d{1,2}:\d{1,2}:\d{1,2}|\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:\.\d*)?",
}  # fmt: skip
"""What a typed column takes anywhere in kind=regex. Both tables: duckdb-kql, measured on the Kusto emulator."""


def compile_pattern(node: Parse) -> tuple[str, list[tuple[str, str, int]]]:
    """Make the expression and the columns (name, type, place)."""
    regex = node.kind == "regex"
    columns: list[tuple[str, str, int]] = []
    out: list[str] = []
    parts = node.parts
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else None
        if part.kind == "*":
            if following is not None and following.kind == "*":
                raise Fault("two * cannot follow each other", part.pos, kind="syntax")
            if following is not None:
                out.append("(?s:.*?)" if not regex else ".*?")
            elif not regex:
                out.append("(?s:.*)")
        elif part.kind == "text":
            out.append(_fragment(part.text, part.pos) if regex else _escape(part.text))
        else:
            if any(name == part.text for name, _, _ in columns):
                raise Fault(f"a column {part.text!r} is already there", part.pos)
            columns.append((part.text, part.type, part.pos))
            name = f"g{len(columns) - 1}"
            star = following is not None and following.kind == "*"
            if following is not None and following.kind == "column" and part.type == "string" and not regex:
                raise Fault(
                    f"nothing separates the columns {part.text!r} and {following.text!r}", following.pos
                )
            if star and part.type == "string" and not regex:
                raise Fault(f"a string column ({part.text!r}) cannot stand before *", part.pos)
            if regex:
                if part.type in ("datetime", "timespan") and (following is None or "U" in node.flags):
                    raise refuse(
                        f"a {part.type} column at the end of a kind=regex pattern, or with flags=U", part.pos
                    )
                out.append(
                    f"(?P<{name}>{_REGEX_SHAPES.get(part.type, '.*')})"
                    if part.type != "string"
                    else f"(?P<{name}>.*)"
                )
            elif (star or (following is not None and following.kind == "column")) and part.type != "string":
                if part.type not in _SHAPES:
                    raise refuse(f"a {part.type} column before *", part.pos)
                # Before a * at the end the value may be absent, which kind=relaxed shows.
                loose = "?" if star and index + 2 == len(parts) else ""
                out.append(f"(?P<{name}>(?:{_SHAPES[part.type]}){loose})")
            else:
                out.append(f"(?P<{name}>(?s:.*?))")
    body = "".join(out)
    if regex:
        if set(node.flags) - set("imsU"):
            raise refuse(f"flags={node.flags}", node.pos)
        return (f"(?{node.flags})" if node.flags else "") + body, columns
    anchored = f"(?s)^{body}$"
    return anchored, columns


def _escape(text: str) -> str:
    return "".join(c if c.isalnum() or c == "_" or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in text)


def _fragment(text: str, pos: int) -> str:
    """Take a piece of the user's regular expression; its groups must not shift ours.

    A parenthesis without its partner stands for itself (duckdb-kql, measured).
    """
    out: list[str] = []
    opened: list[int] = []
    index, in_class = 0, False
    while index < len(text):
        char = text[index]
        if char == "\\":
            out.append(text[index : index + 2])
            index += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            out.append(char)
            index += 1
            while index < len(text) and text[index] in "^]":
                out.append(text[index])
                index += 1
            continue
        elif char == "(":
            opened.append(len(out))
            if text[index + 1 : index + 2] != "?":
                out.append("(?:")
                index += 1
                continue
            if text[index + 2 : index + 3] in ("=", "!") or text[index + 2 : index + 4] in ("<=", "<!"):
                raise Fault("regular expressions here know no lookaround", pos)
            if text[index + 2 : index + 3] in ("P", "<"):
                raise refuse("a named group in a pattern", pos)
        elif char == ")":
            if not opened:
                out.append("\\)")
                index += 1
                continue
            opened.pop()
        out.append(char)
        index += 1
    for place in opened:
        if out[place] != "(?:":
            raise Fault("a parenthesis of this regular expression is not closed", pos)
        out[place] = "\\("
    return "".join(out)
