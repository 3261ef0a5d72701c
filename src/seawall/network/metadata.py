"""Policies that keep pods from the metadata endpoint of their node, in the form that works on an engine.

The documentation's own policy is refused as it is written: `10.10.0.0/0#example` is one YAML word, because a
comment starts after a space only. Without the comment it means 0.0.0.0/0 (specs b1.7). On Cilium a block never
means a pod or a node, so that policy would also cut pods off from each other and from DNS (specs b1.8): there the
pods are named as well. Azure NPM could not enforce it (Azure/AKS issue 3170).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.ask import IMDS
from seawall.network.edits.terms import lasting
from seawall.network.estate import NetworkEstate, ordered
from seawall.network.model import Packet, Peer, Pod, read_pod
from seawall.network.policies import PolicyWorld
from seawall.network.rules import Action, Direction, read_network_policy
from seawall.snapshot.tables.index import SYSTEM_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "block-metadata-endpoint"
_BLOCK: dict[str, Any] = {"ipBlock": {"cidr": "0.0.0.0/0", "except": [f"{IMDS}/32"]}}
_BLOCK6: dict[str, Any] = {"ipBlock": {"cidr": "::/0"}}


class Isolation(msgspec.Struct, frozen=True):
    """Policies to apply, and who reaches the endpoint all the same, with the reason."""

    policies: tuple[dict[str, Any], ...]
    left: tuple[tuple[str, str], ...]


def isolate(estate: NetworkEstate, engine: str = "", namespaces: Iterable[str] = ()) -> Isolation:
    """Return a policy for every namespace of users from which a pod, there or new, reaches the endpoint.

    A policy that isolates egress where nothing did must allow all else, or it would close it: what is added opens
    nothing that was closed, for it is written only where pods are not isolated yet.
    """
    world = PolicyWorld(estate)
    pods = [read_pod(raw) for raw in estate.pods]
    pods += [read_pod(item.raw, item.template) for item in estate.standing()]
    spaces = sorted((set(estate.namespaces) | {pod.namespace for pod in pods}) - SYSTEM_NAMESPACES)
    wanted = set(namespaces)
    made: list[dict[str, Any]] = []
    for name in spaces:
        if wanted and name not in wanted:
            continue
        mine = [pod for pod in pods if pod.namespace == name and not pod.host]
        held = [pod for pod in mine if _isolated(world, pod)]
        if not held and not _isolated(world, Pod(name, "new", {})):
            made.append(policy(name, engine, estate.family))
        else:
            free = [pod for pod in mine if pod not in held]
            made += _beside(name, engine, estate.family, held, free)
    after = estate.with_policies(ordered([*estate.policies, *map(read_network_policy, made)]))
    return Isolation(tuple(made), tuple(_left(PolicyWorld(after), pods, engine, wanted)))


def _beside(
    namespace: str, engine: str, family: int, held: list[Pod], free: list[Pod]
) -> list[dict[str, Any]]:
    """Return policies for the pods that nothing holds outwards, none of which selects one that is held.

    A policy over all pods would allow those that are held everything but the endpoint: policies are a union.
    """
    made: dict[str, dict[str, Any]] = {}
    for pod in free:
        labels = lasting(pod.labels)
        if not labels or any(labels.items() <= other.labels.items() for other in held):
            continue
        body = policy(namespace, engine, family)
        body["metadata"]["name"] = f"{NAME}-{len(made) + 1}"
        body["spec"]["podSelector"] = {"matchLabels": labels}
        made.setdefault(str(labels), body)
    return list(made.values())


def policy(namespace: str, engine: str = "", family: int = 0) -> dict[str, Any]:
    """Return the policy of one namespace in the form that works on an engine.

    `family` is the only IP version of the cluster, 0 where it has both or nobody knows. A Cilium without IPv6 reads
    ::/0 as the whole world, the endpoint with it: there the block of IPv6 is left out.
    """
    peers = [_BLOCK] if family == 4 and engine in {"", "cilium"} else [_BLOCK, _BLOCK6]
    if engine in {"", "cilium"}:
        # Harmless elsewhere, and what keeps pods and DNS within reach on Cilium.
        peers = [*peers, {"namespaceSelector": {}}]
    if engine.startswith("npm-"):
        peers = [_BLOCK]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": peers}]},
    }


def _isolated(world: PolicyWorld, pod: Pod) -> bool:
    return bool(world.isolating(pod, Direction.EGRESS))


def _left(world: PolicyWorld, pods: list[Pod], engine: str, wanted: set[str]) -> Iterable[tuple[str, str]]:
    for pod in pods:
        if pod.namespace in SYSTEM_NAMESPACES or (wanted and pod.namespace not in wanted):
            continue
        answer = world.direction(Direction.EGRESS, Packet(Peer(pod=pod), Peer(address=IMDS), "TCP", 80))
        if answer.verdict is not Action.ALLOW:
            if engine.startswith("npm-"):
                yield pod.key, "Azure NPM could not enforce the exception (Azure/AKS issue 3170)"
            continue
        if pod.host:
            yield pod.key, "the pod is in the host's network: no policy holds it"
        elif answer.policy is not None:
            rule = answer.rule.index if answer.rule is not None else ""
            where = f"{answer.policy.namespace}/{answer.policy.name}".strip("/")
            yield pod.key, f"{answer.policy.kind} {where} rule {rule} allows it"
        else:
            yield pod.key, "its labels do not tell it from pods that are held more tightly"
