"""Addresses and ranges of addresses."""

from __future__ import annotations

import ipaddress
import re

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.conversions import walk
from seawall.cel.library.kubernetes.making import method, parses
from seawall.cel.operators import size, tenth
from seawall.cel.values import Opaque


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
    overload("ip:isCanonical(string) -> bool", lambda text: str(parse_ip(text).address) == text, lambda _, t: tenth(2 * size(t))),
    overload("isIP(string) -> bool", parses(parse_ip), walk),
    overload(f"string({_I}) -> string", lambda value: str(value.address)),
    method(_I, "family() -> int", lambda value: value.address.version),
    method(_I, "isUnspecified() -> bool", lambda value: value.address.is_unspecified),
    method(_I, "isLoopback() -> bool", lambda value: value.address.is_loopback),
    method(_I, "isLinkLocalMulticast() -> bool", _link_local_multicast),
    method(_I, "isLinkLocalUnicast() -> bool", lambda value: value.address.is_link_local),
    method(_I, "isGlobalUnicast() -> bool", _global_unicast),
    overload(f"cidr(string) -> {_C}", parse_cidr, walk),
    overload("isCIDR(string) -> bool", parses(parse_cidr), walk),
    overload(f"string({_C}) -> string", lambda value: str(value.interface)),
    method(_C, "containsIP(string) -> bool", lambda a, b: _contains_ip(a, parse_ip(b)),
            lambda _, a, b: tenth(2 * size(a)) + tenth(size(b))),
    method(_C, f"containsIP({_I}) -> bool", _contains_ip, lambda _, a, __: tenth(2 * size(a))),
    method(_C, "containsCIDR(string) -> bool", lambda a, b: _contains_cidr(a, parse_cidr(b)),
            lambda _, a, b: tenth(2 * size(a)) + tenth(size(a)) + 1 + tenth(size(b))),
    method(_C, "containsCIDR(self) -> bool", _contains_cidr,
            lambda _, a, __: tenth(2 * size(a)) + tenth(size(a)) + 1),
    method(_C, f"ip() -> {_I}", lambda value: Ip(value.interface.ip)),
    method(_C, "prefixLength() -> int", lambda value: value.interface.network.prefixlen),
    method(_C, "masked() -> self", _masked),
)  # fmt: skip
