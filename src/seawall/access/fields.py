"""Errors of fields and of decoding, as apimachinery words them (util/validation/field; strict decoding)."""

from __future__ import annotations

import json
import re
import types
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from seawall.access.names import subdomain_errors
from seawall.access.text import quote
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    T = TypeVar("T", bound=msgspec.Struct)

KINDS = ("AuthenticationConfiguration", "AuthorizationConfiguration")
SECOND = 10**9
"""Nanoseconds."""
_DURATION = re.compile(r"[-+]?(?:0|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_UNITS = {
    "ns": 1,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ms": 10**6,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}


def required(where: str, detail: str = "") -> str:
    """Return the error of an absent value."""
    return f"{where}: Required value" + (f": {detail}" if detail else "")


def invalid(where: str, value: Any, detail: str) -> str:
    """Return the error of a value; texts are quoted as Go does, other values written as JSON."""
    return f"{where}: Invalid value: {shown(value)}: {detail}"


def duplicate(where: str, value: str) -> str:
    """Return the error of a value that stood before."""
    return f"{where}: Duplicate value: {quote(value)}"


def unsupported(where: str, value: Any, valid: Iterable[str]) -> str:
    """Return the error of a value that is none of the valid ones."""
    return f"{where}: Unsupported value: {shown(value)}: supported values: {', '.join(map(quote, valid))}"


def too_many(where: str, count: int, most: int) -> str:
    """Return the error of a list that is too long."""
    return f"{where}: Too many: {count}: must have at most {most} items"


def shown(value: Any) -> str:
    """Write a value as field errors show it."""
    if isinstance(value, str):
        return quote(value)
    # Go's encoder writes the three signs of HTML escaped.
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def domain_path_errors(key: str, where: str) -> list[str]:
    """Return why a key is no `example.com/path` (util/validation: IsDomainPrefixedPath)."""
    if not key:
        return [required(where)]
    host, slash, path = key.partition("/")
    if not slash or not host or not path:
        return [invalid(where, key, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    errors = [invalid(where, host, text) for text in subdomain_errors(host)]
    if not re.fullmatch(_PATH, path):
        errors.append(invalid(where, path, f"Invalid path (regex used for validation is '{_PATH}')"))
    return errors


def go_duration(text: str) -> int | None:
    """Read a duration of Go (`1h30m`, `3s`) into nanoseconds, None where it is none (time.ParseDuration)."""
    if len(text) > 100 or not _DURATION.fullmatch(text):
        return None
    total = 0
    for whole, part, unit in _PART.findall(text):
        total += int(whole or "0") * _UNITS[unit] + int(part or "0") * _UNITS[unit] // 10 ** len(part)
    if total >= 2**63:
        return None
    return -total if text.startswith("-") else total


def show_duration(nanoseconds: int) -> str:
    """Write a duration as Go does: `1m0s`, `1.5s`, `10ms`, `0s`."""
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left < SECOND:
        for unit, scale in (("ms", 10**6), ("µs", 10**3)):
            if left >= scale:
                return f"{sign}{_decimal(left, scale)}{unit}"
        return f"{sign}{left}ns" if left else "0s"
    minutes, seconds = divmod(left, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    front = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{front}{_decimal(seconds, SECOND)}s"


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    return f"{whole}" + (f".{rest:0{len(str(scale)) - 1}d}".rstrip("0") if rest else "")


def decode(given: Any, kind: type[T], name: str, versions: tuple[str, ...]) -> T:
    """Read a configuration document strictly: its kind and version, its types, and no field that it has not.

    Raises:
        InputError: the API server would not load it.
    """
    if not isinstance(given, dict):
        raise InputError(f"the {name} is not an object")
    version = given.get("apiVersion")
    for key in ("kind", "apiVersion"):
        if not given.get(key):
            raise InputError(
                f"Object '{key}' is missing", hint=f"write kind: {name} and apiVersion: {versions[0]}"
            )
    if version not in versions or given["kind"] not in KINDS:
        raise InputError(
            f"no kind {quote(str(given['kind']))} is registered for version {quote(str(version))}",
            hint=f"write kind: {name} and apiVersion: {versions[0]}",
        )
    if given["kind"] != name:
        raise InputError(f"expected {name}, got *apiserver.{given['kind']}")
    try:
        return _decoded(given, kind, name)
    except RecursionError:
        raise InputError(f"the {name} is nested too deeply") from None


def _decoded(given: dict[str, Any], kind: type[T], name: str) -> T:
    body = {key: value for key, value in given.items() if key not in ("kind", "apiVersion")}
    unknown = [f"unknown field {quote(path)}" for path in _unknown(body, kind, "")]
    if unknown:
        raise InputError(f"strict decoding error: {', '.join(unknown)}")
    try:
        return msgspec.convert(_without_nulls(body), kind)
    except msgspec.ValidationError as error:
        raise InputError(f"the {name} cannot be read: {error}") from None


def _without_nulls(value: Any) -> Any:
    """Leave out null fields: Go's decoder takes them for absent ones."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:
    """Yield the paths of fields that a struct has not, below it too."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next((each for each in get_args(kind) if each is not type(None)), kind)
    if get_origin(kind) is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, get_args(kind)[0], f"{path}[{index}]")
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        hints = get_type_hints(kind)
        known = {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            if key not in known:
                yield below
            else:
                yield from _unknown(item, known[key], below)
