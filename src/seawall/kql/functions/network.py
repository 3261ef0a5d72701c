"""Functions on IP addresses (docs: query/ipv4 and ipv6 functions). An IPv6 function also takes IPv4 addresses."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from seawall.kql.functions.registry import python, special

_OCTET = r"(0|[1-9]\d{0,2})"
_V4 = re.compile(rf"\s*{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}(?:/(\d{{1,2}}))?\s*$", re.ASCII)
"""Space around an address is passed over and a leading zero refused (duckdb-kql, measured on the Kusto emulator)."""


def parse_v4(text: Any) -> tuple[int, int] | None:
    """Read `a.b.c.d[/n]`: the address as a number and its prefix length."""
    match = _V4.match(text) if isinstance(text, str) else None
    if not match:
        return None
    parts = [int(part) for part in match.groups()[:4]]
    prefix = 32 if match[5] is None else int(match[5])
    if max(parts) > 255 or prefix > 32:
        return None
    return parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3], prefix


@lru_cache(maxsize=4096)
def parse_v6(text: str) -> tuple[int, int] | None:
    """Read an IPv6 address or an IPv4 one (as ::ffff:a.b.c.d), with its prefix.

    After a dotted ending the prefix counts the 32 bits of that (duckdb-kql, measured: /24 of ::ffff:1.2.3.4).
    """
    v4 = parse_v4(text)
    if v4 is not None:
        return (0xFFFF << 32) | v4[0], 96 + v4[1]
    address, slash, length = text.strip().partition("/")
    dotted = "." in address
    if dotted and address.startswith("::") and ":" not in address[2:]:
        address = (
            f"::ffff:{address[2:]}"  # ::1.2.3.4 is the IPv4 address too (docs: parse_ipv6_mask, ipv6_compare)
        )
    width = 32 if dotted else 128
    if slash and not (length.isascii() and length.isdigit() and int(length) <= width):
        return None
    import ipaddress

    try:
        return int(ipaddress.IPv6Address(address)), 128 - width + int(length) if slash else 128
    except ValueError:
        return None


def _mask(bits: int, width: int) -> int:
    return ((1 << bits) - 1) << (width - bits) if bits > 0 else 0


def v4_text(number: int) -> str:
    """Write an IPv4 address."""
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


@python("parse_ipv4", "text", "long")
def parse_ipv4(text: str) -> int | None:
    """`parse_ipv4(ip)`: the number, with the prefix's mask applied."""
    found = parse_v4(text)
    return None if found is None else found[0] & _mask(found[1], 32)


@python("parse_ipv4_mask", "text long", "long")
def parse_ipv4_mask(text: str, prefix: int) -> int | None:
    """`parse_ipv4_mask(ip, prefix)`."""
    found = parse_v4(text)
    return None if found is None or not 0 <= prefix <= 32 else found[0] & _mask(min(found[1], prefix), 32)


def _v6_text(number: int) -> str:
    return ":".join(f"{number >> shift & 0xFFFF:04x}" for shift in range(112, -1, -16))


@python("parse_ipv6", "text", "string")
def parse_ipv6(text: str) -> str | None:
    """`parse_ipv6(ip)`: the full form, with the prefix's mask applied."""
    found = parse_v6(text)
    return None if found is None else _v6_text(found[0] & _mask(found[1], 128))


@python("parse_ipv6_mask", "text long", "string")
def parse_ipv6_mask(text: str, prefix: int) -> str | None:
    """`parse_ipv6_mask(ip, prefix)`."""
    found = parse_v6(text)
    if found is None or not 0 <= prefix <= 128:
        return None
    return _v6_text(found[0] & _mask(min(found[1], prefix), 128))


def _compare4(left: Any, right: Any, prefix: int | None) -> int | None:
    a, b = parse_v4(left), parse_v4(right)
    if a is None or b is None or (prefix is not None and not 0 <= prefix <= 32):
        return None
    mask = _mask(min(a[1], b[1], 32 if prefix is None else prefix), 32)
    x, y = a[0] & mask, b[0] & mask
    return (x > y) - (x < y)


def _compare6(left: Any, right: Any, prefix: int | None) -> int | None:
    a, b = parse_v6(left), parse_v6(right)
    if a is None or b is None or (prefix is not None and not 0 <= prefix <= 128):
        return None
    mask = _mask(min(a[1], b[1], 128 if prefix is None else prefix), 128)
    x, y = a[0] & mask, b[0] & mask
    return (x > y) - (x < y)


python("ipv4_compare", "text text long?", "long")(_compare4)
python("ipv6_compare", "text text long?", "long")(_compare6)


def _equals(compare: Any) -> Any:
    def match(left: Any, right: Any, prefix: int | None) -> bool | None:
        out = compare(left, right, prefix)
        return None if out is None else out == 0

    return match


python("ipv4_is_match", "text text long?", "bool")(_equals(_compare4))
python("ipv6_is_match", "text text long?", "bool")(_equals(_compare6))


def in_range4(address: Any, network: Any) -> bool | None:
    """Tell whether an IPv4 address lies in a network."""
    a, b = parse_v4(address), parse_v4(network)
    if a is None or b is None:
        return None
    mask = _mask(b[1], 32)
    return a[0] & mask == b[0] & mask and a[1] >= b[1]


def in_range6(address: Any, network: Any) -> bool | None:
    """Tell whether an address lies in a network."""
    a, b = parse_v6(address), parse_v6(network)
    if a is None or b is None:
        return None
    mask = _mask(b[1], 128)
    return a[0] & mask == b[0] & mask and a[1] >= b[1]


python("ipv4_is_in_range", "text text", "bool")(in_range4)
python("ipv6_is_in_range", "text text", "bool")(in_range6)


def _any_range(test: Any) -> Any:
    def bound(values: list[Any]) -> bool | None:
        address, *ranges = values
        flat = [one for item in ranges for one in (item if isinstance(item, list) else [item])]
        if not isinstance(address, str):
            return None
        flat = [one if isinstance(one, str) else "" for one in flat]
        answers = [test(address, one) for one in flat]
        if any(answers):
            return True
        return None if all(answer is None for answer in answers) else False

    return bound


def _declare_any(name: str, test: Any) -> None:
    from seawall.kql.bind.values import Ex, to_json
    from seawall.kql.functions.registry import udf

    def bound(binder: Any, node: Any, scope: Any) -> Any:
        parts = ", ".join(f"coalesce({to_json(value)}, 'null')" for value in binder.args(node, scope))
        return Ex(f"k_{name}('[' || concat_ws(',', {parts}) || ']')", "bool")

    udf(name, "dynamic", "bool", _any_range(test))
    special(name)(bound)


_declare_any("ipv4_is_in_any_range", in_range4)
_declare_any("ipv6_is_in_any_range", in_range6)

_PRIVATE = [("10.0.0.0/8"), ("172.16.0.0/12"), ("192.168.0.0/16")]


@python("ipv4_is_private", "text", "bool")
def ipv4_is_private(text: str) -> bool | None:
    """`ipv4_is_private(ip)`: RFC 1918."""
    if parse_v4(text) is None:
        return None
    return any(in_range4(text, network) for network in _PRIVATE)


@python("ipv4_netmask_suffix", "text", "long")
def ipv4_netmask_suffix(text: str) -> int | None:
    """`ipv4_netmask_suffix(ip)`."""
    found = parse_v4(text)
    return None if found is None else found[1]


@python("ipv4_range_to_cidr_list", "text text", "dynamic")
def ipv4_range_to_cidr_list(first: str, last: str) -> list[str] | None:
    """`ipv4_range_to_cidr_list(first, last)`."""
    a, b = parse_v4(first), parse_v4(last)
    if a is None or b is None or a[0] > b[0]:
        return None
    out: list[str] = []
    at = a[0]
    while at <= b[0]:
        size = at & -at if at else 1 << 32
        while size > b[0] - at + 1:
            size >>= 1
        out.append(f"{v4_text(at)}/{32 - size.bit_length() + 1}")
        at += size
    return out


def _format(value: Any, prefix: int | None, *, with_mask: bool) -> str:
    if isinstance(value, str):
        found = parse_v4(value)
        if found is None:
            return ""
        number, own = found
    elif isinstance(value, int) and 0 <= value < 1 << 32:
        number, own = value, 32
    else:
        return ""
    if prefix is not None and not 0 <= prefix <= 32:
        return ""
    bits = own if prefix is None else min(prefix, own) if isinstance(value, str) else prefix
    text = v4_text(number & _mask(bits, 32))
    return f"{text}/{bits}" if with_mask else text


@python("format_ipv4", "json long?", "string")
def format_ipv4(value: Any, prefix: int | None) -> str:
    """`format_ipv4(ip or number [, prefix])`."""
    return _format(value, prefix, with_mask=False)


@python("format_ipv4_mask", "json long?", "string")
def format_ipv4_mask(value: Any, prefix: int | None) -> str:
    """`format_ipv4_mask(ip or number [, prefix])`."""
    return _format(value, prefix, with_mask=True)


_IN_TEXT = re.compile(r"(?<![0-9A-Za-z.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![0-9A-Za-z])(?!\.\d)")


def _addresses(text: str) -> list[str]:
    return [found for found in _IN_TEXT.findall(text) if parse_v4(found) is not None]


def _has(text: str, wanted: list[Any]) -> bool:
    return any(one in wanted for one in _addresses(text))


def _has_prefix(text: str, wanted: list[Any]) -> bool:
    return any(
        one == w or (isinstance(w, str) and w.endswith(".") and one.startswith(w))
        for one in _addresses(text)
        for w in wanted
    )


def _searcher(name: str, test: Any, *, strict: bool) -> None:
    from seawall.kql.bind.values import Ex, to_json
    from seawall.kql.functions.registry import coerce, udf

    def run(text: str, values: list[Any]) -> bool:
        flat = [one for item in values for one in (item if isinstance(item, list) else [item])]
        if strict:
            flat = [one for one in flat if parse_v4(one) is not None and "/" not in one]
        return bool(test(text, flat))

    def bound(binder: Any, node: Any, scope: Any) -> Any:
        values = binder.args(node, scope)
        parts = ", ".join(f"coalesce({to_json(value)}, 'null')" for value in values[1:])
        return Ex(
            f"k_{name}({coerce(values[0], 'string', node.pos, name)}, '[' || concat_ws(',', {parts}) || ']')",
            "bool",
        )

    udf(name, "string dynamic", "bool", run)
    special(name)(bound)


for _name in ("has_ipv4", "has_any_ipv4"):
    _searcher(_name, _has, strict=True)
for _name in ("has_ipv4_prefix", "has_any_ipv4_prefix"):
    _searcher(_name, _has_prefix, strict=False)
