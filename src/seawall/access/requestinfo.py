"""From an HTTP request to attributes (apiserver pkg/endpoints/request/requestinfo.go; specs b6, b10)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from seawall.access.attributes import Attributes, User
from seawall.access.names import path_segment_errors
from seawall.access.selectors import (
    FieldRequirement,
    LabelRequirement,
    SelectorError,
    parse_fields,
    parse_labels,
)
from seawall.core.errors import InputError

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class RequestInfoError(Exception):
    """The API server answers 500 before anything is authorized (`/api/v1/watch`)."""


def split_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """Split a raw request target into the decoded path and its parameters.

    The path is decoded but never cleaned: `//` and `..` are parts (specs b10). Of the query, what does not parse
    is left out (net/url: ParseQuery).

    Raises:
        InputError: the target is no absolute path, or has a broken escape (Go's server answers 400 itself).
    """
    raw, _, query = target.partition("?")
    if not raw.startswith("/") or _BAD_ESCAPE.search(raw):
        raise InputError(f"{target!r} is no path of a request", hint="write it raw: /api/v1/pods?watch=true")
    parameters: dict[str, list[str]] = {}
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        parameters.setdefault(_unescape(key), []).append(_unescape(value))
    return _text(unquote_to_bytes(raw)), parameters


def _unescape(text: str) -> str:
    return _text(unquote_to_bytes(text.replace("+", " ")))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def attributes_of(method: str, target: str, user: User) -> Attributes:
    """Return the attributes of a request.

    Raises:
        RequestInfoError: a special verb without a resource.
        InputError: the target is no path.
    """
    path, parameters = split_target(target)
    other = Attributes(user, method.lower(), path=path, is_resource=False)
    parts = path.strip("/").split("/") if path.strip("/") else []
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return other
    group, prefix = "", parts[0]
    parts = parts[1:]
    if prefix == "apis":
        if len(parts) < 3:
            return other
        group, parts = parts[0], parts[1:]
    version, parts = parts[0], parts[1:]
    verb, by_path = _VERBS.get(method, ""), False
    if parts[0] in ("proxy", "watch"):
        if len(parts) < 2:
            raise RequestInfoError(f"unable to determine kind and namespace from url, {target}")
        verb, parts, by_path = parts[0], parts[1:], True
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        # `namespaces/N/status` and `/finalize` are subresources of the namespace itself.
        if len(parts) > 2 and parts[2] not in ("status", "finalize"):
            parts = parts[2:]
    subresource = parts[2] if len(parts) >= 3 and verb != "proxy" else ""
    name = parts[1] if len(parts) >= 2 else ""
    if not name and verb == "get":
        verb, name = _list_or_watch(parameters)
    if not name and verb == "delete":
        verb = "deletecollection"
    fields: tuple[FieldRequirement, ...] = ()
    labels: tuple[LabelRequirement, ...] = ()
    if not by_path and verb in ("list", "watch", "deletecollection"):
        fields, labels = _selectors(parameters)
    return Attributes(
        user,
        verb,
        namespace,
        group,
        version,
        parts[0],
        subresource,
        name,
        field_requirements=fields,
        label_requirements=labels,
        path=path,
    )


def _list_or_watch(parameters: dict[str, list[str]]) -> tuple[str, str]:
    """Read the options of a list as far as the verb and the name need them.

    If any option does not parse, only `watch` counts, and no name is taken from the field selector.
    """
    watch = parameters.get("watch", [""])[0].lower() not in ("false", "0") if "watch" in parameters else False
    verb = "watch" if watch else "list"
    try:
        parse_labels(parameters.get("labelSelector", [""])[0])
        fields = parse_fields(parameters.get("fieldSelector", [""])[0])
    except SelectorError:
        return verb, ""
    for key in ("limit", "timeoutSeconds"):
        text = parameters.get(key, ["0"])[0]
        if not _INTEGER.fullmatch(text) or not -(2**63) <= _bounded(text) < 2**63:
            return verb, ""
    for each in fields:
        if each.equal and each.key == "metadata.name":
            return verb, "" if path_segment_errors(each.value) else each.value
    return verb, ""


def _bounded(text: str) -> int:
    # Python refuses to read thousands of digits, and so do we: they are out of range in any case.
    return int(text) if len(text) <= 40 else 2**63


def _selectors(
    parameters: dict[str, list[str]],
) -> tuple[tuple[FieldRequirement, ...], tuple[LabelRequirement, ...]]:
    fields: tuple[FieldRequirement, ...] = ()
    labels: tuple[LabelRequirement, ...] = ()
    try:
        fields = parse_fields(parameters.get("fieldSelector", [""])[0])
    except SelectorError:
        fields = ()
    try:
        labels = parse_labels(parameters.get("labelSelector", [""])[0])
    except SelectorError:
        labels = ()
    return fields, labels
