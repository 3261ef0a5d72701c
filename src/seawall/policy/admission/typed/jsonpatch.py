"""JSON Patch (RFC 6902) as the API server applies it (gopkg.in/evanphx/json-patch.v4, read at v4.13.0).

It departs from the RFC in places: negative indices count from the end, `replace` of a key that is not there
adds it, and a `test` for null passes on a missing key.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
MISSING: Any = object()
MOST_COPIED = 2_000_000


def plain_copy(value: Any) -> Any:
    """Return a deep copy in which no part stands twice: YAML's anchors make one object of two places."""
    if isinstance(value, dict):
        return {key: plain_copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_copy(item) for item in value]
    return value


class PatchError(Exception):
    """The patch does not apply."""


class MismatchError(Exception):
    """A `test` did not hold: the patch as a whole is passed over."""


def apply_patch(document: Any, operations: list[Json]) -> Any:
    """Return a patched copy.

    Raises:
        PatchError: an operation cannot be carried out.
        MismatchError: a test did not hold.
    """
    found = plain_copy(document)
    copied = 0
    for operation in operations:
        if operation.get("op") == "copy":
            # A document copied into itself doubles each time: thirty operations would fill any memory.
            copied += _count(found)
            if copied > MOST_COPIED:
                raise PatchError(f"copies of more than {MOST_COPIED} values")
        found = _one(found, operation)
    return found


def _count(value: Any) -> int:
    """Return how many values a document has."""
    if isinstance(value, dict):
        return 1 + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, list) else 1


def _one(document: Any, operation: Json) -> Any:
    kind, path = operation.get("op"), str(operation.get("path", ""))
    match kind:
        case "add":
            _add(_parent(document, path, "add"), path, operation.get("value"))
        case "remove":
            _remove(_parent(document, path, "remove"), path)
        case "replace":
            if path == "":
                value = operation.get("value")
                if not isinstance(value, (dict, list)):
                    raise PatchError("replace operation value must be object or array")
                return plain_copy(value)
            holder = _parent(document, path, "replace")
            _get(holder, path)
            _set(holder, path, operation.get("value"))
        case "move":
            origin = str(operation.get("from", ""))
            holder = _parent(document, origin, "move")
            value = _get(holder, origin)
            _remove(holder, origin)
            _add(_parent(document, path, "move"), path, None if value is MISSING else value)
        case "copy":
            origin = str(operation.get("from", ""))
            value = _get(_parent(document, origin, "copy"), origin)
            _add(_parent(document, path, "copy"), path, None if value is MISSING else plain_copy(value))
        case "test":
            _test(document, path, operation)
        case _:
            raise PatchError(f"Unexpected kind: {kind}")
    return document


def _test(document: Any, path: str, operation: Json) -> None:
    wanted = operation.get("value")
    have = document if path == "" else _get(_parent(document, path, "test"), path)
    if have is MISSING:
        have = None
    if not _same(have, wanted):
        raise MismatchError(f"testing value {path} failed")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def _parent(document: Any, path: str, what: str) -> Any:
    parts = path.split("/")
    if len(parts) < 2:
        raise PatchError(f'{what} operation does not apply: doc is missing path: "{path}"')
    holder = document
    for part in parts[1:-1]:
        name = _decode(part)
        found: Any = MISSING
        if isinstance(holder, dict):
            found = holder.get(name, MISSING)
        elif isinstance(holder, list):
            try:
                found = holder[_index(name, len(holder), len(holder))]
            except PatchError:
                found = MISSING
        if not isinstance(found, (dict, list)):
            raise PatchError(f'{what} operation does not apply: doc is missing path: "{path}"')
        holder = found
    return holder


def _last(path: str) -> str:
    return _decode(path.rpartition("/")[2])


def _decode(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _index(text: str, below: int, length: int) -> int:
    digits = text[1:] if text[:1] in {"-", "+"} else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise PatchError(f"value was not a proper array index: '{text}'")
    index = int(text)
    if index >= below or index < -length:
        raise PatchError(f"Unable to access invalid index: {index}")
    return index + length if index < 0 else index


def _get(holder: Any, path: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(_last(path), MISSING)
    return holder[_index(_last(path), len(holder), len(holder))]


def _set(holder: Any, path: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[_last(path)] = plain_copy(value)
    else:
        holder[_index(_last(path), len(holder), len(holder))] = plain_copy(value)


def _add(holder: Any, path: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[_last(path)] = plain_copy(value)
    elif _last(path) == "-":
        holder.append(plain_copy(value))
    else:
        # -1 is the place after the last: one more than there are.
        holder.insert(_index(_last(path), len(holder) + 1, len(holder) + 1), plain_copy(value))


def _remove(holder: Any, path: str) -> None:
    if isinstance(holder, dict):
        if _last(path) not in holder:
            raise PatchError(f"Unable to remove nonexistent key: {_last(path)}")
        del holder[_last(path)]
    else:
        del holder[_index(_last(path), len(holder), len(holder))]


def difference(before: Any, after: Any, path: str = "") -> list[Json]:
    """Return operations that make `after` of `before`: few, and none that fails."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[Json] = []
        for key in before:
            where = f"{path}/{_encode(str(key))}"
            if key not in after:
                found.append({"op": "remove", "path": where})
            else:
                found += difference(before[key], after[key], where)
        found += [
            {"op": "add", "path": f"{path}/{_encode(str(key))}", "value": after[key]}
            for key in after
            if key not in before
        ]
        return found
    if isinstance(before, list) and isinstance(after, list):
        common = min(len(before), len(after))
        found = []
        for position in range(common):
            found += difference(before[position], after[position], f"{path}/{position}")
        if len(after) > common:
            found += [{"op": "add", "path": f"{path}/-", "value": item} for item in after[common:]]
        found += [
            {"op": "remove", "path": f"{path}/{position}"}
            for position in reversed(range(common, len(before)))
        ]
        return found
    if type(before) is type(after) and before == after:
        return []
    return [{"op": "replace", "path": path, "value": after}]


def _encode(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


__all__ = ["MismatchError", "PatchError", "apply_patch", "difference", "plain_copy"]
