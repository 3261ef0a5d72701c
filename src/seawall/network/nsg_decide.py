"""The engine `nsg` of `seawall decide`: a packet through every group of the snapshot."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.core import InputError
from seawall.network.azure import AzureNetwork
from seawall.network.model import read_address
from seawall.network.nsg import Flow, decide, decide_admin


class NsgEngine:
    """Which security admin rule or group, and which rule in it, decides a packet."""

    def __init__(self) -> None:
        self._network = AzureNetwork([])

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Replace the world: groups, virtual networks, interfaces, admin rules, among `objects` or `resources`."""
        items = [*world.get("objects", ()), *world.get("resources", ())]
        self._network = AzureNetwork(row for row in items if isinstance(row, dict))
        return {"objects": len(items)}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer with the word of every group, in the order in which the packet meets them."""
        direction = str(line.get("direction") or "").lower()
        if direction not in {"inbound", "outbound"}:
            raise InputError(f"direction: {line.get('direction')!r} is neither Inbound nor Outbound")
        network = self._network
        source, target = (
            read_address(line.get("source"), "source"),
            read_address(line.get("destination"), "destination"),
        )
        flow = Flow(
            direction=direction,
            protocol=str(line.get("protocol") or "*").lower(),
            source=source,
            source_port=_port(line.get("sourcePort"), "sourcePort"),
            destination=target,
            destination_port=_port(line.get("destinationPort"), "destinationPort"),
            source_groups=network.application_groups(source),
            destination_groups=network.application_groups(target),
        )
        # Inbound a packet meets the subnet's group first, outbound the NIC's (specs b6). A group that is known
        # to hang elsewhere is not met.
        guarded = target if direction == "inbound" else source
        order = sorted(
            (nsg for row, nsg in network.groups.values() if network.applies(nsg, row, guarded)),
            key=lambda item: (item.on_nic and not item.on_subnet) == (direction == "inbound"),
        )
        subnet = network.subnet_of(guarded)
        if guarded in network.private_endpoints and not (subnet is not None and subnet.endpoint_groups):
            order = []  # groups do not hold for a private endpoint unless its subnet says so (specs b9)
        stops = [decide(group, flow, network.topology) for group in order]
        rules, sure = network.admin_for(subnet.vnet if subnet is not None else "")
        admin = decide_admin(rules, flow, network.topology)
        if admin is not None and not sure:
            stops = [msgspec.structs.replace(admin[0], verdict="unknown"), *stops]
        elif admin is not None:
            # Deny and AlwaysAllow of the network manager are final: no group is asked (specs b6).
            stops = [admin[0]] if admin[1] else [admin[0], *stops]
        verdicts = {stop.verdict for stop in stops}
        verdict = "deny" if "deny" in verdicts else "unknown" if "unknown" in verdicts else "allow"
        return {
            "verdict": verdict,
            "stops": [
                {"nsg": stop.nsg, "rule": stop.rule, "verdict": stop.verdict, "priority": stop.priority}
                for stop in stops
            ],
        }


def _port(value: Any, where: str) -> int | None:
    if value in (None, "*", ""):
        return None
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65_535:
        raise InputError(f"{where}: {value!r} is not a port")
    return value
