"""URLs, paths, domain names and versions (docs: parse_url, parse_path, parse_version, punycode_*)."""

from __future__ import annotations

import csv
import io
import re
import urllib.parse
from typing import Any

from seawall.kql.errors import Unanswered
from seawall.kql.functions.registry import python


@python("url_encode", "string", "string")
def url_encode(text: str) -> str:
    """`url_encode(url)`: form encoding, a space becomes +; digits of escapes are small letters, as on the page."""
    return re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), urllib.parse.quote_plus(text, safe="!()*-_."))


@python("url_encode_component", "string", "string")
def url_encode_component(text: str) -> str:
    """`url_encode_component(url)`: as url_encode, but a space becomes %20."""
    encoded: str = url_encode(text)
    return encoded.replace("+", "%20")


@python("url_decode", "string", "string")
def url_decode(text: str) -> str:
    """`url_decode(url)`."""
    return urllib.parse.unquote_plus(text)


def _query(text: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for part in text.split("&"):
        if part:
            key, _, value = part.partition("=")
            out[urllib.parse.unquote(key)] = urllib.parse.unquote(value)
    return out


_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#@:]*):([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::([0-9]*))?([^?#]*)(?:\?([^#]*))?(#.*)?$",
    re.DOTALL,
)


@python("parse_url parseurl", "string", "dynamic")
def parse_url(text: str) -> dict[str, Any]:
    """`parse_url(url)`: its parts, empty where absent.

    What duckdb-kql measured on the Kusto emulator: a user stands only before a colon; parameters are sorted by
    name, those without a name or a value are left out, one that comes twice is an array; nothing is decoded; a
    path that is a slash alone, with nothing after it, is empty.
    """
    match = _URL.match(text)
    scheme, user, password, host, port, path, query, fragment = (
        (part or "" for part in match.groups()) if match else ("",) * 8
    )
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key and value:
            values.setdefault(key, []).append(value)
    alone = path == "/" and match is not None and match[7] is None and match[8] is None
    return {
        "Scheme": scheme,
        "Host": host,
        "Port": port,
        "Path": "" if alone else path,
        "Username": user,
        "Password": password,
        "Query Parameters": {
            key: found[0] if len(found) == 1 else found for key, found in sorted(values.items())
        },
        "Fragment": fragment[1:],
    }


@python("parse_urlquery parseurlquery", "string", "dynamic")
def parse_urlquery(text: str) -> dict[str, Any]:
    """`parse_urlquery(query)`."""
    return {"Query Parameters": _query(text.removeprefix("?"))}


@python("parse_path", "string", "dynamic")
def parse_path(text: str) -> dict[str, str]:
    """`parse_path(path)`: scheme, root, folders, file name, extension, and an alternate data stream."""
    scheme, rest = "", text
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", text)
    if found:
        scheme, rest = found[1], text[found.end() :]
    root = ""
    drive = re.match(r"([A-Za-z]:)", rest)
    if drive:
        root = drive[1]
    stream = ""
    last = max(rest.rfind("/"), rest.rfind("\\"))
    name = rest[last + 1 :]
    folder = rest[:last] if last >= 0 else ""
    if ":" in name and not (drive and last < 0):
        name, _, stream = name.partition(":")
    extension = name.rsplit(".", 1)[1] if "." in name else ""
    parent = max(folder.rfind("/"), folder.rfind("\\"))
    return {
        "Scheme": scheme,
        "RootPath": root,
        "DirectoryPath": folder,
        "DirectoryName": folder[parent + 1 :],
        "Filename": name,
        "Extension": extension,
        "AlternateDataStreamName": stream,
    }


@python("parse_csv", "string", "dynamic")
def parse_csv(text: str) -> list[str]:
    """`parse_csv(text)`: the values of the first record."""
    for row in csv.reader(io.StringIO(text), doublequote=True, skipinitialspace=False):
        return row
    return [""]


@python("parse_version", "text", "decimal")
def parse_version(text: str) -> str | None:
    """`parse_version(text)`: up to four numbers, each in eight digits of a decimal."""
    parts = text.split(".")
    if not 1 <= len(parts) <= 4 or not all(part.isdigit() and len(part) <= 8 for part in parts):
        return None
    parts += ["0"] * (4 - len(parts))
    return str(int("".join(part.zfill(8) for part in parts)))


MAX_PUNYCODE = 10_000
"""Characters of a text to (de)code: the time grows with the square of their number."""


def _limited(text: str) -> str:
    if len(text) > MAX_PUNYCODE:
        raise Unanswered(f"punycode of more than {MAX_PUNYCODE} characters")
    return text


@python("punycode_to_string", "string", "string")
def punycode_to_string(text: str) -> str:
    """`punycode_to_string(text)`: decode; empty where the text is no punycode."""
    try:
        return _limited(text).encode("ascii").decode("punycode")
    except UnicodeError:
        return ""


@python("punycode_from_string", "string", "string")
def punycode_from_string(text: str) -> str:
    """`punycode_from_string(text)`: encode, without a leading `xn--`."""
    return _limited(text).encode("punycode").decode("ascii")


_DOTS = re.compile("[.\u3002\uff0e\uff61]")
"""What separates the labels of a domain name (RFC 3490, 3.1); the page's examples have three of the four."""


@python("punycode_domain_from_string", "string", "string")
def punycode_domain_from_string(text: str) -> str:
    """`punycode_domain_from_string(domain)`: decode the labels that begin with `xn--`; empty where one is none."""
    try:
        return ".".join(
            part[4:].encode("ascii").decode("punycode") if part[:4].lower() == "xn--" else part
            for part in _limited(text).split(".")
        )
    except UnicodeError:
        return ""


@python("punycode_domain_to_string", "string", "string")
def punycode_domain_to_string(text: str) -> str:
    """`punycode_domain_to_string(domain)`: encode the labels with characters beyond ASCII."""
    return ".".join(
        part if part.isascii() else "xn--" + part.encode("punycode").decode("ascii")
        for part in _DOTS.split(_limited(text))
    )
