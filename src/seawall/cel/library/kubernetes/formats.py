"""Named formats, and what is wrong about a text."""

from __future__ import annotations

import re
from typing import Any

from seawall.cel.environment import overload
from seawall.cel.library.kubernetes.making import method, parses
from seawall.cel.library.kubernetes.urls import parse_url
from seawall.cel.operators import size, tenth
from seawall.cel.values import NONE, Opaque, Optional


class Format(Opaque):
    """A format by name, with what is wrong about a text."""

    __slots__ = ("name", "size", "validate")
    kind = "kubernetes.NamedFormat"

    def __init__(self, name: str, size: int, validate: Any) -> None:
        self.name = name
        self.size = size
        self.validate = validate

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _pattern(expression: str, limit: int, words: str, *, prefix: bool = False) -> Any:
    compiled = re.compile(expression, re.ASCII)

    def validate(text: str) -> list[str]:
        given = text[:-1] + "a" if prefix and len(text) > 1 and text.endswith("-") else text
        found = (
            [f"must be no more than {limit} {'bytes' if limit else ''}".strip()]
            if limit and len(text) > limit
            else []
        )
        if not compiled.fullmatch(given):
            found.append(words)
        return found

    return validate


def _qualified_name(text: str) -> list[str]:
    prefix, slash, name = text.rpartition("/")
    found: list[str] = []
    if slash and "/" in prefix:
        return ["a qualified name must consist of alphanumeric characters, '-', '_' or '.'"]
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash:
        found += ["prefix part " + each for each in FORMATS_BY_NAME["dns1123Subdomain"].validate(prefix)]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not re.fullmatch(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", name):
        found.append(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        )
    return found


def _date(text: str) -> list[str]:
    from datetime import date  # noqa: PLC0415 - rare

    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return []


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
_DNS_SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
_DNS_1035 = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
_LABEL_VALUE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"

FORMATS_BY_NAME = {
    each.name: each
    for each in (
        Format("dns1123Label", 30, _pattern(_LABEL, 63, _DNS_LABEL)),
        Format("dns1123Subdomain", 60, _pattern(_SUBDOMAIN, 253, _DNS_SUBDOMAIN)),
        Format("dns1035Label", 30, _pattern(_LABEL_1035, 63, _DNS_1035)),
        Format("qualifiedName", 60, _qualified_name),
        Format("dns1123LabelPrefix", 30, _pattern(_LABEL, 63, _DNS_LABEL, prefix=True)),
        Format("dns1123SubdomainPrefix", 60, _pattern(_SUBDOMAIN, 253, _DNS_SUBDOMAIN, prefix=True)),
        Format("dns1035LabelPrefix", 30, _pattern(_LABEL_1035, 63, _DNS_1035, prefix=True)),
        Format("labelValue", 40, _pattern(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", 63, _LABEL_VALUE)),
        Format("uri", 1103, lambda text: [] if parses(parse_url)(text) else ["invalid URI for request"]),
        Format(
            "uuid",
            70,
            _pattern(
                r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
                0,
                "does not match the UUID format",
            ),
        ),
        Format(
            "byte",
            84,
            _pattern(
                r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})",
                0,
                "invalid base64",
            ),
        ),
        Format("date", 71, _date),
        Format("datetime", 71, lambda text: [] if parses(_datetime)(text) else ["invalid datetime"]),
    )
}


def _datetime(text: str) -> Any:
    from seawall.cel.values import parse_timestamp  # noqa: PLC0415 - rare

    return parse_timestamp(text)


def _validate(given: Format, text: str) -> Optional:
    found = given.validate(text)
    return Optional(present=True, value=found) if found else NONE


def _named_format(name: str) -> Optional:
    found = FORMATS_BY_NAME.get(name)
    return NONE if found is None else Optional(present=True, value=found)


_F = "kubernetes.NamedFormat"
FORMATS = (
    overload(f"format:named(string) -> optional<{_F}>", _named_format),
    method(_F, "validate(string) -> optional<list<string>>", _validate,
            lambda _, given, text: tenth(1 + size(text)) * -(-getattr(given, "size", 1) // 4)),
    *(overload(f"format:{name}() -> {_F}", lambda found=found: found) for name, found in FORMATS_BY_NAME.items()),
)  # fmt: skip
