"""Kubernetes' own types: quantities, addresses, URLs, named formats, semantic versions, regular expressions."""

from __future__ import annotations

import ipaddress
import re
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.conversions import regex_cost, walk
from seawall.cel.operators import tenth
from seawall.cel.values import INT_MAX, INT_MIN, NONE, Opaque, Optional, check_regex

# ---- quantities (apimachinery pkg/api/resource) ----

_QUANTITY = re.compile(
    r"([+-]?)([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)
_SUFFIX = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": Fraction(10**3),
    "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "P": Fraction(10**15), "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40), "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}  # fmt: skip
_NANO = Fraction(1, 10**9)


class Quantity(Opaque):
    """An amount such as `500m` or `1Gi`, exact."""

    __slots__ = ("amount",)
    kind = "kubernetes.Quantity"

    def __init__(self, amount: Fraction) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)


def parse_quantity(text: str) -> Quantity:
    """Read a quantity; finer than a nano is rounded up, away from zero. Raises CelError."""
    match = _QUANTITY.fullmatch(text) if len(text) < 1000 else None
    if match is None or not (match[2] or match[3]):
        raise CelError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    digits = int((match[2] or "") + (match[3] or ""))
    suffix = match[4] or ""
    if suffix in _SUFFIX:
        scale = _SUFFIX[suffix]
    else:
        power = int(suffix[1:])
        if abs(power) > 1000:
            raise CelError("unable to parse quantity's suffix")
        scale = Fraction(10) ** power
    amount = Fraction(digits, 10 ** len(match[3] or "")) * scale
    rounded = -(-amount // _NANO) * _NANO
    return Quantity(-rounded if match[1] == "-" else rounded)


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except CelError:
        return False
    return True


def _as_integer(value: Quantity) -> int:
    if value.amount.denominator != 1 or not INT_MIN <= value.amount <= INT_MAX:
        raise CelError("cannot convert value to integer")
    return int(value.amount)


def _sign(value: Quantity) -> int:
    return (value.amount > 0) - (value.amount < 0)


def _compare(a: Quantity, b: Quantity) -> int:
    return (a.amount > b.amount) - (a.amount < b.amount)


_Q = "kubernetes.Quantity"


def _method(receiver: str, rest: str, call: Any, cost: Any = None) -> Any:
    """Make a method of a type whose own name has dots."""
    made = overload("x." + rest, call, cost)
    args = tuple(_named(arg, receiver) for arg in made.args)
    return made._replace(args=args, result=_named(made.result, receiver))


def _named(kind: Any, receiver: str) -> Any:
    return kind._replace(kind=receiver) if kind.kind in {"x", "self"} else kind


QUANTITY = (
    overload(f"quantity(string) -> {_Q}", parse_quantity, walk),
    overload("isQuantity(string) -> bool", _is_quantity, walk),
    overload(f"sign({_Q}) -> int", _sign),
    _method(_Q, "isGreaterThan(self) -> bool", lambda a, b: a.amount > b.amount),
    _method(_Q, "isLessThan(self) -> bool", lambda a, b: a.amount < b.amount),
    _method(_Q, "compareTo(self) -> int", _compare),
    _method(_Q, "asApproximateFloat() -> double", lambda a: float(a.amount)),
    _method(_Q, "asInteger() -> int", _as_integer),
    _method(
        _Q, "isInteger() -> bool", lambda a: a.amount.denominator == 1 and INT_MIN <= a.amount <= INT_MAX
    ),
    _method(_Q, "add(self) -> self", lambda a, b: Quantity(a.amount + b.amount)),
    _method(_Q, "add(int) -> self", lambda a, b: Quantity(a.amount + b)),
    _method(_Q, "sub(self) -> self", lambda a, b: Quantity(a.amount - b.amount)),
    _method(_Q, "sub(int) -> self", lambda a, b: Quantity(a.amount - b)),
)

# ---- addresses ----


class Ip(Opaque):
    """An IP address."""

    __slots__ = ("address",)
    kind = "net.IP"

    def __init__(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        self.address = address

    @property
    def cost_size(self) -> int:
        """Bytes, rounded up (the reference's Size)."""
        return self.address.max_prefixlen // 8

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ip) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)


class Cidr(Opaque):
    """A range of addresses; host bits may be set."""

    __slots__ = ("interface",)
    kind = "net.CIDR"

    def __init__(self, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> None:
        self.interface = interface

    @property
    def cost_size(self) -> int:
        """Bytes of the prefix, rounded up."""
        return -(-self.interface.network.prefixlen // 8)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cidr) and self.interface == other.interface

    def __hash__(self) -> int:
        return hash(self.interface)


def parse_ip(text: str) -> Ip:
    """Read an address; zones and IPv4 in IPv6 are refused. Raises CelError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise CelError(f'IP Address "{text[:80]}" parse error during conversion from string') from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise CelError(f'IP address "{text[:80]}" with zone value is not allowed')
        if address.ipv4_mapped is not None:
            raise CelError(f'IPv4-mapped IPv6 address "{text[:80]}" is not allowed')
    return Ip(address)


_CIDR = re.compile(r"[0-9A-Fa-f:.]+/(?:0|[1-9][0-9]{0,2})", re.ASCII)


def parse_cidr(text: str) -> Cidr:
    """Read a range. Raises CelError."""
    try:
        if not _CIDR.fullmatch(text):
            raise ValueError(text)
        found = ipaddress.ip_interface(text)
    except ValueError:
        raise CelError("network address parse error during conversion from string") from None
    if isinstance(found, ipaddress.IPv6Interface) and found.ip.ipv4_mapped is not None:
        raise CelError(f'IPv4-mapped IPv6 address "{text[:80]}" is not allowed')
    return Cidr(found)


def _good(parse: Any) -> Any:
    def test(text: str) -> bool:
        try:
            parse(text)
        except CelError:
            return False
        return True

    return test


def _global_unicast(value: Ip) -> bool:
    address = value.address
    limited = isinstance(address, ipaddress.IPv4Address) and int(address) == 2**32 - 1
    return not (
        limited
        or address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
    )


def _link_local_multicast(value: Ip) -> bool:
    number = int(value.address)
    if isinstance(value.address, ipaddress.IPv4Address):
        return number >> 8 == 0xE00000
    return (number >> 112) & 0xFF0F == 0xFF02


def _contains_ip(one: Cidr, other: Ip) -> bool:
    return one.interface.version == other.address.version and other.address in one.interface.network


def _contains_cidr(one: Cidr, other: Cidr) -> bool:
    a, b = one.interface.network, other.interface.network
    return a.version == b.version and a.overlaps(b) and a.prefixlen <= b.prefixlen


def _masked(value: Cidr) -> Cidr:
    network = value.interface.network
    return Cidr(ipaddress.ip_interface(f"{network.network_address}/{network.prefixlen}"))


_I, _C = "net.IP", "net.CIDR"
NETWORK = (
    overload(f"ip(string) -> {_I}", parse_ip, walk),
    overload("ip:isCanonical(string) -> bool", lambda text: str(parse_ip(text).address) == text, lambda _, t: tenth(2 * len(t))),
    overload("isIP(string) -> bool", _good(parse_ip), walk),
    overload(f"string({_I}) -> string", lambda value: str(value.address)),
    _method(_I, "family() -> int", lambda value: value.address.version),
    _method(_I, "isUnspecified() -> bool", lambda value: value.address.is_unspecified),
    _method(_I, "isLoopback() -> bool", lambda value: value.address.is_loopback),
    _method(_I, "isLinkLocalMulticast() -> bool", _link_local_multicast),
    _method(_I, "isLinkLocalUnicast() -> bool", lambda value: value.address.is_link_local),
    _method(_I, "isGlobalUnicast() -> bool", _global_unicast),
    overload(f"cidr(string) -> {_C}", parse_cidr, walk),
    overload("isCIDR(string) -> bool", _good(parse_cidr), walk),
    overload(f"string({_C}) -> string", lambda value: str(value.interface)),
    _method(_C, "containsIP(string) -> bool", lambda a, b: _contains_ip(a, parse_ip(b)),
            lambda _, a, b: tenth(2 * a.cost_size) + tenth(len(b))),
    _method(_C, f"containsIP({_I}) -> bool", _contains_ip, lambda _, a, __: tenth(2 * a.cost_size)),
    _method(_C, "containsCIDR(string) -> bool", lambda a, b: _contains_cidr(a, parse_cidr(b)),
            lambda _, a, b: tenth(2 * a.cost_size) + tenth(a.cost_size) + 1 + tenth(len(b))),
    _method(_C, "containsCIDR(self) -> bool", _contains_cidr,
            lambda _, a, __: tenth(2 * a.cost_size) + tenth(a.cost_size) + 1),
    _method(_C, f"ip() -> {_I}", lambda value: Ip(value.interface.ip)),
    _method(_C, "prefixLength() -> int", lambda value: value.interface.network.prefixlen),
    _method(_C, "masked() -> self", _masked),
)  # fmt: skip

# ---- URLs (Go's url.ParseRequestURI) ----


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
    overload("isURL(string) -> bool", _good(parse_url)),
    _method(_U, "getScheme() -> string", lambda value: value.parts.scheme),
    _method(_U, "getHost() -> string", _host),
    _method(_U, "getHostname() -> string", _hostname),
    _method(_U, "getPort() -> string", _port),
    _method(_U, "getEscapedPath() -> string", _escaped_path),
    _method(_U, "getQuery() -> map<string, list<string>>", _query),
)

# ---- regular expressions ----


def _find(text: str, pattern: str) -> str:
    match = check_regex(pattern).search(text)
    return match.group(0) if match else ""


def _find_all(text: str, pattern: str, count: int = -1) -> list[str]:
    found: list[str] = []
    for match in check_regex(pattern).finditer(text):
        if 0 <= count <= len(found):
            break
        found.append(match.group(0))
    return found


REGEX = (
    overload("string.find(string) -> string", _find, regex_cost),
    overload("string.findAll(string) -> list<string>", _find_all, regex_cost),
    overload("string.findAll(string, int) -> list<string>", _find_all, regex_cost),
)

# ---- named formats ----


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
        Format("uri", 1000, lambda text: [] if _good(parse_url)(text) else ["invalid URI for request"]),
        Format(
            "uuid",
            50,
            _pattern(
                r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
                0,
                "does not match the UUID format",
            ),
        ),
        Format(
            "byte",
            50,
            _pattern(
                r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})",
                0,
                "invalid base64",
            ),
        ),
        Format("date", 50, _date),
        Format("datetime", 50, lambda text: [] if _good(_datetime)(text) else ["invalid datetime"]),
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
    _method(_F, "validate(string) -> optional<list<string>>", _validate,
            lambda _, given, text: tenth(1 + len(text)) * -(-given.size // 4)),
    *(overload(f"format:{name}() -> {_F}", lambda found=found: found) for name, found in FORMATS_BY_NAME.items()),
)  # fmt: skip

# ---- semantic versions ----

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


class Semver(Opaque):
    """A semantic version 2.0.0; build metadata does not count."""

    __slots__ = ("numbers", "order", "text")
    kind = "kubernetes.Semver"

    def __init__(self, numbers: tuple[int, int, int], prerelease: str) -> None:
        self.numbers = numbers
        words = tuple(
            (0, int(word), "") if word.isdigit() else (1, 0, word)
            for word in prerelease.split(".")
            if prerelease
        )
        self.order = (numbers, not words, words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order)


def parse_semver(text: str, normalize: bool = False) -> Semver:
    """Read a version; `normalize` allows `v`, missing parts and leading zeros. Raises CelError."""
    if normalize:
        head = re.match(r"v?([0-9]+(?:\.[0-9]+){0,2})(?=$|[-+])", text, re.ASCII)
        if head:
            parts = [str(int(part)) for part in head[1].split(".") if len(part) < 20]
            text = ".".join(([*parts, "0", "0"])[:3]) + text[head.end() :]
    match = _SEMVER.fullmatch(text) if len(text) < 1000 else None
    if match is None or any(int(match[n]) >= 2**64 for n in (1, 2, 3)):
        raise CelError(f"invalid semantic version {text[:80]!r}")
    return Semver((int(match[1]), int(match[2]), int(match[3])), match[4] or "")


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        parse_semver(text, normalize)
    except CelError:
        return False
    return True


_S = "kubernetes.Semver"
SEMVER = (
    overload(f"semver(string) -> {_S}", parse_semver, walk),
    overload(f"semver(string, bool) -> {_S}", parse_semver, walk),
    overload("isSemver(string) -> bool", _is_semver, walk),
    overload("isSemver(string, bool) -> bool", _is_semver, walk),
    _method(_S, "isGreaterThan(self) -> bool", lambda a, b: a.order > b.order),
    _method(_S, "isLessThan(self) -> bool", lambda a, b: a.order < b.order),
    _method(_S, "compareTo(self) -> int", lambda a, b: (a.order > b.order) - (a.order < b.order)),
    _method(_S, "major() -> int", lambda a: a.numbers[0]),
    _method(_S, "minor() -> int", lambda a: a.numbers[1]),
    _method(_S, "patch() -> int", lambda a: a.numbers[2]),
)

ESCAPE_KEY = overload(
    "jsonpatch:escapeKey(string) -> string", lambda text: text.replace("~", "~0").replace("/", "~1"), walk
)
