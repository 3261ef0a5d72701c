"""Prefixes and service tags of security rules as intervals of IPv4 numbers."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from seawall.core import InputError
from seawall.network.model import read_address
from seawall.network.nsg import PLATFORM, PROBE

if TYPE_CHECKING:
    from seawall.network.nsg import NsgRule, Topology


def prefix_spans(
    rule: NsgRule, prefixes: tuple[str, ...], groups: frozenset[str], topology: Topology
) -> list[tuple[int, int]]:
    """Return prefixes of a rule as intervals of IPv4 numbers.

    Raises:
        InputError: a service tag whose members nobody gave, or application security groups, whose members are
            interfaces and no intervals.
    """
    if groups:
        raise InputError(f"{rule.name}: application security groups are asked one flow at a time")
    found: list[tuple[int, int]] = []
    for prefix in prefixes:
        if prefix in {"*", "Any", "any"}:
            return [(0, (1 << 32) - 1)]
        first, dash, last = prefix.partition("-")
        if prefix[:1].isdigit() or ":" in prefix:
            if dash:
                low, high = read_address(first, "prefix"), read_address(last, "prefix")
            else:
                network = ipaddress.ip_network(prefix, strict=False)
                low, high = network[0], network[-1]
            if low.version == 4:
                found.append((int(low), int(high)))
            continue
        found += _tag_spans(prefix, rule, topology)
    return found


def _tag_spans(tag: str, rule: NsgRule, topology: Topology) -> list[tuple[int, int]]:
    name = tag.lower()
    inside = [
        (int(item[0]), int(item[-1])) for item in (*topology.vnet, *topology.routed) if item.version == 4
    ]
    probe = (int(PROBE), int(PROBE))
    if name == "virtualnetwork":
        return [*inside, probe]
    if name == "azureloadbalancer":
        return [probe]
    if name == "internet":
        found, low = [], 0
        for first, last in sorted([*inside, probe]):
            if low < first:
                found.append((low, first - 1))
            low = max(low, last + 1)
        return [*found, (low, (1 << 32) - 1)] if low < 1 << 32 else found
    if name.startswith("azureplatform"):
        return [(int(ipaddress.ip_address(text)),) * 2 for text, tags in PLATFORM.items() if name in tags]
    known = topology.tags.get(name)
    if known is None:
        raise InputError(f"{rule.name}: nobody said what the service tag {tag!r} holds")
    return [(int(item[0]), int(item[-1])) for item in known if item.version == 4]
