"""One question explained: every stop of the way with its verdict, the rule, its file and line, and the edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.azure import AzureNetwork
from seawall.network.edits import closing, opening
from seawall.network.edits.groups import close_group, open_group
from seawall.network.estate import policy_key
from seawall.network.index import ObjectIndex
from seawall.network.model import Packet, Peer
from seawall.network.path import Way
from seawall.network.rules import Action, Direction
from seawall.sources import Locator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.edits import Proposal
    from seawall.network.path import Hop
    from seawall.network.policies import Answer, PolicyWorld
    from seawall.snapshot import Snapshot


def explain(
    snapshot: Snapshot,
    world: PolicyWorld,
    source: Peer,
    target: Peer | dict[str, Any],
    protocol: str,
    port: int | None,
    *,
    edits: bool = True,
) -> dict[str, Any]:
    """Answer one question with `verdict`, `path` (a list of stops) and, where there is one, `proposal`.

    `target` may be a Service as it was read: then the packet goes by its load balancer, the groups and the node to the
    pods behind it. A stop has `stop`, `verdict`, `why`, and where they are known `by`, `at` (file:line) and `passed`.
    """
    tracer = _Tracer(snapshot, world)
    path, allowed_by_policies, packet = tracer.run(source, target, protocol, port)
    doubts = list(_left_out(world, packet))
    # A policy that could not be decided may open or close: only a stop that is no policy's denies for certain then.
    certain = [stop for stop in path if not doubts or not stop["stop"].startswith("policies")]
    path += doubts
    verdicts = {stop["verdict"] for stop in (*certain, *doubts)}
    verdict = "deny" if "deny" in verdicts else "unknown" if "unknown" in verdicts else "allow"
    answer: dict[str, Any] = {"protocol": protocol, "port": port, "verdict": verdict, "path": path}
    if edits and packet is not None and not doubts:
        answer["proposal"] = tracer.propose(
            packet, path, allowed=allowed_by_policies, reached=verdict == "allow"
        )
    return answer


def _left_out(world: PolicyWorld, packet: Packet | None) -> Iterator[dict[str, Any]]:
    """Yield a stop for each policy that was left out undecided and may select an end of the packet."""
    ends = (packet.source, packet.target) if packet is not None else ()
    namespaces = {"", *(end.pod.namespace for end in ends if end.pod is not None)}
    for problem in world.estate.problems:
        if not problem.refused and not problem.idle and problem.namespace in namespaces:
            why = f"left out, and may select an end of this: {problem.reason}"
            yield {"stop": "policies", "verdict": "unknown", "why": why}


class _Tracer:
    """Walks one question through the stops of the platform and of the policies, in the order of the packet."""

    def __init__(self, snapshot: Snapshot, world: PolicyWorld) -> None:
        self.index = ObjectIndex(snapshot.objects)
        self.locator = Locator(snapshot)
        self.world = world
        self.way = Way(AzureNetwork([item.row for item in snapshot.resources]), world)
        self._origins = {id(item.raw): item.origin for item in snapshot.objects}
        self._rows = {id(item.row): item for item in snapshot.resources}
        self._denied: list[Hop] = []
        self._allowed: list[Hop] = []

    def run(
        self, source: Peer, target: Peer | dict[str, Any], protocol: str, port: int | None
    ) -> tuple[list[dict[str, Any]], bool, Packet | None]:
        """Return the stops, whether the policies allow, and the packet that the policies were asked about."""
        if isinstance(target, dict):
            hops, behind = self.way.service(source, target, protocol, port)
            stops = [self._hop(item) for item in hops]
            answers = [
                (
                    Packet(caller, Peer(pod=pod), protocol, number),
                    self._policies(caller, Peer(pod=pod), protocol, number),
                )
                for caller, pod, number in behind
            ]
            if not answers:
                return stops, False, None
            # A Service sends to any of its pods: the way is open where it is open to each of them.
            worst = next((item for item in answers if not item[1][1]), answers[0])
            found, allowed = worst[1]
            if len(answers) > 1:
                open_ones = sum(item[1][1] for item in answers)
                found[-1].setdefault("passed", []).append(
                    f"{open_ones} of {len(answers)} pods behind it take the packet"
                )
            return [*stops, *found], allowed, worst[0]
        packet = Packet(source, target, protocol, port)
        found, allowed = self._policies(source, target, protocol, port)
        before: list[Hop] = []
        between: list[Hop] = []
        if source.pod is None and source.address is not None and target.pod is not None:
            before = list(self.way.inwards(source.address, target, protocol, port))
        elif source.pod is not None and target.pod is not None:
            between = list(self.way.between(source, target, protocol, port))
        elif target.address is not None:
            between = list(self.way.outwards(source, target.address, protocol, port))
        path = [*map(self._hop, before), found[0], *map(self._hop, between), found[1]]
        return path, allowed, packet

    def propose(
        self, packet: Packet, path: list[dict[str, Any]], *, allowed: bool, reached: bool
    ) -> dict[str, Any] | None:
        """Return the edits that turn the answer round; None where something that nobody edits here stands in the way.

        That is a route, a load balancer, an admin rule, the group that AKS writes, and what was not read.
        """
        if reached:
            found = closing(self.world, self.index.policies(), packet)
            return self._closed_by_group() if found is None else _proposal(found, self.index, self.locator)
        edits: list[dict[str, Any]] = []
        others = 0
        if any(stop["verdict"] == "unknown" for stop in path):
            return None
        for hop in self._denied:
            rule = None
            if hop.nsg is not None and hop.flow is not None:
                rule = open_group(hop.nsg, hop.flow, self.way.network.topology)
            if rule is None or hop.nsg is None:
                return None
            summary = f"add rule {rule['name']} to security group {hop.nsg.name}"
            edits.append({"summary": summary, "new": True, "group": hop.nsg.id, "rule": rule})
        if not allowed:
            found = opening(self.world, self.index.policies(), packet)
            if found is None:
                return None
            written = _proposal(found, self.index, self.locator)
            edits += written["edits"]
            others = written["others"]
        return {"edits": edits, "others": others}

    def _closed_by_group(self) -> dict[str, Any] | None:
        """Return a rule of a group that stops what no policy can; None where no group of the way is the user's.

        Traffic within one subnet is not to be filtered on AKS (specs b8), so nothing is proposed for it.
        """
        for hop in self._allowed:
            if hop.nsg is None or hop.flow is None:
                continue
            network = self.way.network
            ends = network.subnet_of(hop.flow.source), network.subnet_of(hop.flow.destination)
            if ends[0] is not None and ends[0] is ends[1]:
                continue
            rule = close_group(hop.nsg, hop.flow, network.topology)
            if rule is not None:
                summary = f"add rule {rule['name']} to security group {hop.nsg.name}"
                edit = {"summary": summary, "new": True, "group": hop.nsg.id, "rule": rule}
                return {"edits": [edit], "others": 0}
        return None

    def _policies(
        self, source: Peer, target: Peer, protocol: str, port: int | None
    ) -> tuple[list[dict[str, Any]], bool]:
        packet = Packet(source, target, protocol, port)
        out, into = self.world.decide(packet)
        stops = [
            _stop(Direction.EGRESS, out, packet, self.index, self.locator),
            _stop(Direction.INGRESS, into, packet, self.index, self.locator),
        ]
        return stops, out.verdict is Action.ALLOW and into.verdict is Action.ALLOW

    def _hop(self, hop: Hop) -> dict[str, Any]:
        if hop.verdict in {"deny", "allow"}:
            (self._denied if hop.verdict == "deny" else self._allowed).append(hop)
        stop: dict[str, Any] = {"stop": hop.stop, "verdict": hop.verdict, "why": hop.why}
        if hop.item is not None and id(hop.item) in self._origins:
            stop["at"] = str(self.locator.locate(self._origins[id(hop.item)], hop.path))
        elif hop.item is not None and id(hop.item) in self._rows:
            stop["at"] = str(self.locator.locate_resource(self._rows[id(hop.item)], hop.path))
        return stop


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
        field = answer.rule.path[-2] if answer.rule.path else direction.value
        stop["why"] = f"{policy.kind} {name}, {field} rule {answer.rule.index}"
        steps = answer.rule.path or ("spec", direction.value, answer.rule.index)
    if item is not None:
        stop["at"] = str(locator.locate(item.origin, steps))
    return stop


def _proposal(proposal: Proposal, index: ObjectIndex, locator: Locator) -> dict[str, Any]:
    edits = []
    for edit in proposal.edits:
        item = index.find(*policy_key(edit.policy))
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
        **{key: policy[key] for key in ("spec", "specs") if key in policy},
    }
