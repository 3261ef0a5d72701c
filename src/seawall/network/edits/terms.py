"""Peers and ports written as policies write them: as narrow as the estate lets them be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.network.model import Packet, Peer, Pod

FLEETING = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
    }
)
"""Labels that controllers write and change: a policy that names one stops working at the next rollout."""

NAME_LABEL = "kubernetes.io/metadata.name"
_KEYS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
_LAST = 65_535


def lasting(labels: dict[str, str]) -> dict[str, str]:
    """Return labels without those that the next rollout changes."""
    return {key: value for key, value in sorted(labels.items()) if key not in FLEETING}


def pod_selector(pod: Pod) -> dict[str, Any]:
    """Return the selector of a pod's lasting labels; of all pods where it has none."""
    labels = lasting(pod.labels)
    return {"matchLabels": labels} if labels else {}


def space_selector(pod: Pod) -> dict[str, Any]:
    """Return the selector of a pod's namespace by its name."""
    return {"matchLabels": {NAME_LABEL: pod.namespace}}


def block_of(peer: Peer) -> dict[str, Any] | None:
    """Return the block of a peer's one address; None where it has none."""
    addresses = peer.addresses()
    if not addresses:
        return None
    return {"cidr": f"{addresses[0]}/{addresses[0].max_prefixlen}"}


def np_peer(peer: Peer, namespace: str) -> dict[str, Any] | None:
    """Return a peer as a NetworkPolicy of a namespace names it; None where it has no name and no address."""
    pod = peer.selectable()
    if pod is None:
        block = block_of(peer)
        return None if block is None else {"ipBlock": block}
    if pod.namespace == namespace:
        return {"podSelector": pod_selector(pod)}
    return {"namespaceSelector": space_selector(pod), "podSelector": pod_selector(pod)}


def np_ports(packet: Packet) -> list[dict[str, Any]] | None:
    """Return the packet's port as a NetworkPolicy names it; None (every port) for what has none."""
    if packet.protocol not in _KEYS:
        return None
    if packet.port is None:
        return [{"protocol": packet.protocol}]
    return [{"protocol": packet.protocol, "port": packet.port}]


def other_ports(packet: Packet) -> list[dict[str, Any]]:
    """Return every port of the three protocols but the packet's own."""
    found: list[dict[str, Any]] = []
    if packet.port is not None and packet.protocol in _KEYS:
        found = around(packet.protocol, 1, _LAST, packet.port)
    return found + [{"protocol": name} for name in _KEYS if name != packet.protocol]


def around(protocol: str, low: int, high: int, port: int) -> list[dict[str, Any]]:
    """Return the ports from low to high without one, as one or two ranges."""
    found = []
    for first, last in ((low, port - 1), (port + 1, high)):
        if first == last:
            found.append({"protocol": protocol, "port": first})
        elif first < last:
            found.append({"protocol": protocol, "port": first, "endPort": last})
    return found


def cluster_peer(peer: Peer, *, egress: bool) -> dict[str, Any] | None:
    """Return a peer as cluster policies name it; None for an address that calls in (specs b2)."""
    pod = peer.selectable()
    if pod is not None:
        return {"pods": {"namespaceSelector": space_selector(pod), "podSelector": pod_selector(pod)}}
    block = block_of(peer)
    return {"networks": [block["cidr"]]} if egress and block is not None else None


def cluster_ports(packet: Packet, kind: str) -> dict[str, Any]:
    """Return the packet's port as a field of a rule of that kind; empty (every port) for what has none."""
    if packet.protocol not in _KEYS or packet.port is None:
        return {}
    if kind == "ClusterNetworkPolicy":
        return {"protocols": [{_KEYS[packet.protocol]: {"destinationPort": {"number": packet.port}}}]}
    return {"ports": [{"portNumber": {"protocol": packet.protocol, "port": packet.port}}]}
