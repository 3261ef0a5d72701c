"""The engine `nsg` of `seawall decide`: a packet through every group of the snapshot."""

from __future__ import annotations

import ipaddress
from typing import Any

from seawall.core import InputError
from seawall.network.model import Network, read_address
from seawall.network.nsg import Flow, Nsg, Topology, decide, read_nsg

_TYPE = "microsoft.network/networksecuritygroups"
_VNET = "microsoft.network/virtualnetworks"


class NsgEngine:
    """Which group, and which rule in it, decides a packet."""

    def __init__(self) -> None:
        self._groups: list[Nsg] = []
        self._topology = Topology()

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Replace the world: security groups and virtual networks, among `objects` or `resources`."""
        items = [*world.get("objects", ()), *world.get("resources", ())]
        rows = [item for item in items if isinstance(item, dict)]
        self._groups = [read_nsg(row) for row in rows if _is_group(row)]
        vnet: list[Network] = []
        for row in rows:
            if str(row.get("type") or "").lower() == _VNET:
                properties = row.get("properties") or {}
                prefixes = list((properties.get("addressSpace") or {}).get("addressPrefixes") or [])
                for peering in properties.get("virtualNetworkPeerings") or []:
                    space = (peering.get("properties") or {}).get("remoteAddressSpace") or {}
                    prefixes += space.get("addressPrefixes") or []
                vnet += [ipaddress.ip_network(str(item), strict=False) for item in prefixes]
        self._topology = Topology(vnet=tuple(vnet)) if vnet else Topology()
        return {"objects": len(items)}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer with the word of every group, in the order in which the packet meets them."""
        direction = str(line.get("direction") or "").lower()
        if direction not in {"inbound", "outbound"}:
            raise InputError(f"direction: {line.get('direction')!r} is neither Inbound nor Outbound")
        flow = Flow(
            direction=direction,
            protocol=str(line.get("protocol") or "*").lower(),
            source=read_address(line.get("source"), "source"),
            source_port=_port(line.get("sourcePort"), "sourcePort"),
            destination=read_address(line.get("destination"), "destination"),
            destination_port=_port(line.get("destinationPort"), "destinationPort"),
        )
        # Inbound a packet meets the subnet's group first, outbound the NIC's (specs b6).
        order = sorted(
            self._groups, key=lambda item: (item.on_nic and not item.on_subnet) == (direction == "inbound")
        )
        stops = [decide(group, flow, self._topology) for group in order]
        verdicts = {stop.verdict for stop in stops}
        verdict = "deny" if "deny" in verdicts else "unknown" if "unknown" in verdicts else "allow"
        return {
            "verdict": verdict,
            "stops": [
                {"nsg": stop.nsg, "rule": stop.rule, "verdict": stop.verdict, "priority": stop.priority}
                for stop in stops
            ],
        }


def _is_group(row: dict[str, Any]) -> bool:
    kind = str(row.get("type") or "").lower()
    return kind == _TYPE or (not kind and "securityRules" in (row.get("properties") or row))


def _port(value: Any, where: str) -> int | None:
    if value in (None, "*", ""):
        return None
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65_535:
        raise InputError(f"{where}: {value!r} is not a port")
    return value
