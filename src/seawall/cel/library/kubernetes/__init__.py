"""Kubernetes' own types: quantities, addresses, URLs, named formats, semantic versions, regular expressions."""

from seawall.cel.environment import overload
from seawall.cel.library.conversions import walk
from seawall.cel.library.kubernetes.formats import FORMATS, FORMATS_BY_NAME
from seawall.cel.library.kubernetes.network import NETWORK
from seawall.cel.library.kubernetes.quantity import QUANTITY, parse_quantity
from seawall.cel.library.kubernetes.regex import REGEX
from seawall.cel.library.kubernetes.semver import SEMVER
from seawall.cel.library.kubernetes.urls import URLS

ESCAPE_KEY = overload(
    "jsonpatch:escapeKey(string) -> string", lambda text: text.replace("~", "~0").replace("/", "~1"), walk
)

__all__ = [
    "ESCAPE_KEY",
    "FORMATS",
    "FORMATS_BY_NAME",
    "NETWORK",
    "QUANTITY",
    "REGEX",
    "SEMVER",
    "URLS",
    "parse_quantity",
]
