"""What rules about security groups share: which groups guard nodes, and what they say to a packet."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING, Any

from seawall.network.azure import AzureNetwork
from seawall.network.load_balancer import HIGHEST, INTERNAL, LOWEST, PREFIX, read_access
from seawall.network.nsg import Flow, Nsg, Stop, Topology, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View
    from seawall.network.model import Address

PUBLIC = ipaddress.ip_address("8.8.8.8")
INSIDE = "AKS does not support filtering within its own subnet"
_OLD_NAME = re.compile(r"[0-9a-f]{32}(-|$)")


def azure_of(view: View) -> AzureNetwork:
    """Return the Azure network of a view, read once."""
    found: AzureNetwork | None = view.__dict__.get("_azure")
    if found is None:
        found = AzureNetwork(view.resources)
        view.__dict__["_azure"] = found
    return found


def is_managed(name: str) -> bool:
    """Tell whether AKS writes a rule of that name."""
    return name.startswith(PREFIX)


def somewhere(network: AzureNetwork, group: dict[str, Any]) -> Address:
    """Return an address that a group guards: of its subnet where that was read, else a private one."""
    for subnet in network.subnets:
        if any(row is group for row, _ in network.subnet_groups(subnet)):
            return subnet.prefixes[0][4]
    space = network.topology.vnet[0]
    return space[4]


def inbound(view: View, group: dict[str, Any], source: Address, port: int) -> Stop:
    """Return what a group says to TCP from an address to what it guards."""
    network = azure_of(view)
    nsg = next(item for row, item in network.groups.values() if row is group)
    target = somewhere(network, group)
    return decide(nsg, Flow("inbound", "tcp", source, 50_000, target, port), network.topology)


def opened(view: View, port: int) -> Iterator[tuple[dict[str, Any], str, int]]:
    """Yield (group, rule, its place) for groups that let the Internet at a TCP port."""
    for group in view.groups:
        stop = inbound(view, group, PUBLIC, port)
        names = [str(item.get("name")) for item in (group.get("properties") or {}).get("securityRules") or []]
        if stop.verdict == "allow" and stop.rule in names:
            yield group, stop.rule, names.index(stop.rule)


def cluster_subnet_groups(
    view: View,
) -> Iterator[tuple[dict[str, Any], Nsg, Topology, tuple[Address, Address]]]:
    """Yield (group, the group read, topology, two addresses of the subnet) for the subnets of node pools."""
    network = azure_of(view)
    wanted = {
        str(pool.get("vnetSubnetID") or "").lower()
        for cluster in network.clusters
        for pool in (cluster.get("properties") or {}).get("agentPoolProfiles") or []
    }
    for subnet in network.subnets:
        if subnet.id in wanted:
            for row, nsg in network.subnet_groups(subnet):
                yield row, nsg, network.topology, (subnet.prefixes[0][4], subnet.prefixes[0][5])


def required_egress(view: View) -> list[tuple[str, str, int]]:
    """Return (what for, protocol, port) that nodes must reach outside.

    Source: azure-aks-docs outbound-rules-control-egress.md @126786f (2026-11-20). UDP 1194 and TCP 9000 are not
    needed with konnectivity, which every supported version has; UDP 123 not by nodes newer than March 2021.
    """
    found = [("the API server and mcr.microsoft.com", "TCP", 443)]
    for cluster in view.clusters:
        profile = (cluster.get("properties") or {}).get("apiServerAccessProfile") or {}
        if profile.get("enablePrivateCluster") and len(view.clusters) == 1:
            found = [("mcr.microsoft.com", "TCP", 443)]
    return found


def drift(view: View) -> Iterator[tuple[dict[str, Any], int, str, str]]:
    """Yield (group, place, message, witness) for what AKS did not write into its group (specs b7.5, b7.8)."""
    seen: set[int] = set()
    for _, group, _ in azure_of(view).managed_groups():
        if id(group) in seen:
            continue
        seen.add(id(group))
        for place, rule in enumerate((group.get("properties") or {}).get("securityRules") or []):
            name, body = str(rule.get("name")), rule.get("properties") or rule
            priority = int(body.get("priority") or 0)
            if not name.startswith(PREFIX):
                if not _OLD_NAME.match(name) and not name.startswith("NRMS-"):
                    yield (
                        group,
                        place,
                        f"{name} was added by somebody",
                        f"priority {priority}, {body.get('access')}",
                    )
            elif not LOWEST <= priority <= HIGHEST:
                yield (
                    group,
                    place,
                    f"{name} was moved",
                    f"priority {priority}, AKS uses {LOWEST} to {HIGHEST}",
                )
            elif f"{PREFIX}_allow_" in name and name.rpartition("_")[2] != _digest(body):
                yield (
                    group,
                    place,
                    f"{name} was changed",
                    "the name is a digest of protocol, sources and ports, and is another now",
                )


def _digest(body: dict[str, Any]) -> str:
    sources = body.get("sourceAddressPrefixes") or [body.get("sourceAddressPrefix")]
    ports = body.get("destinationPortRanges") or [body.get("destinationPortRange")]
    text = f"{body.get('protocol')}_{','.join(sorted(map(str, sources)))}_{','.join(sorted(map(str, ports)))}"
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the name that AKS gives, not a protection


def blocked_services(
    view: View,
) -> Iterator[tuple[dict[str, Any], dict[str, Any], str, Stop, Address]]:
    """Yield (service, group, port, the deciding stop, a source) where the subnet's group denies what AKS opened."""
    for service in view.services:
        spec = service.get("spec") or {}
        access = read_access(service)
        if spec.get("type") != "LoadBalancer" or access.error or access.tags:
            continue
        source = PUBLIC
        if access.ranges and not any(item.prefixlen == 0 for item in access.ranges):
            source = access.ranges[0][min(1, access.ranges[0].num_addresses - 1)]
        elif not access.from_internet:
            continue
        for group, nsg, topology, (node, _) in cluster_subnet_groups(view):
            target = _front_end(service, node)
            for port in spec.get("ports") or []:
                protocol = str(port.get("protocol") or "TCP").lower()
                stop = decide(
                    nsg, Flow("inbound", protocol, source, 50_000, target, port.get("port")), topology
                )
                if stop.verdict == "deny":
                    yield service, group, f"{protocol.upper()} {port.get('port')}", stop, source


def _front_end(service: dict[str, Any], node: Address) -> Address:
    """Return the front end's address: of the status, else one that could be (internal: of the subnet)."""
    for item in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
        if item.get("ip"):
            return ipaddress.ip_address(str(item["ip"]))
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    if str(annotations.get(INTERNAL)).lower() == "true":
        return node
    return ipaddress.ip_address("20.50.0.1")
