"""The smallest security rule that lets one flow through a group that denies it, tried before it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.nsg import Flow, Nsg, Topology, decide, read_rule

if TYPE_CHECKING:
    from seawall.network.model import Address

LOWEST, HIGHEST = 100, 4096
"""Priorities that users may give (specs b6)."""


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
    rule = {
        "name": f"allow-{flow.protocol}-{flow.destination_port if flow.destination_port is not None else 'any'}",
        "properties": {
            "access": "Allow",
            "direction": flow.direction.capitalize(),
            # As late as it may come: rules before it keep their word.
            "priority": free[-1],
            "protocol": flow.protocol.capitalize() if flow.protocol in {"tcp", "udp", "icmp"} else "*",
            "sourceAddressPrefix": _exact(flow.source),
            "sourcePortRange": "*",
            "destinationAddressPrefix": _exact(flow.destination),
            "destinationPortRange": "*" if flow.destination_port is None else str(flow.destination_port),
        },
    }
    made = read_rule(rule, "proposal")
    field = "inbound" if flow.direction == "inbound" else "outbound"
    order = tuple(sorted([*rules, made], key=lambda item: item.priority))
    after = decide(msgspec.structs.replace(nsg, **{field: order}), flow, topology)
    return rule if after.verdict == "allow" else None


def _exact(address: Address) -> str:
    return f"{address}/{address.max_prefixlen}"
