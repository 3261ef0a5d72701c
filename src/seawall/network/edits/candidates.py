"""Changes of policies that may turn an answer round: each is a policy as it would be written."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.edits.terms import (
    around,
    cluster_peer,
    cluster_ports,
    np_peer,
    np_ports,
    other_ports,
    pod_selector,
    space_selector,
)
from seawall.network.edits.vendors import Change, calico_changes, cilium_closing, cilium_openings
from seawall.network.estate import policy_key
from seawall.network.rules import Direction, read_network_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.model import Packet, Peer, Pod
    from seawall.network.policies import Answer, PolicyWorld
    from seawall.network.rules import Policy, Rule

Raws = dict[tuple[str, str, str], dict[str, Any]]
"""(kind, namespace, name) -> the policy as it was read."""


class Candidate(msgspec.Struct, frozen=True):
    """One changed or new policy. `path` is where in it the change stands, empty for a new one."""

    summary: str
    raw: dict[str, Any]
    path: tuple[str | int, ...] = ()
    new: bool = False


_ADDED = "add a NetworkPolicy for these pods alone"


def openings(
    world: PolicyWorld, raws: Raws, direction: Direction, packet: Packet, answer: Answer
) -> Iterator[list[Candidate]]:
    """Yield sets of changes that may let a packet through in a direction that denies it."""
    here, there = _ends(direction, packet)
    pod = here.selectable()
    if pod is None or answer.policy is None:
        return
    if answer.tier.startswith("calico/"):
        for change in calico_changes(raws, answer, direction, pod, there, packet, accept=True):
            yield [Candidate(*change)]
        return
    if answer.tier == "cilium" and answer.rule is not None:
        freed = [Candidate(*change) for change in cilium_openings(world, raws, direction, pod, there, packet)]
        rule = _np_rule(direction, there, packet, pod.namespace)
        if freed:
            yield freed
        if freed and rule is not None:
            yield [
                *freed,
                Candidate(_ADDED, _np(pod, f"allow-{direction.value}", direction, [rule]), new=True),
            ]
        return
    if answer.tier in {"admin", "baseline"}:
        yield from ([item] for item in _before(raws, answer, direction, there, packet, accept=True))
        yield from (
            [item] for item in _cluster_rule(world, answer, direction, pod, there, packet, accept=True)
        )
        return
    rule = _np_rule(direction, there, packet, pod.namespace)
    if rule is None:
        return
    for policy in world.by_namespace.get(pod.namespace, ()):
        if direction not in policy.isolates or not policy.selects(pod, world.namespaces):
            continue
        raw = raws.get(("NetworkPolicy", policy.namespace, policy.name))
        if raw is None:
            continue
        changed = copy.deepcopy(raw)
        rules = changed["spec"].get(direction.value) or []
        changed["spec"][direction.value] = [*rules, rule]
        changed["spec"]["policyTypes"] = _types(policy)
        yield [
            Candidate(
                f"add a rule to NetworkPolicy {policy.namespace}/{policy.name}",
                changed,
                ("spec", direction.value, len(rules)),
            )
        ]
    yield [Candidate(_ADDED, _np(pod, f"allow-{direction.value}", direction, [rule]), new=True)]


def closings(
    world: PolicyWorld, raws: Raws, direction: Direction, packet: Packet, answer: Answer
) -> Iterator[list[Candidate]]:
    """Yield sets of changes that may hold a packet back in a direction that allows it."""
    here, there = _ends(direction, packet)
    pod = here.selectable()
    if pod is None:
        return
    vendor: list[Change] = []
    if answer.tier.startswith("calico/"):
        vendor = list(calico_changes(raws, answer, direction, pod, there, packet, accept=False))
    elif world.estate.engine == "cilium":
        vendor = list(cilium_closing(direction, pod, there, packet))
    for change in vendor:
        yield [Candidate(*change)]
    if answer.tier == "networkpolicy":
        changed = list(_narrowed(world, raws, direction, pod, there, packet))
        if changed:
            yield changed
    elif answer.tier in {"admin", "baseline"}:
        for item in _before(raws, answer, direction, there, packet, accept=False):
            yield [item]
    if world.admin or world.baseline:
        for item in _cluster_rule(world, answer, direction, pod, there, packet, accept=False):
            yield [item]
    if answer.tier == "default":
        yield [
            Candidate(
                f"add a NetworkPolicy to {pod.namespace} that leaves this port out",
                _np(pod, f"close-{direction.value}", direction, [{"ports": other_ports(packet)}]),
                new=True,
            )
        ]
        if there.selectable() is None and there.addresses():
            yield [
                Candidate(
                    f"add a NetworkPolicy to {pod.namespace} that leaves this address out",
                    _np(pod, f"close-{direction.value}", direction, [_everyone_but(direction, there)]),
                    new=True,
                )
            ]


def _ends(direction: Direction, packet: Packet) -> tuple[Peer, Peer]:
    if direction is Direction.EGRESS:
        return packet.source, packet.target
    return packet.target, packet.source


def _field(direction: Direction) -> str:
    return "to" if direction is Direction.EGRESS else "from"


def _types(policy: Policy) -> list[str]:
    return [item.value.capitalize() for item in Direction if item in policy.isolates]


def _np_rule(direction: Direction, there: Peer, packet: Packet, namespace: str) -> dict[str, Any] | None:
    peer = np_peer(there, namespace)
    if peer is None:
        return None
    ports = np_ports(packet)
    return {_field(direction): [peer], **({"ports": ports} if ports else {})}


def _np(pod: Pod, name: str, direction: Direction, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{name}-{pod.name}"[:63].rstrip("-."), "namespace": pod.namespace},
        "spec": {
            "podSelector": pod_selector(pod),
            "policyTypes": [direction.value.capitalize()],
            direction.value: rules,
        },
    }


def _everyone_but(direction: Direction, there: Peer) -> dict[str, Any]:
    address = there.addresses()[0]
    blocks = []
    for version, cidr in ((4, "0.0.0.0/0"), (6, "::/0")):
        block: dict[str, Any] = {"cidr": cidr}
        if version == address.version:
            block["except"] = [f"{address}/{address.max_prefixlen}"]
        blocks.append({"ipBlock": block})
    # Some engines let blocks select nothing inside the cluster (Cilium, specs b1.8): pods are named apart.
    return {_field(direction): [*blocks, {"namespaceSelector": {}}]}


def _before(
    raws: Raws, answer: Answer, direction: Direction, there: Peer, packet: Packet, *, accept: bool
) -> Iterator[Candidate]:
    """Put a rule for this peer and port before the one that decided."""
    policy, rule = answer.policy, answer.rule
    peer = cluster_peer(there, egress=direction is Direction.EGRESS)
    if policy is None or rule is None or peer is None:
        return
    raw = raws.get((policy.kind, "", policy.name))
    if raw is None:
        return
    changed = copy.deepcopy(raw)
    added = {
        "action": _word(policy.kind, accept=accept),
        _field(direction): [peer],
        **cluster_ports(packet, policy.kind),
    }
    changed["spec"][direction.value].insert(rule.index, added)
    yield Candidate(
        f"put a rule before rule {rule.index} of {policy.kind} {policy.name}",
        changed,
        ("spec", direction.value, rule.index),
    )


def _word(kind: str, *, accept: bool) -> str:
    if not accept:
        return "Deny"
    return "Accept" if kind == "ClusterNetworkPolicy" else "Allow"


def _cluster_rule(
    world: PolicyWorld,
    answer: Answer,
    direction: Direction,
    pod: Pod,
    there: Peer,
    packet: Packet,
    *,
    accept: bool,
) -> Iterator[Candidate]:
    """Add a cluster policy of its own, of the kind the cluster speaks, that is asked before what decided."""
    known = world.admin or world.baseline
    kind = "ClusterNetworkPolicy" if known[0].kind == "ClusterNetworkPolicy" else "AdminNetworkPolicy"
    peer = cluster_peer(there, egress=direction is Direction.EGRESS)
    priority = 0.0
    if answer.tier == "admin" and answer.policy is not None:
        priority = answer.policy.priority - 1
    if peer is None or priority < 0:
        return
    rule = {
        "action": _word(kind, accept=accept),
        _field(direction): [peer],
        **cluster_ports(packet, kind),
    }
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    yield Candidate(
        f"add an admin {kind} for these pods alone",
        {
            "apiVersion": f"policy.networking.k8s.io/{version}",
            "kind": kind,
            "metadata": {"name": f"{'open' if accept else 'close'}-{direction.value}-{pod.name}"[:63]},
            "spec": {
                **({"tier": "Admin"} if kind == "ClusterNetworkPolicy" else {}),
                "priority": int(priority),
                "subject": {
                    "pods": {"namespaceSelector": space_selector(pod), "podSelector": pod_selector(pod)}
                },
                direction.value: [rule],
            },
        },
        new=True,
    )


def _narrowed(
    world: PolicyWorld, raws: Raws, direction: Direction, pod: Pod, there: Peer, packet: Packet
) -> Iterator[Candidate]:
    """Take the packet out of every rule that lets it through: each rule keeps all else that it allowed."""
    for policy in world.by_namespace.get(pod.namespace, ()):
        if direction not in policy.isolates or not policy.selects(pod, world.namespaces):
            continue
        raw = raws.get(("NetworkPolicy", policy.namespace, policy.name))
        rules = policy.rules(direction)
        hits = [rule.index for rule in rules if rule.matches(there, packet, world.namespaces)]
        if raw is None or not hits:
            continue
        changed = copy.deepcopy(raw)
        written: list[dict[str, Any]] = []
        for rule in rules:
            body = changed["spec"][direction.value][rule.index] or {}
            if rule.index in hits:
                written += _split(body, rule, direction, there, packet, world)
            else:
                written.append(body)
        changed["spec"][direction.value] = written
        changed["spec"]["policyTypes"] = _types(policy)
        yield Candidate(
            f"narrow {direction.value} rule {', '.join(map(str, hits))} of NetworkPolicy "
            f"{policy.namespace}/{policy.name}",
            changed,
            ("spec", direction.value, hits[0]),
        )


def _split(
    body: dict[str, Any],
    rule: Rule,
    direction: Direction,
    there: Peer,
    packet: Packet,
    world: PolicyWorld,
) -> list[dict[str, Any]]:
    """Return the rules that allow what one allowed, less the packet's port from the peers that matched."""
    field = _field(direction)
    found = []
    peers = body.get(field) or []
    kept = [
        item
        for item, match in zip(peers, rule.peers or (), strict=False)
        if not match.matches(there, world.namespaces)
    ]
    if kept:
        found.append({**body, field: kept})
    ports = _less(body.get("ports") or [], packet, rule)
    if ports:
        matched = [item for item in peers if item not in kept]
        found.append({**({field: matched} if matched else {}), "ports": ports})
    return found


def _less(ports: list[dict[str, Any]], packet: Packet, rule: Rule) -> list[dict[str, Any]]:
    """Return the ports of a rule without the packet's."""
    if not ports:
        return other_ports(packet)
    found: list[dict[str, Any]] = []
    for item, match in zip(ports, rule.ports or (), strict=True):
        if not match.matches(packet):
            found.append(item)
        elif packet.port is not None and match.name is None and match.protocol is not None:
            low = match.low if match.low is not None else 1
            high = match.high if match.high is not None else (match.low or 65_535)
            found += around(match.protocol, low, high, packet.port)
    return found


def verified(candidate: Candidate) -> None:
    """Raise where a NetworkPolicy would be refused: nothing is proposed that cannot be applied."""
    if policy_key(candidate.raw)[0] == "NetworkPolicy":
        read_network_policy(candidate.raw)


__all__ = ["Candidate", "Raws", "closings", "openings", "verified"]
