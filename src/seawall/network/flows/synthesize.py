"""The least that policies must allow for what was seen, a policy a workload, in labels that last.

Grouped as a person would: by workload, peers and ports; addresses of pods and labels of rollouts are never named.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.edits.terms import lasting, np_peer
from seawall.network.model import Peer, Pod, read_pod
from seawall.network.policies import PolicyWorld
from seawall.network.workloads import Owners

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.estate import NetworkEstate
    from seawall.network.flows.read import Seen
    from seawall.network.model import Address

MOST_ADDRESSES = 8
"""Past this many addresses outside on one port, the rule names every address but the platform's own."""
_EVERYWHERE = {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32", "168.63.129.16/32"]}
_FAMILIES = {4: _EVERYWHERE, 6: {"cidr": "::/0"}}


class Synthesis(msgspec.Struct, frozen=True):
    """Policies, and flows that no policy was made of, by reason."""

    policies: tuple[dict[str, Any], ...]
    left: dict[str, int]


class _Rules:
    """What one workload was seen to do in one direction: peer -> ports."""

    def __init__(self) -> None:
        self.peers: dict[str, tuple[dict[str, Any], set[tuple[str, int]]]] = {}
        self.outside: dict[tuple[str, int], set[Address]] = {}

    def add(self, peer: dict[str, Any], protocol: str, port: int) -> None:
        key = msgspec.json.encode(peer, order="sorted").decode()
        self.peers.setdefault(key, (peer, set()))[1].add((protocol, port))

    def rules(self, field: str) -> list[dict[str, Any]]:
        """Return the rules: peers with equal ports share one."""
        for (protocol, port), addresses in sorted(self.outside.items()):
            for version, family in _FAMILIES.items():
                mine = sorted(item for item in addresses if item.version == version)
                if len(mine) > MOST_ADDRESSES:
                    self.add({"ipBlock": family}, protocol, port)
                else:
                    for address in mine:
                        self.add({"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}, protocol, port)
        by_ports: dict[tuple[tuple[str, int], ...], list[dict[str, Any]]] = {}
        for _, (peer, ports) in sorted(self.peers.items()):
            by_ports.setdefault(tuple(sorted(ports)), []).append(peer)
        return [
            {field: peers, "ports": [{"protocol": protocol, "port": port} for protocol, port in ports]}
            for ports, peers in sorted(by_ports.items())
        ]


def synthesize(estate: NetworkEstate, flows: Iterable[Seen]) -> Synthesis:
    """Return policies that allow the flows and isolate every workload that took part in one."""
    world = PolicyWorld(estate)
    owners = Owners(estate.workloads)
    roots = {read_pod(raw).key: owners.root(raw) for raw in estate.pods}
    services = _services(estate)
    left: Counter[str] = Counter()
    found: dict[tuple[str, str], tuple[Pod, dict[str, _Rules]]] = {}

    def rules_of(pod: Pod, direction: str) -> _Rules:
        labels = lasting(pod.labels)
        name = roots.get(pod.key, (pod.namespace, "Pod", pod.name))[2]
        key = (pod.namespace, msgspec.json.encode(labels, order="sorted").decode() if labels else name)
        return found.setdefault(key, (pod, {}))[1].setdefault(direction, _Rules())

    for flow in flows:
        source, target = _end(world, flow.source, flow.source_pod), _end(world, flow.target, flow.target_pod)
        backends = [(target, flow.port)]
        if target.pod is None and (flow.target, flow.protocol, flow.port) in services:
            # The flow was seen before translation: the pods behind the Service are what policies see.
            backends = [
                (Peer(pod=pod), number)
                for pod, number in _behind(world, services[flow.target, flow.protocol, flow.port])
            ]
        sender = source.selectable()
        if sender is None and all(peer.selectable() is None for peer, _ in backends):
            left["between addresses"] += 1
            continue
        for peer, port in backends:
            receiver = peer.selectable()
            if receiver is not None and sender is not None and receiver.key == sender.key:
                left["to itself"] += 1
                continue
            if sender is not None:
                _note(rules_of(sender, "egress"), peer, sender.namespace, flow.protocol, port)
            if receiver is not None:
                if sender is None and any(item in receiver.node_addresses for item in source.addresses()):
                    left["from the pod's own node"] += 1
                    continue
                _note(rules_of(receiver, "ingress"), source, receiver.namespace, flow.protocol, port)
    policies = tuple(
        _policy(pod, directions, roots.get(pod.key, (pod.namespace, "Pod", pod.name))[2])
        for _, (pod, directions) in sorted(found.items(), key=lambda item: item[0])
    )
    return Synthesis(policies, dict(sorted(left.items())))


def _end(world: PolicyWorld, address: Address, name: str) -> Peer:
    if name in world.pods:
        return Peer(pod=world.pods[name])
    return world.peer({"ip": str(address)}, "flow")


def _note(rules: _Rules, peer: Peer, namespace: str, protocol: str, port: int) -> None:
    if peer.selectable() is None:
        for address in peer.addresses()[:1]:
            rules.outside.setdefault((protocol, port), set()).add(address)
        return
    written = np_peer(peer, namespace)
    if written is not None:
        rules.add(written, protocol, port)


def _policy(pod: Pod, directions: dict[str, _Rules], name: str) -> dict[str, Any]:
    labels = lasting(pod.labels)
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": labels} if labels else {},
        "policyTypes": [word.capitalize() for word in ("ingress", "egress") if word in directions],
    }
    for word, field in (("ingress", "from"), ("egress", "to")):
        if word in directions:
            spec[word] = directions[word].rules(field)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"seen-{name}"[:63].rstrip("-."), "namespace": pod.namespace},
        "spec": spec,
    }


def _services(estate: NetworkEstate) -> dict[tuple[Address, str, int], tuple[dict[str, Any], Any]]:
    found: dict[tuple[Address, str, int], tuple[dict[str, Any], Any]] = {}
    for raw in estate.services:
        spec = raw.get("spec") or {}
        for text in {spec.get("clusterIP"), *(spec.get("clusterIPs") or [])}:
            if not text or text == "None":
                continue
            for port in spec.get("ports") or []:
                key = (
                    ipaddress.ip_address(text),
                    str(port.get("protocol") or "TCP"),
                    int(port.get("port") or 0),
                )
                found[key] = (raw, port.get("targetPort", port.get("port")))
    return found


def _behind(world: PolicyWorld, entry: tuple[dict[str, Any], Any]) -> list[tuple[Pod, int]]:
    raw, target = entry
    selector = {
        str(key): str(value) for key, value in ((raw.get("spec") or {}).get("selector") or {}).items()
    }
    namespace = str((raw.get("metadata") or {}).get("namespace") or "default")
    found = []
    for pod in {item.key: item for item in world.pods.values()}.values():
        if selector and pod.namespace == namespace and selector.items() <= pod.labels.items():
            if isinstance(target, int):
                found.append((pod, target))
            else:
                for (name, _), numbers in pod.ports.items():
                    found += [(pod, number) for number in numbers if name == target]
    return found
