"""Can A reach B through the network policies: admin tier, NetworkPolicy, baseline tier, default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.estate import NetworkEstate, read_estate
from seawall.network.model import Address, Packet, Peer, Pod, read_address, read_pod
from seawall.network.rules import Action, Direction, Policy, Rule
from seawall.network.workloads import template_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Answer(msgspec.Struct, frozen=True):
    """What one direction says: the verdict, the tier that decided, the rule, and what was passed over."""

    verdict: Action
    tier: str
    policy: Policy | None = None
    rule: Rule | None = None
    considered: tuple[str, ...] = ()

    def by(self) -> dict[str, Any] | None:
        """Return the deciding policy and rule in words, None where nothing but the default decided."""
        if self.policy is None:
            return None
        found: dict[str, Any] = {
            "kind": self.policy.kind,
            "namespace": self.policy.namespace,
            "name": self.policy.name,
        }
        if self.rule is not None:
            found["rule"] = self.rule.index
            if self.rule.name:
                found["ruleName"] = self.rule.name
        return found


class PolicyWorld:
    """Namespaces, pods and policies, indexed once; answers many questions."""

    def __init__(self, objects: Iterable[dict[str, Any]] | NetworkEstate) -> None:
        estate = objects if isinstance(objects, NetworkEstate) else read_estate(objects)
        self.estate = estate
        self.namespaces = estate.namespaces
        self.pods: dict[str, Pod] = {}
        self.by_address: dict[Address, Pod] = {}
        for raw in estate.pods:
            pod = read_pod(raw)
            self.pods[pod.key] = pod
            if not pod.host:
                self.by_address.update((address, pod) for address in pod.addresses)
        for raw in estate.workloads:
            template = template_of(raw)
            if template is not None:
                # A manifest has no pods yet: the workload's name stands for what it will make, with its kind
                # in brackets where two share the name.
                workload = read_pod(raw, template)
                self.pods.setdefault(workload.key, workload)
                self.pods.setdefault(f"{workload.key}[{raw['kind']}]", workload)
        self.nodes: dict[Address, dict[str, str]] = {
            address: {str(k): str(v) for k, v in ((raw.get("metadata") or {}).get("labels") or {}).items()}
            for address, raw in estate.nodes
        }
        self.admin = [item for item in estate.policies if item.tier == "admin"]
        self.baseline = [item for item in estate.policies if item.tier == "baseline"]
        self.by_namespace: dict[str, list[Policy]] = {}
        for policy in estate.policies:
            if policy.tier == "networkpolicy":
                self.by_namespace.setdefault(policy.namespace, []).append(policy)

    def peer(self, value: Any, where: str) -> Peer:
        """Read one end of a question: `{"pod": "ns/name"}` or `{"ip": "..."}`.

        Raises:
            InputError: neither, or a pod that is not in the world.
        """
        if isinstance(value, dict) and isinstance(value.get("pod"), str):
            pod = self.pods.get(value["pod"])
            if pod is None:
                raise InputError(
                    f"{where}: no pod is called {value['pod']!r}", hint="name it as namespace/name"
                )
            return Peer(pod=pod)
        if isinstance(value, dict) and value.get("ip") is not None:
            address = read_address(value["ip"], where)
            known = self.by_address.get(address)
            if known is not None:
                return Peer(pod=known)
            return Peer(address=address, node=address in self.nodes)
        raise InputError(f'{where}: say {{"pod": "ns/name"}} or {{"ip": "203.0.113.9"}}')

    def decide(self, packet: Packet) -> tuple[Answer, Answer]:
        """Return what egress at the source and ingress at the destination say; both must allow."""
        return self.direction(Direction.EGRESS, packet), self.direction(Direction.INGRESS, packet)

    def direction(self, direction: Direction, packet: Packet) -> Answer:
        """Ask one direction, tier by tier (specs b2: order)."""
        here, there = packet.source, packet.target
        if direction is Direction.INGRESS:
            here, there = there, here
        pod = here.selectable()
        if pod is None:
            return Answer(Action.ALLOW, "default")
        if direction is Direction.INGRESS and self._own_node(pod, there):
            # The kubelet's probes and whatever else runs on the pod's node get in (specs b1.10).
            return Answer(Action.ALLOW, "default", considered=("traffic of the pod's own node is allowed",))
        seen: list[str] = []
        answer = self._tier(self.admin, direction, pod, there, packet, seen)
        if answer is not None:
            return answer
        answer = self._network_policies(direction, pod, there, packet, seen)
        if answer is not None:
            return answer
        answer = self._tier(self.baseline, direction, pod, there, packet, seen)
        return answer or Answer(Action.ALLOW, "default", considered=tuple(seen))

    def _own_node(self, pod: Pod, other: Peer) -> bool:
        return bool(pod.node_addresses) and any(item in pod.node_addresses for item in other.addresses())

    def _tier(
        self,
        policies: list[Policy],
        direction: Direction,
        pod: Pod,
        other: Peer,
        packet: Packet,
        seen: list[str],
    ) -> Answer | None:
        """Return the first rule's word; a Pass leaves the tier."""
        for policy in policies:
            rules = policy.rules(direction)
            if not rules or not policy.selects(pod, self.namespaces):
                continue
            for rule in rules:
                if not self._cluster_match(rule, direction, other, packet):
                    continue
                if rule.action is Action.PASS:
                    seen.append(f"{policy.kind} {policy.name} rule {rule.index} passes to the next tier")
                    return None
                return Answer(rule.action, policy.tier, policy, rule, tuple(seen))
        return None

    def _cluster_match(self, rule: Rule, direction: Direction, other: Peer, packet: Packet) -> bool:
        if direction is Direction.INGRESS and other.selectable() is None and rule.peers is not None:
            # Nothing outside the cluster is an ingress peer of these policies (b2).
            return False
        if rule.matches(other, packet, self.namespaces):
            return True
        if rule.peers is None or not any(item.nodes is not None for item in rule.peers):
            return False
        if rule.ports is not None and not any(port.matches(packet) for port in rule.ports):
            return False
        labels = [self.nodes[address] for address in other.addresses() if address in self.nodes]
        return any(
            item.nodes is not None and item.nodes.matches(found) for item in rule.peers for found in labels
        )

    def _network_policies(
        self, direction: Direction, pod: Pod, other: Peer, packet: Packet, seen: list[str]
    ) -> Answer | None:
        """Return the union's word: the rule that allows, or the policies that isolate (specs b1.1)."""
        isolating = [
            policy
            for policy in self.by_namespace.get(pod.namespace, ())
            if direction in policy.isolates and policy.selects(pod, self.namespaces)
        ]
        for policy in isolating:
            for rule in policy.rules(direction):
                if rule.matches(other, packet, self.namespaces):
                    return Answer(Action.ALLOW, "networkpolicy", policy, rule, tuple(seen))
        if isolating:
            seen += [
                f"NetworkPolicy {item.namespace}/{item.name} isolates {direction.value} and allows nothing of this"
                for item in isolating
            ]
            return Answer(Action.DENY, "networkpolicy", isolating[0], None, tuple(seen))
        return None
