"""Changes of Calico's and Cilium's own policies that may turn an answer round, written as those policies are."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from seawall.network.edits.terms import block_of, lasting
from seawall.network.model import ECHO, PROTOCOLS
from seawall.network.rules import Action, Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.model import Packet, Peer, Pod
    from seawall.network.policies import Answer, PolicyWorld

Raws = dict[tuple[str, str, str], dict[str, Any]]
Change = tuple[str, dict[str, Any], tuple[str | int, ...], bool]
"""What is changed in words, the policy as it would be, where in it the change stands, and whether it is new."""

_STEP = 1.0


def calico_changes(
    raws: Raws, answer: Answer, direction: Direction, pod: Pod, there: Peer, packet: Packet, *, accept: bool
) -> Iterator[Change]:
    """Yield a rule put before the one that decided, and a policy of its own that is asked before it."""
    policy = answer.policy
    if policy is None:
        return
    action = "Allow" if accept else "Deny"
    entity = _calico_end(there, pod)
    if entity is None:
        return
    far = "destination" if direction is Direction.EGRESS else "source"
    rule: dict[str, Any] = {"action": action, **_calico_protocol(packet), far: entity}
    if packet.protocol in PROTOCOLS and packet.port is not None:
        rule["destination"] = {**rule.get("destination", {}), "ports": [packet.port]}
    raw = raws.get((policy.kind, policy.namespace, policy.name))
    if raw is not None:
        changed = copy.deepcopy(raw)
        rules = changed["spec"].setdefault(direction.value, [])
        at = answer.rule.index if answer.rule is not None else len(rules)
        rules.insert(at, rule)
        yield (
            f"put a rule before rule {at} of {policy.kind} {policy.name}",
            changed,
            ("spec", direction.value, at),
            False,
        )
    name = f"{'open' if accept else 'close'}-{direction.value}-{pod.name}"[:60].rstrip("-.")
    spec: dict[str, Any] = {
        "tier": policy.tier.partition("/")[2],
        "selector": _calico_selector(lasting(pod.labels)),
        "types": [direction.value.capitalize()],
        direction.value: [rule],
    }
    if not math.isinf(policy.priority):
        spec["order"] = policy.priority - _STEP
    else:
        spec["order"] = 0
    made = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": pod.namespace},
        "spec": spec,
    }
    yield f"add a Calico NetworkPolicy to {pod.namespace} for these pods alone", made, (), True


def _calico_protocol(packet: Packet) -> dict[str, Any]:
    if packet.protocol in ECHO:
        kind = ECHO[packet.protocol] if packet.port is None else packet.port
        name = "ICMP" if packet.protocol == "ICMP" else "ICMPv6"
        return {"protocol": name, "icmp": {"type": kind}}
    if packet.protocol.isdigit():
        return {"protocol": int(packet.protocol)}
    return {"protocol": "UDPLite" if packet.protocol == "UDPLITE" else packet.protocol}


def _calico_selector(labels: dict[str, str]) -> str:
    return " && ".join(f"{key} == '{value}'" for key, value in labels.items()) or "all()"


def _calico_end(peer: Peer, near: Pod) -> dict[str, Any] | None:
    pod = peer.selectable()
    if pod is None:
        block = block_of(peer)
        return None if block is None else {"nets": [block["cidr"]]}
    found = {"selector": _calico_selector(lasting(pod.labels))}
    if pod.namespace != near.namespace:
        found["namespaceSelector"] = f"projectcalico.org/name == '{pod.namespace}'"
    return found


def cilium_openings(
    world: PolicyWorld, raws: Raws, direction: Direction, pod: Pod, there: Peer, packet: Packet
) -> list[Change]:
    """Return the policies without the rules that deny: nothing but their absence opens what a denial closes.

    A list that would become empty keeps a rule about nobody: without any it would close its direction no longer.
    """
    denying: dict[tuple[str, str, str], set[tuple[str | int, ...]]] = {}
    for policy in world.estate.policies:
        if policy.tier != "cilium" or not policy.selects(pod, world.namespaces):
            continue
        for rule in policy.rules(direction):
            if rule.action is Action.DENY and rule.matches(there, packet, world.namespaces, pod):
                key = (policy.kind, policy.namespace, policy.name)
                denying.setdefault(key, set()).add(rule.path)
    found: list[Change] = []
    for key, paths in denying.items():
        raw = raws.get(key)
        if raw is None:
            return []
        changed = copy.deepcopy(raw)
        for path in sorted(paths, key=lambda item: int(item[-1]), reverse=True):
            listed: Any = changed
            for step in path[:-1]:
                listed = listed[step]
            if len(listed) > 1:
                del listed[int(path[-1])]
            else:
                side = "from" if direction is Direction.INGRESS else "to"
                listed[0] = {f"{side}Entities": ["none"]}
        first = min(paths, key=lambda item: int(item[-1]))
        numbers = ", ".join(str(item[-1]) for item in sorted(paths, key=lambda item: int(item[-1])))
        summary = f"take {first[-2]} rule {numbers} out of {key[0]} {key[2]}"
        found.append((summary, changed, first[:-1], False))
    return found


def cilium_closing(direction: Direction, pod: Pod, there: Peer, packet: Packet) -> Iterator[Change]:
    """Yield a policy that denies this peer and port and closes nothing else."""
    side = "from" if direction is Direction.INGRESS else "to"
    far = there.selectable()
    rule: dict[str, Any]
    if far is not None:
        labels = {**lasting(far.labels), "k8s:io.kubernetes.pod.namespace": far.namespace}
        rule = {f"{side}Endpoints": [{"matchLabels": labels}]}
    elif there.node or (there.pod is not None and there.pod.host):
        own = any(address in pod.node_addresses for address in there.addresses())
        rule = {f"{side}Entities": ["host" if own else "remote-node"]}
    else:
        block = block_of(there)
        if block is None:
            return
        rule = {f"{side}CIDR": [block["cidr"]]}
    if packet.protocol in ECHO:
        family = "IPv4" if packet.protocol == "ICMP" else "IPv6"
        kind = ECHO[packet.protocol] if packet.port is None else packet.port
        rule["icmps"] = [{"fields": [{"family": family, "type": kind}]}]
    elif packet.protocol in PROTOCOLS:
        port = {"port": str(packet.port or 0), "protocol": packet.protocol}
        rule["toPorts"] = [{"ports": [port]}]
    made = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {
            "name": f"close-{direction.value}-{pod.name}"[:60].rstrip("-."),
            "namespace": pod.namespace,
        },
        "spec": {
            "endpointSelector": {"matchLabels": lasting(pod.labels)},
            "enableDefaultDeny": {direction.value: False},
            f"{direction.value}Deny": [rule],
        },
    }
    yield f"add a CiliumNetworkPolicy to {pod.namespace} that denies this", made, (), True
