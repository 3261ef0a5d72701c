"""Paths into dynamics: JSONPath as Kusto reads it, treepath, extract_json (docs: query/jsonpath)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.functions.registry import coerce, python, result, special, udf

if TYPE_CHECKING:
    from seawall.kql.bind.values import Ex


def steps_of(path: str) -> list[str | int]:
    """Read `$.a.b[0]["c d"]`; a path without `$` is one key."""
    if not path.startswith("$"):
        return [path]
    out: list[str | int] = []
    index = 1
    while index < len(path):
        if path[index] == ".":
            end = index + 1
            while end < len(path) and path[end] not in ".[":
                end += 1
            if end > index + 1:
                out.append(path[index + 1 : end])
            index = end
        elif path[index] == "[":
            end = path.find("]", index)
            if end < 0:
                return out
            inner = path[index + 1 : end].strip()
            out.append(
                inner[1:-1] if inner[:1] in "'\"" else int(inner) if inner.lstrip("-").isdigit() else inner
            )
            index = end + 1
        else:
            return out
    return out


def walk(root: Any, path: str) -> tuple[bool, Any]:
    """Follow a path; the first value says whether it is there."""
    value: Any = root
    for step in steps_of(path):
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
            continue
        if not isinstance(value, list) or not isinstance(step, int) or not -len(value) <= step < len(value):
            return False, None
        value = value[step]
    return True, value


@python("treepath", "dynamic", "dynamic")
def treepath(value: Any) -> list[str]:
    """`treepath(value)`: all paths of it."""
    out: list[str] = []

    def visit(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, item in node.items():
                one = f"{path}['{key}']" if path else f"['{key}']"
                out.append(one)
                visit(item, one)
        elif isinstance(node, list) and node:
            one = f"{path}[0]"  # stands for all elements: the page's last example
            out.append(one)
            for item in node:
                visit(item, one)

    visit(value, "")
    return list(dict.fromkeys(out))


@special("extract_json extractjson")
def extract_json(binder: Any, node: Any, scope: Any) -> Ex:
    """`extract_json(path, text [, typeof(type)])`."""
    from seawall.kql.functions.core import convert, type_argument

    path, text = (coerce(binder.ex(arg, scope), "string", arg.pos, f"{node.name}()") for arg in node.args[:2])
    found = result(f"k_extract_json({path}, {text})", "dynamic")
    type_ = type_argument(node.args[2]) if len(node.args) > 2 else "string"
    return result(convert(found, type_, node.pos), type_)


def _extract_json(path: str, text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return walk(value, path)[1]


udf("extract_json", "string string", "dynamic", _extract_json)
