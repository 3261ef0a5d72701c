"""Network security groups: which rule of which group decides a packet (specs b6)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.model import Address, Network, read_address

if TYPE_CHECKING:
    from collections.abc import Iterable

PLATFORM = {
    "168.63.129.16": frozenset({"azureplatformdns"}),
    "169.254.169.254": frozenset({"azureplatformimds"}),
}
"""Addresses that no group holds back unless a rule names their tag (specs b6; azure-docs overview)."""

_PRIVATE = tuple(
    ipaddress.ip_network(item) for item in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
PROBE = ipaddress.ip_address("168.63.129.16")
_EVERY = (0, 65_535)


class Topology(msgspec.Struct, frozen=True):
    """What service tags mean here: the spaces of the virtual network and of what is joined to it.

    Without a virtual network in the snapshot the private ranges of RFC 1918 and RFC 6598 stand for it. `routed` are the
    prefixes of routes of one's own, which the tag VirtualNetwork holds too (specs b6).
    """

    vnet: tuple[Network, ...] = _PRIVATE
    tags: dict[str, tuple[Network, ...]] = {}
    routed: tuple[Network, ...] = ()

    def inside(self, address: Address) -> bool:
        """Tell whether an address is of the virtual network itself, or the platform's own."""
        return address == PROBE or any(
            address.version == item.version and address in item for item in self.vnet
        )

    def in_tag(self, tag: str, address: Address) -> bool | None:
        """Tell whether an address belongs to a service tag; None where nobody said what the tag holds."""
        name = tag.lower()
        inside = self.inside(address) or any(
            address.version == item.version and address in item for item in self.routed
        )
        if name == "virtualnetwork":
            return inside
        if name == "azureloadbalancer":
            return address == PROBE
        if name == "internet":
            return not inside
        if name in {"azureplatformdns", "azureplatformimds", "azureplatformlkm"}:
            return name in PLATFORM.get(str(address), frozenset())
        known = self.tags.get(name)
        if known is None:
            return None
        return any(address.version == item.version and address in item for item in known)


class NsgRule(msgspec.Struct, frozen=True):
    """One security rule; singular and plural fields of ARM are one set here."""

    name: str
    priority: int
    direction: str
    allow: bool
    protocol: str
    sources: tuple[str, ...]
    source_ports: tuple[tuple[int, int], ...]
    destinations: tuple[str, ...]
    destination_ports: tuple[tuple[int, int], ...]
    source_groups: frozenset[str] = frozenset()
    destination_groups: frozenset[str] = frozenset()
    final: bool = True


class Nsg(msgspec.Struct, frozen=True):
    """A group with its rules in the order of their priority, defaults included, and what it is attached to."""

    name: str
    id: str
    inbound: tuple[NsgRule, ...]
    outbound: tuple[NsgRule, ...]
    on_subnet: bool = False
    on_nic: bool = False


class Flow(msgspec.Struct, frozen=True):
    """A packet's header as a group sees it; ports None where the protocol has none."""

    direction: str
    protocol: str
    source: Address
    source_port: int | None
    destination: Address
    destination_port: int | None
    source_groups: frozenset[str] = frozenset()
    destination_groups: frozenset[str] = frozenset()


class Stop(msgspec.Struct, frozen=True):
    """What one group says; `verdict` is allow, deny or unknown (a service tag that nobody explained)."""

    nsg: str
    rule: str
    verdict: str
    priority: int = 0


def _default(name: str, priority: int, direction: str, allow: bool, source: str, destination: str) -> NsgRule:
    return NsgRule(name, priority, direction, allow, "*", (source,), (_EVERY,), (destination,), (_EVERY,))


DEFAULTS: tuple[NsgRule, ...] = (
    _default("AllowVnetInBound", 65_000, "inbound", True, "VirtualNetwork", "VirtualNetwork"),
    _default("AllowAzureLoadBalancerInBound", 65_001, "inbound", True, "AzureLoadBalancer", "*"),
    _default("DenyAllInBound", 65_500, "inbound", False, "*", "*"),
    _default("AllowVnetOutBound", 65_000, "outbound", True, "VirtualNetwork", "VirtualNetwork"),
    _default("AllowInternetOutBound", 65_001, "outbound", True, "*", "Internet"),
    _default("DenyAllOutBound", 65_500, "outbound", False, "*", "*"),
)
"""The rules that every group ends with (azure-docs network-security-groups-overview @0088bfa7, 2026-11-20)."""


def read_nsg(raw: dict[str, Any]) -> Nsg:
    """Read a group of ARM or Resource Graph form.

    Raises:
        InputError: a rule that ARM would refuse: no number as priority, an access or direction that is none.
    """
    properties = raw.get("properties") or raw
    name = str(raw.get("name") or "")
    rules = [
        read_rule(item, f"{name}.securityRules[{n}]")
        for n, item in enumerate(properties.get("securityRules") or [])
    ]
    rules += DEFAULTS
    order = sorted(rules, key=lambda item: item.priority)
    return Nsg(
        name=name,
        id=str(raw.get("id") or name),
        inbound=tuple(item for item in order if item.direction == "inbound"),
        outbound=tuple(item for item in order if item.direction == "outbound"),
        on_subnet=bool(properties.get("subnets")),
        on_nic=bool(properties.get("networkInterfaces")),
    )


def read_rule(raw: dict[str, Any], where: str) -> NsgRule:
    """Read one security rule."""
    body = raw.get("properties") or raw
    direction, access = str(body.get("direction") or "").lower(), str(body.get("access") or "").lower()
    priority = body.get("priority")
    if direction not in {"inbound", "outbound"}:
        raise InputError(f"{where}.direction: {body.get('direction')!r} is neither Inbound nor Outbound")
    if access not in {"allow", "deny"}:
        raise InputError(f"{where}.access: {body.get('access')!r} is neither Allow nor Deny")
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise InputError(f"{where}.priority: {priority!r} is not a number")
    protocol = str(body.get("protocol") or "*").lower()
    return NsgRule(
        name=str(raw.get("name") or ""),
        priority=priority,
        direction=direction,
        allow=access == "allow",
        protocol="*" if protocol in {"*", "any"} else protocol,
        sources=_both(body, "sourceAddressPrefix", "sourceAddressPrefixes"),
        source_ports=_ports(_both(body, "sourcePortRange", "sourcePortRanges"), where),
        destinations=_both(body, "destinationAddressPrefix", "destinationAddressPrefixes"),
        destination_ports=_ports(_both(body, "destinationPortRange", "destinationPortRanges"), where),
        source_groups=_groups(body.get("sourceApplicationSecurityGroups")),
        destination_groups=_groups(body.get("destinationApplicationSecurityGroups")),
    )


def read_admin_rule(raw: dict[str, Any]) -> NsgRule:
    """Read a security admin rule of Azure Virtual Network Manager; `final` says that no group is asked after it.

    Deny and AlwaysAllow are final, Allow leaves the word to the groups (specs b6).
    """
    body = raw.get("properties") or raw
    name = str(raw.get("name") or "")
    access, direction = str(body.get("access") or "").lower(), str(body.get("direction") or "").lower()
    if access not in {"allow", "deny", "alwaysallow"}:
        raise InputError(f"{name}.access: {body.get('access')!r} is neither Allow, Deny nor AlwaysAllow")
    if direction not in {"inbound", "outbound"}:
        raise InputError(f"{name}.direction: {body.get('direction')!r} is neither Inbound nor Outbound")
    protocol = str(body.get("protocol") or "*").lower()
    return NsgRule(
        name=name,
        priority=int(body.get("priority") or 0),
        direction=direction,
        allow=access != "deny",
        protocol="*" if protocol in {"*", "any"} else protocol,
        sources=_admin_prefixes(body.get("sources")),
        source_ports=_ports(map(str, body.get("sourcePortRanges") or ["*"]), name),
        destinations=_admin_prefixes(body.get("destinations")),
        destination_ports=_ports(map(str, body.get("destinationPortRanges") or ["*"]), name),
        final=access != "allow",
    )


def _admin_prefixes(value: Any) -> tuple[str, ...]:
    found = tuple(str(item.get("addressPrefix") or "*") for item in value or [] if isinstance(item, dict))
    return found or ("*",)


def decide_admin(rules: tuple[NsgRule, ...], flow: Flow, topology: Topology) -> tuple[Stop, bool] | None:
    """Return what the security admin rules say and whether that is final; None where none speaks of the flow."""
    for rule in rules:
        if rule.direction != flow.direction:
            continue
        matched = matches(rule, flow, topology)
        if matched is None:
            return Stop("security-admin", rule.name, "unknown", rule.priority), True
        if matched:
            return Stop(
                "security-admin", rule.name, "allow" if rule.allow else "deny", rule.priority
            ), rule.final
    return None


def covers(wide: NsgRule, narrow: NsgRule) -> bool:
    """Tell whether every flow of one rule is a flow of another, by what is written: tags are equal or `*`."""
    if wide.protocol not in ("*", narrow.protocol):
        return False
    for outer, inner in (
        (wide.source_ports, narrow.source_ports),
        (wide.destination_ports, narrow.destination_ports),
    ):
        if not all(any(low <= first and last <= high for low, high in outer) for first, last in inner):
            return False
    return _prefixes_cover(wide.sources, wide.source_groups, narrow.sources, narrow.source_groups) and (
        _prefixes_cover(
            wide.destinations, wide.destination_groups, narrow.destinations, narrow.destination_groups
        )
    )


def _prefixes_cover(
    outer: tuple[str, ...], outer_groups: frozenset[str], inner: tuple[str, ...], inner_groups: frozenset[str]
) -> bool:
    if "*" in outer or "Any" in outer:
        return True
    if outer_groups or inner_groups:
        return bool(inner_groups) and inner_groups <= outer_groups
    return bool(inner) and all(any(_covers(item, one) for item in outer) for one in inner)


def _covers(outer: str, inner: str) -> bool:
    if outer.lower() == inner.lower():
        return True
    try:
        wide, narrow = ipaddress.ip_network(outer, strict=False), ipaddress.ip_network(inner, strict=False)
    except ValueError:
        return False
    return wide.version == narrow.version and narrow.subnet_of(wide)  # type: ignore[arg-type]


def _both(body: dict[str, Any], singular: str, plural: str) -> tuple[str, ...]:
    """Return the values of the singular and the plural field: both may be there (specs b6: augmented)."""
    found = [str(item) for item in body.get(plural) or []]
    if body.get(singular) not in (None, ""):
        found.insert(0, str(body[singular]))
    return tuple(found)


def _groups(value: Any) -> frozenset[str]:
    return frozenset(str(item.get("id") or "").lower() for item in value or [] if isinstance(item, dict))


def _ports(values: Iterable[str], where: str) -> tuple[tuple[int, int], ...]:
    found = []
    for value in values:
        if value in {"*", "Any"}:
            found.append(_EVERY)
            continue
        low, dash, high = value.partition("-")
        try:
            found.append((int(low), int(high) if dash else int(low)))
        except ValueError:
            raise InputError(f"{where}: {value!r} is no port and no range of ports") from None
    return tuple(found)


def decide(nsg: Nsg, flow: Flow, topology: Topology) -> Stop:
    """Return the first rule, by priority, that speaks of the flow."""
    rules = nsg.inbound if flow.direction == "inbound" else nsg.outbound
    platform = PLATFORM.get(str(flow.destination)) if flow.direction == "outbound" else None
    for rule in rules:
        if platform is not None and not platform & {item.lower() for item in rule.destinations}:
            continue
        matched = matches(rule, flow, topology)
        if matched is None:
            return Stop(nsg.name, rule.name, "unknown", rule.priority)
        if matched:
            return Stop(nsg.name, rule.name, "allow" if rule.allow else "deny", rule.priority)
    # Only the platform's own addresses come here: every other flow meets a default rule.
    return Stop(nsg.name, "", "allow")


def matches(rule: NsgRule, flow: Flow, topology: Topology) -> bool | None:
    """Tell whether a rule speaks of a flow; None where a service tag's members are not known."""
    if rule.protocol not in ("*", flow.protocol):
        return False
    # ICMP, ESP and AH have no ports: a rule's ports do not keep them out.
    if flow.protocol in {"tcp", "udp", "*"} and not (
        _in_ports(rule.source_ports, flow.source_port)
        and _in_ports(rule.destination_ports, flow.destination_port)
    ):
        return False
    source = _in_prefixes(rule.sources, rule.source_groups, flow.source, flow.source_groups, topology)
    if source is False:
        return False
    target = _in_prefixes(
        rule.destinations, rule.destination_groups, flow.destination, flow.destination_groups, topology
    )
    if target is False:
        return False
    return None if source is None or target is None else True


def _in_ports(ranges: tuple[tuple[int, int], ...], port: int | None) -> bool:
    if port is None:
        return _EVERY in ranges
    return any(low <= port <= high for low, high in ranges)


def _in_prefixes(
    prefixes: tuple[str, ...],
    groups: frozenset[str],
    address: Address,
    members: frozenset[str],
    topology: Topology,
) -> bool | None:
    if groups:
        return bool(groups & members)
    unsure = False
    for prefix in prefixes:
        if prefix in {"*", "Any", "any"}:
            return True
        first, dash, last = prefix.partition("-")
        if prefix[:1].isdigit() or ":" in prefix:
            if dash:
                low, high = read_address(first, "prefix"), read_address(last, "prefix")
                if address.version == low.version and int(low) <= int(address) <= int(high):
                    return True
                continue
            try:
                network = ipaddress.ip_network(prefix, strict=False)
            except ValueError:
                raise InputError(f"{prefix!r} is no address prefix") from None
            if address.version == network.version and address in network:
                return True
            continue
        inside = topology.in_tag(prefix, address)
        if inside:
            return True
        unsure = unsure or inside is None
    return None if unsure else False
