"""What the same policies mean on the engine that enforces them, where that is certain.

- `cilium`: a block never means a pod or a node (azure-cni-powered-by-cilium.md @007506c; specs b1.8), and labels that are
  no part of a pod's identity by default are seen by no selector (pkg/labelsfilter v1.18.4).
- `npm-windows`: a policy with a named port, SCTP, a negative selector or an exception is not applied
  (azure-container-networking translatePolicy.go @cbd7560c; specs b5).
- `npm-linux`, `npm-windows`: IPv6 blocks are not enforced; what a pod sends to its own node is not filtered, which
  `reach` says of that pair (specs b5).
- `calico`: Kubernetes policies mean what their API says (specs b3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.network.cilium.labels import of_identity
from seawall.network.cilium.peers import UNLABELLED, in_world
from seawall.network.model import Selector
from seawall.network.problem import Problem
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.network.rules import PeerMatch, Policy, Rule

PROFILES = ("npm-linux", "npm-windows", "cilium", "calico")
_NEGATIVE = frozenset({"NotIn", "DoesNotExist"})


def on_engine(estate: NetworkEstate, engine: str) -> NetworkEstate:
    """Return the estate with its NetworkPolicies as an engine takes them; what it does not apply is a problem."""
    if engine not in {"cilium", "npm-linux", "npm-windows"}:
        return estate
    policies, problems = [], list(estate.problems)
    for policy in estate.policies:
        if policy.tier != "networkpolicy":
            policies.append(policy)
            continue
        reasons = sorted(set(_unsupported(policy))) if engine == "npm-windows" else []
        if reasons:
            text = f"NetworkPolicy {policy.namespace}/{policy.name} is not applied on Windows: {', '.join(reasons)}"
            problems.append(Problem(policy.kind, policy.namespace, policy.name, text, refused=False))
            continue
        policies.append(read_as(policy, engine, estate.family))
    made = estate.with_policies(policies)
    made.problems = problems
    return made


def read_as(policy: Policy, engine: str, family: int = 0) -> Policy:
    """Return a NetworkPolicy as an engine takes it; `family` is the only IP version that the cluster has, else 0."""
    return msgspec.structs.replace(
        policy,
        subject=_seen(policy.subject) if engine == "cilium" else policy.subject,
        ingress=tuple(_rule(item, engine, family) for item in policy.ingress),
        egress=tuple(_rule(item, engine, family) for item in policy.egress),
    )


def _rule(rule: Rule, engine: str, family: int) -> Rule:
    if rule.peers is None:
        return rule
    if engine == "cilium":
        read = [_on_cilium(item, family) for item in rule.peers]
        # The peers that are written keep their places: what Cilium reads into them comes after.
        peers = (*(item[0] for item in read), *(each for item in read for each in item[1:]))
    else:
        # A block that the engine does not know lets nobody through; the rule keeps its other peers.
        peers = tuple(item for item in rule.peers if item.block is None or item.block.version == 4)
    return msgspec.structs.replace(rule, peers=peers)


def _on_cilium(match: PeerMatch, family: int) -> tuple[PeerMatch, ...]:
    if match.block is not None:
        return (in_world(match.block, match.excepted, family),)
    seen = _seen(match)
    spaces = match.namespaces
    negative = (
        spaces is not None
        and bool(spaces.expressions)
        and spaces.matches({})
        and (seen.pods is None or seen.pods.matches({}))
    )
    # What asks only for labels that are not there holds of nodes and the world too: nothing says "a pod" of it.
    return (seen, UNLABELLED) if negative and seen.known else (seen,)


def _seen(match: PeerMatch) -> PeerMatch:
    """Return a match as Cilium's identities let it be: no pod has a label that is no part of its identity."""
    pods = match.pods
    if pods is None:
        return match
    positive = {key for key, _ in pods.labels}
    positive |= {key for key, operator, _ in pods.expressions if operator not in _NEGATIVE}
    if not all(map(of_identity, positive)):
        return msgspec.structs.replace(match, known=False)
    kept = tuple(item for item in pods.expressions if of_identity(item[0]))
    if len(kept) == len(pods.expressions):
        return match
    return msgspec.structs.replace(match, pods=Selector(pods.labels, kept))


def _unsupported(policy: Policy) -> Iterator[str]:
    yield from _selectors(policy.subject)
    for direction in Direction:
        for rule in policy.rules(direction):
            for port in rule.ports or ():
                if port.name is not None:
                    yield "named ports"
                if port.protocol == "SCTP":
                    yield "SCTP"
            for match in rule.peers or ():
                yield from _selectors(match)
                if match.excepted:
                    yield "except"


def _selectors(match: PeerMatch) -> Iterator[str]:
    selectors: tuple[Selector | None, ...] = (match.pods, match.namespaces)
    for selector in selectors:
        if selector is not None and any(operator in _NEGATIVE for _, operator, _ in selector.expressions):
            yield "negative selectors"
