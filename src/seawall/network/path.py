"""The way of a packet outside the policies: load balancer, security groups, node, routes (specs b6 to b9).

Each stop says what it does to the packet; what the snapshot does not tell is `unknown`, never a guess. A snapshot
without Azure resources has no such stops: then the policies alone are asked.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.ask import IMDS, WIRE_SERVER
from seawall.network.load_balancer import INTERNAL, NO_FLOATING, read_access, reconcile
from seawall.network.model import Peer
from seawall.network.nsg import Flow, Nsg, decide, decide_admin, read_nsg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.azure import AzureNetwork, Route, Subnet
    from seawall.network.model import Address, Pod
    from seawall.network.nsg import Topology
    from seawall.network.policies import PolicyWorld

ALLOW, DENY, UNKNOWN = "allow", "deny", "unknown"
_FRONT = ipaddress.ip_address("20.50.0.1")


class Hop(msgspec.Struct, frozen=True):
    """One stop of the way. `item` is the object or resource that decided, `path` leads into it.

    `nsg` and `flow` are what a group was asked; absent for the group that AKS writes itself, which is not edited.
    """

    stop: str
    verdict: str
    why: str
    item: dict[str, Any] | None = None
    path: tuple[str | int, ...] = ()
    nsg: Nsg | None = None
    flow: Flow | None = None


class Way:
    """The stops of one estate in one Azure network."""

    def __init__(self, network: AzureNetwork, world: PolicyWorld) -> None:
        self.network = network
        self.world = world
        self.known = bool(network.groups or network.subnets or network.clusters or network.admin)

    # --- outwards --------------------------------------------------------------------------------------------

    def outwards(self, source: Peer, target: Address, protocol: str, port: int | None) -> Iterator[Hop]:
        """Yield the stops of a packet that leaves a pod or a node for an address."""
        if not self.known:
            return
        sender = self._seen_as(source)
        if sender is None:
            yield Hop("node", UNKNOWN, "the addresses of the pod and its node were not read")
            return
        if target == IMDS:
            yield Hop(
                "node", ALLOW, "the metadata service is on the node itself: no route and no group before it"
            )
        subnet = self.network.subnet_of(sender)
        flow = self._flow("outbound", sender, target, protocol, port)
        yield from self._groups(flow, sender, subnet)
        if target not in (IMDS, WIRE_SERVER):
            yield self._route(subnet, target)
        there = self.network.subnet_of(target)
        if there is not None:
            # Within the virtual network the other end has groups of its own, in the same subnet too (specs b6).
            yield from self._groups(self._flow("inbound", sender, target, protocol, port), target, there)

    def _seen_as(self, source: Peer) -> Address | None:
        """Return the address that the platform sees: the pod's where it lies in a subnet, else its node's."""
        pod = source.pod
        if pod is None:
            return source.address
        for address in () if pod.host else pod.addresses:
            if self.network.subnet_of(address) is not None:
                return address
        if pod.node_addresses:
            return pod.node_addresses[0]
        return pod.addresses[0] if pod.addresses and not self.network.subnets else None

    def _route(self, subnet: Subnet | None, target: Address) -> Hop:
        inside = self.network.topology.inside(target)
        there = self.network.subnet_of(target)
        if target in self.network.private_endpoints and not (there and there.endpoint_routes):
            return Hop("route", ALLOW, "a private endpoint: its own route is narrower than any of a table")
        table = self.network.routes.get(subnet.routes, ()) if subnet is not None else ()
        best, length, unsure = _longest(table, target, self.network.topology)
        if unsure is not None and not inside:
            why = f"route {unsure.name} is for the service tag {unsure.tag}: nobody said what it holds"
            return Hop("route", UNKNOWN, f"{why} (az network list-service-tags)")
        if best is not None and (length or not inside):
            if best.kind == "none":
                return Hop("route", DENY, f"route {best.name} drops {best.prefix or best.tag}")
            if best.kind == "virtualappliance":
                why = (
                    f"route {best.name} sends it to the appliance {best.address}: what that does was not read"
                )
                return Hop("route", UNKNOWN, why)
            return Hop("route", ALLOW, f"route {best.name}: {best.kind}")
        if subnet is not None and subnet.routes and subnet.routes not in self.network.routes:
            return Hop("route", UNKNOWN, f"the route table {subnet.routes.rpartition('/')[2]} was not read")
        if inside:
            return Hop("route", ALLOW, "within the virtual network")
        kinds = {
            str(
                ((row.get("properties") or {}).get("networkProfile") or {}).get("outboundType")
                or "loadBalancer"
            )
            for row in self.network.clusters
        }
        if kinds and kinds <= {"none", "block"}:
            return Hop(
                "route", DENY, f"outboundType {', '.join(sorted(kinds))}: nothing leaves for the Internet"
            )
        if kinds == {"userDefinedRouting"}:
            return Hop(
                "route", UNKNOWN, "outboundType userDefinedRouting and no route was read for this address"
            )
        what = "NAT gateway" if subnet is not None and subnet.nat else ", ".join(sorted(kinds)) or "default"
        return Hop("route", ALLOW, f"to the Internet by {what}")

    # --- inwards ---------------------------------------------------------------------------------------------

    def inwards(self, source: Address, target: Peer, protocol: str, port: int | None) -> Iterator[Hop]:
        """Yield the stops of a packet from an address to a pod or a node, without a load balancer."""
        if not self.known:
            return
        receiver = self._seen_as(target)
        if receiver is None:
            yield Hop("node", UNKNOWN, "the addresses of the pod and its node were not read")
            return
        inside = self.network.topology.inside(source)
        if not inside and self.network.topology.inside(receiver) and source != WIRE_SERVER:
            yield Hop(
                "address", DENY, f"{receiver} is private: the Internet gets there by a load balancer alone"
            )
        flow = self._flow("inbound", source, receiver, protocol, port)
        yield from self._groups(flow, receiver, self.network.subnet_of(receiver))

    def between(self, source: Peer, target: Peer, protocol: str, port: int | None) -> Iterator[Hop]:
        """Yield the stops between pods of different nodes: both sides' groups, also within one subnet."""
        sender, receiver = self._seen_as(source), self._seen_as(target)
        left, right = source.pod, target.pod
        if not self.known or sender is None or receiver is None:
            return
        if left is not None and right is not None and set(left.node_addresses) & set(right.node_addresses):
            return
        yield from self._groups(
            self._flow("outbound", sender, receiver, protocol, port), sender, self.network.subnet_of(sender)
        )
        yield from self._groups(
            self._flow("inbound", sender, receiver, protocol, port),
            receiver,
            self.network.subnet_of(receiver),
        )

    def service(
        self, source: Peer, service: dict[str, Any], protocol: str, port: int | None
    ) -> tuple[list[Hop], list[tuple[Peer, Pod, int | None]]]:
        """Return the stops from an address to a Service, and (caller as seen, pod, its port) behind it."""
        spec, metadata = service.get("spec") or {}, service.get("metadata") or {}
        entry = next(
            (
                item
                for item in spec.get("ports") or []
                if (port is None or item.get("port") == port)
                and str(item.get("protocol") or "TCP") == protocol
            ),
            None,
        )
        behind = _behind(self.world, service, entry, protocol)
        name = f"{metadata.get('namespace') or 'default'}/{metadata.get('name')}"
        if entry is None:
            return [
                Hop(
                    "service",
                    DENY,
                    f"Service {name} has no port {protocol} {port}",
                    service,
                    ("spec", "ports"),
                )
            ], []
        if not behind:
            return [
                Hop("service", DENY, f"no pod stands behind Service {name}", service, ("spec", "selector"))
            ], []
        if source.pod is not None or source.address is None:
            return [Hop("service", ALLOW, f"Service {name} leads to {len(behind)} pods", service)], [
                (source, pod, number) for pod, number in behind
            ]
        hops = list(self._front(source.address, service, entry, protocol))
        if spec.get("externalTrafficPolicy") == "Local":
            hops.append(Hop("node", ALLOW, "externalTrafficPolicy Local keeps the client's address", service))
            return hops, [(source, pod, number) for pod, number in behind]
        why = "externalTrafficPolicy Cluster: policies see the address of a node, not the client's"
        hops.append(Hop("node", ALLOW, why, service, ("spec", "externalTrafficPolicy")))
        return hops, [(self._node_for(pod, source), pod, number) for pod, number in behind]

    def _node_for(self, pod: Pod, source: Peer) -> Peer:
        others = [item for item in self.world.nodes if item not in pod.node_addresses]
        return Peer(address=others[0]) if others else source

    def _front(
        self, source: Address, service: dict[str, Any], entry: dict[str, Any], protocol: str
    ) -> Iterator[Hop]:
        spec, metadata = service.get("spec") or {}, service.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        internal = str(annotations.get(INTERNAL)).lower() == "true"
        inside = self.network.topology.inside(source)
        if spec.get("type") != "LoadBalancer":
            yield Hop(
                "load balancer",
                DENY,
                f"a Service of type {spec.get('type') or 'ClusterIP'} has none",
                service,
                ("spec", "type"),
            )
            return
        if internal and not inside:
            yield Hop(
                "load balancer",
                DENY,
                "internal: reached from the virtual network alone",
                service,
                ("metadata", "annotations"),
            )
            return
        by_node = str(annotations.get(NO_FLOATING)).lower() == "true"
        subnets = self._node_subnets()
        front = _front_address(service) or (subnets[0].prefixes[0][-2] if internal and subnets else _FRONT)
        port = entry.get("nodePort") if by_node else entry.get("port")
        yield Hop("load balancer", ALLOW, f"front end {front}, port {entry.get('port')}", service)
        if by_node and subnets:
            front = subnets[0].prefixes[0][4]
        flow = self._flow("inbound", source, front, protocol, port)
        for subnet in subnets:
            for row, nsg in self.network.subnet_groups(subnet):
                yield self._group_hop("subnet group", row, nsg, flow)
        managed = [(row, nsg) for _, row, nsg in self.network.managed_groups()]
        for row, nsg in managed:
            yield self._group_hop("NIC group", row, nsg, flow)
        if not managed:
            yield self._expected(service, front, flow)

    def _expected(self, service: dict[str, Any], front: Address, flow: Flow) -> Hop:
        """Ask the rules that AKS would write for the Service: the group itself was not read (specs b7)."""
        access = read_access(service)
        made = reconcile({"rules": [], "service": service, "wantLb": True, "dstIPs": [str(front)]})
        if access.error or made["error"]:
            return Hop("NIC group", UNKNOWN, f"AKS changes nothing: {access.error or made['error']}", service)
        nsg = read_nsg({"name": "as AKS writes it", "properties": {"securityRules": made["resultRules"]}})
        stop = decide(nsg, flow, self.network.topology)
        why = (
            f"AKS writes {stop.rule} ({stop.priority})"
            if stop.rule.startswith("k8s-azure")
            else f"{stop.rule} ({stop.priority}), among what AKS writes"
        )
        return Hop("NIC group", stop.verdict, why, service, ("spec",))

    def _node_subnets(self) -> list[Subnet]:
        wanted = {
            str(pool.get("vnetSubnetID") or "").lower()
            for row in self.network.clusters
            for pool in (row.get("properties") or {}).get("agentPoolProfiles") or []
        }
        return [item for item in self.network.subnets if item.id in wanted]

    # --- groups ----------------------------------------------------------------------------------------------

    def _flow(
        self, direction: str, source: Address, target: Address, protocol: str, port: int | None
    ) -> Flow:
        return Flow(
            direction,
            protocol.lower(),
            source,
            50_000 if port is not None else None,
            target,
            port,
            self.network.application_groups(source),
            self.network.application_groups(target),
        )

    def _groups(self, flow: Flow, guarded: Address, subnet: Subnet | None) -> Iterator[Hop]:
        """Yield admin rules and groups: inbound the subnet's first, outbound the NIC's (specs b6)."""
        rules, sure = self.network.admin_for(subnet.vnet if subnet is not None else "")
        admin = decide_admin(rules, flow, self.network.topology)
        if admin is not None and not sure:
            why = f"rule {admin[0].rule} ({admin[0].priority}): whether this virtual network is in its group was not read"
            yield Hop("security admin", UNKNOWN, why)
        elif admin is not None:
            yield Hop("security admin", admin[0].verdict, f"rule {admin[0].rule} ({admin[0].priority})")
            if admin[1]:
                return
        if guarded in self.network.private_endpoints and not (subnet and subnet.endpoint_groups):
            why = (
                "a private endpoint: groups of its subnet do not hold for it (privateEndpointNetworkPolicies)"
            )
            yield Hop(f"subnet group, {flow.direction}", ALLOW, why)
            return
        own = [("subnet group", *pair) for pair in (self.network.subnet_groups(subnet) if subnet else [])]
        nic = self.network.nic_of(guarded)
        cards = []
        if nic is not None and nic.group in self.network.groups:
            cards = [("NIC group", *self.network.groups[nic.group])]
        elif subnet is not None and subnet in self._node_subnets():
            cards = [("NIC group", row, nsg) for _, row, nsg in self.network.managed_groups()]
        order = [*own, *cards] if flow.direction == "inbound" else [*cards, *own]
        for what, row, nsg in order:
            yield self._group_hop(f"{what}, {flow.direction}", row, nsg, flow)

    def _group_hop(self, what: str, row: dict[str, Any], nsg: Nsg, flow: Flow) -> Hop:
        stop = decide(nsg, flow, self.network.topology)
        names = [str(item.get("name")) for item in (row.get("properties") or {}).get("securityRules") or []]
        path: tuple[str | int, ...] = ("properties", "securityRules")
        if stop.rule in names:
            path = (*path, names.index(stop.rule))
        if not stop.rule:
            why = f"{nsg.name}: the platform's own address passes every rule that does not name its tag"
            return Hop(what, stop.verdict, why, row, path, nsg, flow)
        why = f"{nsg.name}: {stop.rule} ({stop.priority})"
        if any(row is managed for _, managed, _ in self.network.managed_groups()):
            return Hop(what, stop.verdict, why, row, path)
        return Hop(what, stop.verdict, why, row, path, nsg, flow)


def _longest(
    table: tuple[Route, ...], target: Address, topology: Topology
) -> tuple[Route | None, int, Route | None]:
    """Return the route with the longest prefix, its length, and a route by a tag that might beat it.

    Of equal prefixes one that is written beats one of a tag, and of tags the narrower: regional before global,
    AzureCloud last (azure-docs virtual-networks-udr-overview, service tags).
    """
    found: list[tuple[int, int, Route]] = []
    unsure: Route | None = None
    for item in table:
        if item.prefix is not None:
            if item.prefix.version == target.version and target in item.prefix:
                found.append((item.prefix.prefixlen, 4, item))
            continue
        known = topology.tags.get(item.tag.lower())
        if known is None:
            unsure = unsure or item
            continue
        lengths = [net.prefixlen for net in known if net.version == target.version and target in net]
        if lengths:
            cloud = item.tag.lower().startswith("azurecloud")
            found.append((max(lengths), (0 if cloud else 2) + ("." in item.tag), item))
    best = max(found, key=lambda item: item[:2], default=(0, 0, None))
    if best[0] == target.max_prefixlen and best[1] == 4:
        unsure = None
    return best[2], best[0], unsure


def _front_address(service: dict[str, Any]) -> Address | None:
    for item in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
        if item.get("ip"):
            return ipaddress.ip_address(str(item["ip"]))
    return None


def _behind(
    world: PolicyWorld, service: dict[str, Any], entry: dict[str, Any] | None, protocol: str
) -> list[tuple[Pod, int | None]]:
    selector = {str(k): str(v) for k, v in ((service.get("spec") or {}).get("selector") or {}).items()}
    namespace = str((service.get("metadata") or {}).get("namespace") or "default")
    if entry is None or not selector:
        return []
    target: Any = entry.get("targetPort", entry.get("port"))
    found: list[tuple[Pod, int | None]] = []
    for pod in {item.key: item for item in world.pods.values()}.values():
        if pod.namespace != namespace or not selector.items() <= pod.labels.items():
            continue
        if isinstance(target, str) and not target.isdigit():
            found += [(pod, number) for number in sorted(pod.ports.get((target, protocol), ()))]
        else:
            found.append((pod, int(target)))
    return sorted(found, key=lambda item: (item[0].key, item[1] or 0))
