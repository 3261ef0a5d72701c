"""URLs (Go's url.ParseRequestURI)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.conversions import walk
from seawall.cel.library.kubernetes.making import method, parses
from seawall.cel.values import Opaque


class Url(Opaque):
    """An absolute URI or an absolute path."""

    __slots__ = ("parts", "text")
    kind = "kubernetes.URL"

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = urlsplit(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r":[0-9]*", re.ASCII)


def parse_url(text: str) -> Url:
    """Read a URI that has a scheme, or an absolute path. Raises CelError."""
    error = CelError(f"URL parse error during conversion from string: {text[:80]!r}")
    if not text or any(char < " " or char == "\x7f" for char in text):
        raise error
    if not (_SCHEME.match(text) or text.startswith("/")) or _BAD_PERCENT.search(text.partition("?")[0]):
        raise error
    try:
        found = Url(text)
        host = found.parts.netloc.rpartition("@")[2]
        if " " in host or (host.startswith("[") and "]" not in host):
            raise error
        tail = (
            host.rpartition("]")[2] if host.startswith("[") else host[host.find(":") :] if ":" in host else ""
        )
        if tail and not _PORT.fullmatch(tail):
            raise error
    except ValueError:
        raise error from None
    return found


def _host(value: Url) -> str:
    return value.parts.netloc.rpartition("@")[2]


def _hostname(value: Url) -> str:
    host = _host(value)
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def _port(value: Url) -> str:
    host = _host(value)
    return host.rpartition("]")[2].lstrip(":") if host.startswith("[") else host.partition(":")[2]


_PATH_SAFE = re.compile(r"[^A-Za-z0-9\-_.~$&+,/:;=@!'()*%\[\]]")


def _escaped_path(value: Url) -> str:
    return _PATH_SAFE.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), value.parts.path
    )


def _query(value: Url) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, item in parse_qsl(value.parts.query, keep_blank_values=True):
        found.setdefault(name, []).append(item)
    return found


_U = "kubernetes.URL"
URLS = (
    overload(f"url(string) -> {_U}", parse_url, walk),
    overload("isURL(string) -> bool", parses(parse_url)),
    method(_U, "getScheme() -> string", lambda value: value.parts.scheme),
    method(_U, "getHost() -> string", _host),
    method(_U, "getHostname() -> string", _hostname),
    method(_U, "getPort() -> string", _port),
    method(_U, "getEscapedPath() -> string", _escaped_path),
    method(_U, "getQuery() -> map<string, list<string>>", _query),
)
