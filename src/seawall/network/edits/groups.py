"""The smallest security rule that opens or closes one flow at a group, tried before it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.nsg import Flow, Nsg, Topology, decide, read_rule

if TYPE_CHECKING:
    from seawall.network.model import Address

LOWEST, HIGHEST = 100, 4096
"""Priorities that users may give (specs b6)."""
PLATFORM_TAGS = {"168.63.129.16": "AzurePlatformDNS", "169.254.169.254": "AzurePlatformIMDS"}
"""Tags by which a rule reaches the platform's own addresses."""


def open_group(nsg: Nsg, flow: Flow, topology: Topology) -> dict[str, Any] | None:
    """Return an allow rule for the flow's addresses and port alone; None where no priority is left before the deny."""
    stop = decide(nsg, flow, topology)
    if stop.verdict != "deny":
        return None
    rules = nsg.inbound if flow.direction == "inbound" else nsg.outbound
    taken = {rule.priority for rule in rules}
    free = [number for number in range(LOWEST, min(stop.priority, HIGHEST + 1)) if number not in taken]
    if not free:
        return None
    rule = _rule(flow, "Allow", free[-1], _exact(flow.destination))
    made = read_rule(rule, "proposal")
    field = "inbound" if flow.direction == "inbound" else "outbound"
    order = tuple(sorted([*rules, made], key=lambda item: item.priority))
    after = decide(msgspec.structs.replace(nsg, **{field: order}), flow, topology)
    return rule if after.verdict == "allow" else None


def close_group(nsg: Nsg, flow: Flow, topology: Topology) -> dict[str, Any] | None:
    """Return a deny rule for the flow's addresses and port alone; None where no priority is left before the allowance.

    The platform's own addresses pass every rule that does not name their tag, so the tag is named (specs b6).
    """
    stop = decide(nsg, flow, topology)
    if stop.verdict != "allow":
        return None
    rules = nsg.inbound if flow.direction == "inbound" else nsg.outbound
    taken = {rule.priority for rule in rules}
    before = stop.priority if stop.rule else HIGHEST + 1
    free = [number for number in range(LOWEST, min(before, HIGHEST + 1)) if number not in taken]
    if not free:
        return None
    tag = PLATFORM_TAGS.get(str(flow.destination)) if flow.direction == "outbound" else None
    rule = _rule(flow, "Deny", free[-1], tag or _exact(flow.destination))
    made = read_rule(rule, "proposal")
    field = "inbound" if flow.direction == "inbound" else "outbound"
    order = tuple(sorted([*rules, made], key=lambda item: item.priority))
    after = decide(msgspec.structs.replace(nsg, **{field: order}), flow, topology)
    return rule if after.verdict == "deny" else None


def _rule(flow: Flow, access: str, priority: int, destination: str) -> dict[str, Any]:
    port = flow.destination_port
    return {
        "name": f"{access.lower()}-{flow.protocol}-{port if port is not None else 'any'}",
        "properties": {
            "access": access,
            "direction": flow.direction.capitalize(),
            # As late as it may come: rules before it keep their word.
            "priority": priority,
            "protocol": flow.protocol.capitalize() if flow.protocol in {"tcp", "udp", "icmp"} else "*",
            "sourceAddressPrefix": _exact(flow.source),
            "sourcePortRange": "*",
            "destinationAddressPrefix": destination,
            "destinationPortRange": "*" if port is None else str(port),
        },
    }


def _exact(address: Address) -> str:
    return f"{address}/{address.max_prefixlen}"
