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
            if self.rule.path:
                found["field"] = str(self.rule.path[-2])
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
        # Policies by what is known of their subject before any label is looked at: a namespace, or nothing.
        stages: dict[tuple[float, str], _Stage] = {}
        for policy in estate.policies:
            if policy.tier == "networkpolicy":
                self.by_namespace.setdefault(policy.namespace, []).append(policy)
            stages.setdefault(policy.stage, _Stage()).add(policy)
        self._stages = [stages[key] for key in sorted(stages)]
        self._cilium = estate.engine == "cilium"

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
        """Ask one direction, tier by tier (specs b2: order; b3, b4 for the tiers of Calico and Cilium)."""
        here, there = packet.source, packet.target
        if direction is Direction.INGRESS:
            here, there = there, here
        pod = here.selectable()
        if pod is None:
            return Answer(Action.ALLOW, "default")
        own_node = direction is Direction.INGRESS and self._own_node(pod, there)
        if own_node and not self._cilium:
            # The kubelet's probes and whatever else runs on the pod's node get in (specs b1.10).
            return _OWN_NODE
        seen: list[str] = []
        for stage in self._stages:
            answer = self._ask(stage, direction, pod, there, packet, seen)
            if answer is not None:
                # On Cilium a deny rule counts against the node too; nothing else does.
                if own_node and (answer.verdict is not Action.DENY or answer.rule is None):
                    return _OWN_NODE
                return answer
        return Answer(Action.ALLOW, "default", considered=tuple(seen))

    def isolating(self, pod: Pod, direction: Direction) -> list[Policy]:
        """Return the policies, of whichever kind, that close a direction of a pod to what nothing allows."""
        if pod.host:
            return []
        return [
            policy
            for stage in self._stages
            for policy in stage.of(pod.namespace)
            if direction in policy.isolates and policy.selects(pod, self.namespaces)
        ]

    def _own_node(self, pod: Pod, other: Peer) -> bool:
        return bool(pod.node_addresses) and any(item in pod.node_addresses for item in other.addresses())

    def _ask(
        self, stage: _Stage, direction: Direction, pod: Pod, other: Peer, packet: Packet, seen: list[str]
    ) -> Answer | None:
        """Return the first rule's word; else a denial where a policy isolates; None where the next stage is asked.

        A union, as NetworkPolicies are one, is the same: all its rules allow, so that any that matches is the word.
        """
        isolating = []
        for policy in stage.of(pod.namespace):
            if not _in_force(policy, direction) or not policy.selects(pod, self.namespaces):
                continue
            if direction in policy.isolates:
                isolating.append(policy)
            for rule in policy.rules(direction):
                if not self._match(policy, rule, direction, pod, other, packet):
                    continue
                if rule.action is Action.PASS:
                    seen.append(f"{policy.kind} {_named(policy)} rule {rule.index} passes to the next tier")
                    return None
                return Answer(rule.action, policy.tier, policy, rule, tuple(seen))
        if not isolating:
            return None
        seen += [
            f"{item.kind} {_named(item)} isolates {direction.value} and allows nothing of this"
            for item in isolating
        ]
        return Answer(Action.DENY, isolating[0].tier, isolating[0], None, tuple(seen))

    def _match(
        self, policy: Policy, rule: Rule, direction: Direction, pod: Pod, other: Peer, packet: Packet
    ) -> bool:
        if policy.tier in {"admin", "baseline"}:
            return self._cluster_match(rule, direction, other, packet)
        return rule.matches(other, packet, self.namespaces, pod)

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


class _Stage:
    """The policies of one place in the order; `of` leaves out those that name another namespace."""

    def __init__(self) -> None:
        self._all: list[tuple[int, Policy]] = []
        self._cluster: list[tuple[int, Policy]] = []
        self._spaces: dict[str, list[tuple[int, Policy]]] = {}
        self._merged: dict[str, list[Policy]] = {}

    def add(self, policy: Policy) -> None:
        """Add the next policy in order."""
        place = (len(self._all), policy)
        self._all.append(place)
        space = policy.subject.namespace
        (self._cluster if space is None else self._spaces.setdefault(space, [])).append(place)

    def of(self, namespace: str) -> list[Policy]:
        """Return in order the policies that may select a pod of a namespace."""
        found = self._merged.get(namespace)
        if found is None:
            own = self._spaces.get(namespace, [])
            merged = sorted([*self._cluster, *own], key=lambda item: item[0])
            found = self._merged[namespace] = [policy for _, policy in merged]
        return found


_OWN_NODE = Answer(Action.ALLOW, "default", considered=("traffic of the pod's own node is allowed",))


def _in_force(policy: Policy, direction: Direction) -> bool:
    """Tell whether a policy speaks of a direction; rules of a NetworkPolicy without its type do not (b1.1)."""
    return policy.tier != "networkpolicy" or direction in policy.isolates


def _named(policy: Policy) -> str:
    return f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
