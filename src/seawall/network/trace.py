"""One question explained: every stop of the way with its verdict, the rule, its file and line, and the edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.edits import closing, opening
from seawall.network.index import ObjectIndex
from seawall.network.model import Packet
from seawall.network.rules import Action, Direction
from seawall.sources import Locator

if TYPE_CHECKING:
    from seawall.network.edits import Proposal
    from seawall.network.model import Peer
    from seawall.network.policies import Answer, PolicyWorld
    from seawall.snapshot import Snapshot


def explain(
    snapshot: Snapshot,
    world: PolicyWorld,
    source: Peer,
    target: Peer,
    protocol: str,
    port: int | None,
    *,
    edits: bool = True,
) -> dict[str, Any]:
    """Answer one question with `verdict`, `path` (a list of stops) and, where there is one, `proposal`.

    A stop has `stop`, `verdict`, `why`, and where they are known `by`, `at` (file:line) and `passed`.
    """
    index = ObjectIndex(snapshot.objects)
    locator = Locator(snapshot)
    packet = Packet(source, target, protocol, port)
    out, into = world.decide(packet)
    path = [
        _stop(Direction.EGRESS, out, packet, index, locator),
        _stop(Direction.INGRESS, into, packet, index, locator),
    ]
    allowed = out.verdict is Action.ALLOW and into.verdict is Action.ALLOW
    answer: dict[str, Any] = {
        "protocol": protocol,
        "port": port,
        "verdict": "allow" if allowed else "deny",
        "path": path,
    }
    if edits:
        proposal = (closing if allowed else opening)(world, index.policies(), packet)
        answer["proposal"] = None if proposal is None else _proposal(proposal, index, locator)
    return answer


def _stop(
    direction: Direction, answer: Answer, packet: Packet, index: ObjectIndex, locator: Locator
) -> dict[str, Any]:
    stop: dict[str, Any] = {
        "stop": f"policies, {direction.value}",
        "verdict": answer.verdict.value,
        "tier": answer.tier,
        "by": answer.by(),
    }
    if answer.considered:
        stop["passed"] = list(answer.considered)
    policy = answer.policy
    if policy is None:
        end = packet.source if direction is Direction.EGRESS else packet.target
        if end.pod is not None and end.pod.host:
            stop["why"] = "the pod is in the host's network: no policy holds it"
        elif end.pod is None:
            stop["why"] = "an address: no policy of this cluster is about it"
        else:
            stop["why"] = "no policy decides, the default allows"
        return stop
    name = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    item = index.find(policy.kind, policy.namespace, policy.name)
    if answer.rule is None:
        stop["why"] = f"{policy.kind} {name} isolates {direction.value} and no rule allows this"
        steps: tuple[str | int, ...] = ("spec",)
    else:
        stop["why"] = f"{policy.kind} {name}, {direction.value} rule {answer.rule.index}"
        steps = ("spec", direction.value, answer.rule.index)
    if item is not None:
        stop["at"] = str(locator.locate(item.origin, steps))
    return stop


def _proposal(proposal: Proposal, index: ObjectIndex, locator: Locator) -> dict[str, Any]:
    edits = []
    for edit in proposal.edits:
        metadata = edit.policy["metadata"]
        namespace = str(metadata.get("namespace") or "default")
        kind = str(edit.policy["kind"])
        item = index.find(kind, namespace if kind == "NetworkPolicy" else "", str(metadata["name"]))
        found: dict[str, Any] = {"summary": edit.summary, "new": edit.new, "policy": _written(edit.policy)}
        if item is not None and not edit.new:
            found["at"] = str(locator.locate(item.origin, edit.path))
            found["path"] = list(edit.path)
        edits.append(found)
    return {"edits": edits, "others": proposal.others}


def _written(policy: dict[str, Any]) -> dict[str, Any]:
    """Return a policy as it is applied: without what the server alone writes."""
    metadata = {
        key: policy["metadata"][key] for key in ("name", "namespace", "labels") if key in policy["metadata"]
    }
    return {
        "apiVersion": policy["apiVersion"],
        "kind": policy["kind"],
        "metadata": metadata,
        "spec": policy["spec"],
    }
