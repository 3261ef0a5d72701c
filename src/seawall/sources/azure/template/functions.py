"""The functions of ARM templates that need nothing but their arguments.

Each takes evaluated arguments, none of them unknown. A TypeError, ValueError, KeyError or IndexError out of one
means that ARM would refuse the deployment: the value is then not known.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from typing import TYPE_CHECKING, Any, Final

from seawall.sources.azure.template.expressions import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_TEXT: Final = 1_000_000
_MAX_RANGE: Final = 10_000
_MAX_ITEMS: Final = 100_000


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _format(template: str, *values: Any) -> Any:
    """Do .NET's composite formatting for `{0}` and doubled braces; other format words are not known."""
    out: list[str] = []
    at = 0
    while at < len(template):
        letter = template[at]
        if template[at : at + 2] in {"{{", "}}"}:
            out.append(letter)
            at += 2
        elif letter == "{":
            end = template.index("}", at)
            place = template[at + 1 : end]
            if not place.isdigit():
                return UNKNOWN
            out.append(_text(values[int(place)]))
            at = end + 1
        else:
            out.append(letter)
            at += 1
    return _bounded("".join(out))


def _bounded(text: str) -> str:
    if len(text) > _MAX_TEXT:
        raise ValueError("too long")
    return text


def _concat(*values: Any) -> Any:
    if values and all(isinstance(value, list) for value in values):
        if sum(map(len, values)) > _MAX_ITEMS:
            raise ValueError("too long")
        return [part for value in values for part in value]
    return _bounded("".join(_text(value) for value in values))


def _contains(container: Any, item: Any) -> bool:
    if isinstance(container, dict):
        return any(name.lower() == str(item).lower() for name in container)
    if isinstance(container, list):
        return item in container
    return str(item) in container


def _empty(value: Any) -> bool:
    return value is None or len(value) == 0


def _equals(left: Any, right: Any) -> bool:
    # ARM compares texts of expressions with case.
    return type(left) is type(right) and left == right


def _first(value: Any) -> Any:
    return value[0] if value else ("" if isinstance(value, str) else None)


def _last(value: Any) -> Any:
    return value[-1] if value else ("" if isinstance(value, str) else None)


def _split(value: str, by: Any) -> list[str]:
    parts = [value]
    for separator in [by] if isinstance(by, str) else by:
        parts = [piece for part in parts for piece in part.split(separator)]
    return parts


def _union(*values: Any) -> Any:
    if all(isinstance(value, list) for value in values):
        merged: list[Any] = []
        for value in values:
            merged.extend(part for part in value if part not in merged)
        return merged
    result: dict[str, Any] = {}
    for value in values:
        for key, part in value.items():
            old = result.get(key)
            result[key] = _union(old, part) if isinstance(old, dict) and isinstance(part, dict) else part
    return result


def _intersection(*values: Any) -> Any:
    first, *rest = values
    if isinstance(first, list):
        return [part for part in first if all(part in other for other in rest)]
    return {
        key: part for key, part in first.items() if all(key in other and other[key] == part for other in rest)
    }


def _range(start: int, count: int) -> list[int]:
    if not 0 <= count <= _MAX_RANGE:
        raise ValueError("out of range")
    return list(range(start, start + count))


def _substring(text: str, start: int, length: int | None = None) -> str:
    if start < 0 or start > len(text) or (length is not None and start + length > len(text)):
        raise ValueError("out of range")
    return text[start:] if length is None else text[start : start + length]


def _pad(text: Any, width: int, letter: str = " ") -> str:
    if width > 10_000:
        raise ValueError("too wide")
    return _text(text).rjust(width, letter)


def _int(value: Any) -> int:
    return int(value)


def _bool(value: Any) -> bool:
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}[value.lower()]
    return bool(value)


def _div(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _object(*pairs: Any) -> dict[str, Any]:
    return {str(pairs[at]): pairs[at + 1] for at in range(0, len(pairs), 2)}


def _flatten(value: list[Any]) -> list[Any]:
    return [piece for part in value for piece in part]


def _index_of(value: Any, item: Any) -> int:
    if isinstance(value, str):
        return value.lower().find(str(item).lower())
    return value.index(item) if item in value else -1


def _last_index_of(value: Any, item: Any) -> int:
    if isinstance(value, str):
        return value.lower().rfind(str(item).lower())
    return len(value) - 1 - value[::-1].index(item) if item in value else -1


def _items(value: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value[key]} for key in sorted(value, key=str.lower)]


def _trunc(value: Any, count: int) -> Any:
    return value[: max(count, 0)]


def _replace(text: str, old: str, new: str) -> str:
    if not old or len(text) + text.count(old) * len(new) > _MAX_TEXT:
        raise ValueError("nothing to replace, or too long")
    return text.replace(old, new)


def _join(values: list[Any], by: str) -> str:
    texts = [_text(value) for value in values]
    if sum(map(len, texts)) + len(by) * len(texts) > _MAX_TEXT:
        raise ValueError("too long")
    return by.join(texts)


def _uri(base: str, relative: str) -> str:
    return urllib.parse.urljoin(base, relative)


def _extension_resource_id(scope: str, kind: str, *names: str) -> str:
    provider, *types = kind.split("/")
    return f"{scope}/providers/{provider}/" + "/".join(
        part for pair in zip(types, names, strict=True) for part in pair
    )


PURE: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda left, right: left + right,
    "array": lambda value: value if isinstance(value, list) else [value],
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64tojson": lambda value: json.loads(base64.b64decode(value)),
    "base64tostring": lambda value: base64.b64decode(value).decode(),
    "bool": _bool,
    "concat": _concat,
    "contains": _contains,
    "createarray": lambda *values: list(values),
    "createobject": _object,
    "datauri": lambda value: (
        "data:text/plain;charset=utf8;base64," + base64.b64encode(value.encode()).decode()
    ),
    "div": _div,
    "empty": _empty,
    "endswith": lambda text, end: text.lower().endswith(end.lower()),
    "equals": _equals,
    "extensionresourceid": _extension_resource_id,
    "false": lambda: False,
    "first": _first,
    "flatten": _flatten,
    "float": float,
    "format": _format,
    "greater": lambda left, right: left > right,
    "greaterorequals": lambda left, right: left >= right,
    "indexof": _index_of,
    "int": _int,
    "intersection": _intersection,
    "items": _items,
    "join": _join,
    "json": json.loads,
    "last": _last,
    "lastindexof": _last_index_of,
    "length": len,
    "less": lambda left, right: left < right,
    "lessorequals": lambda left, right: left <= right,
    "max": lambda *values: max(values[0] if isinstance(values[0], list) else values),
    "min": lambda *values: min(values[0] if isinstance(values[0], list) else values),
    "mod": lambda left, right: left - right * _div(left, right),
    "mul": lambda left, right: left * right,
    "not": lambda value: not _bool(value),
    "null": lambda: None,
    "objectkeys": lambda value: sorted(value, key=str.lower),
    "padleft": _pad,
    "range": _range,
    "replace": _replace,
    "shallowmerge": lambda values: {key: part for value in values for key, part in value.items()},
    "skip": lambda value, count: value[max(count, 0) :],
    "split": _split,
    "startswith": lambda text, start: text.lower().startswith(start.lower()),
    "string": _text,
    "sub": lambda left, right: left - right,
    "substring": _substring,
    "take": _trunc,
    "tolower": lambda text: text.lower(),
    "toupper": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "true": lambda: True,
    "tryget": lambda value, *keys: _try_get(value, keys),
    "union": _union,
    "uri": _uri,
    "uricomponent": lambda text: urllib.parse.quote(text, safe=""),
    "uricomponenttostring": urllib.parse.unquote,
}


def _try_get(value: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value
