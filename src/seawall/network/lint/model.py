"""What the rules of the linter look at, and what they say."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from seawall.network.ask import IMDS, WIRE_SERVER
from seawall.network.engines import engine_of_clusters
from seawall.network.estate import policy_key
from seawall.network.model import Packet, Peer, Pod, read_pod
from seawall.network.pairs import Matrix
from seawall.network.policies import PolicyWorld
from seawall.network.rules import Action, Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seawall.network.estate import NetworkEstate
    from seawall.network.model import Selector
    from seawall.network.rules import PeerMatch, Policy

ENGINES = ("npm-linux", "npm-windows", "cilium", "calico")
"""Engines that a policy may run on (specs b3 to b5; shared/data/network/tables/policy_engines.json)."""

_RANK = {"error": 0, "warning": 1, "info": 2}
_CLUSTER = "microsoft.containerservice/managedclusters"
_NSG = "microsoft.network/networksecuritygroups"
_VNET = "microsoft.network/virtualnetworks"
STEP = tuple[str | int, ...]


class Found(msgspec.Struct, frozen=True):
    """What a rule found: the object or resource it is about, the steps into it, and the witness that shows it."""

    item: dict[str, Any]
    path: STEP
    message: str
    witness: str
    hint: str = ""


class Remark(msgspec.Struct, frozen=True):
    """A finding of the linter. `severity` is error (it will not work), warning (likely wrong) or info."""

    rule: str
    severity: str
    kind: str
    namespace: str
    name: str
    path: STEP
    message: str
    witness: str
    hint: str
    item: dict[str, Any]

    @classmethod
    def of(cls, rule: str, severity: str, found: Found) -> Remark:
        """Make a remark of what a rule found."""
        metadata = found.item.get("metadata")
        if isinstance(metadata, dict):
            kind, name = str(found.item.get("kind")), str(metadata.get("name") or "")
            namespace = str(metadata.get("namespace") or "")
        else:
            kind, name = str(found.item.get("type") or ""), str(found.item.get("name") or "")
            namespace = str(found.item.get("resourceGroup") or "")
        return cls(
            rule,
            severity,
            kind,
            namespace,
            name,
            found.path,
            found.message,
            found.witness,
            found.hint,
            found.item,
        )

    def order(self) -> tuple[Any, ...]:
        """Return what remarks are sorted by."""
        path = tuple((isinstance(step, str), str(step).zfill(6)) for step in self.path)
        return _RANK[self.severity], self.rule, self.kind, self.namespace, self.name, path, self.message


class View:
    """An estate with what several rules ask of it worked out once."""

    def __init__(
        self,
        estate: NetworkEstate,
        objects: Sequence[dict[str, Any]],
        resources: Sequence[dict[str, Any]] = (),
        engine: str = "",
    ) -> None:
        self.estate = estate
        self.objects = objects
        self.resources = resources
        self._engine = engine

    @cached_property
    def world(self) -> PolicyWorld:
        """The engine of one pair."""
        return PolicyWorld(self.estate)

    @cached_property
    def matrix(self) -> Matrix:
        """The engine of all pairs."""
        return Matrix(self.estate)

    @cached_property
    def pods(self) -> list[tuple[Pod, dict[str, Any]]]:
        """Pods, and workloads that no pod stands for, with what was read."""
        found = [(read_pod(raw), raw) for raw in self.estate.pods]
        return found + [(read_pod(item.raw, item.template), item.raw) for item in self.estate.standing()]

    @cached_property
    def raws(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """The policies as they were read, by kind, namespace and name."""
        found = {}
        for raw in self.objects:
            if str(raw.get("kind")).endswith("NetworkPolicy"):
                found[policy_key(raw)] = raw
        return found

    def blocks(self) -> Iterator[tuple[dict[str, Any], STEP, dict[str, Any]]]:
        """Yield every ipBlock as it was written, with the steps that lead to it; refused policies are among them."""
        for (kind, _, _), raw in self.raws.items():
            if kind == "NetworkPolicy":
                for direction, field in (("ingress", "from"), ("egress", "to")):
                    for index, rule in enumerate(_list(_dict(raw.get("spec")).get(direction))):
                        for number, peer in enumerate(_list(_dict(rule).get(field))):
                            block = _dict(peer).get("ipBlock")
                            if isinstance(block, dict):
                                yield raw, ("spec", direction, index, field, number, "ipBlock"), block

    def policies(self, *tiers: str) -> Iterator[tuple[Policy, dict[str, Any]]]:
        """Yield the policies of some tiers, of all where none is named, with what was read."""
        for policy in self.estate.policies:
            raw = self.raws.get((policy.kind, policy.namespace, policy.name))
            if raw is not None and (not tiers or policy.tier.partition("/")[0] in tiers):
                yield policy, raw

    def peers(self, *tiers: str) -> Iterator[tuple[Policy, dict[str, Any], PeerMatch, STEP]]:
        """Yield every peer of NetworkPolicies with the steps that lead to it."""
        for policy, raw in self.policies(*(tiers or ("networkpolicy",))):
            for direction, field in ((Direction.INGRESS, "from"), (Direction.EGRESS, "to")):
                for rule in policy.rules(direction):
                    for number, match in enumerate(rule.peers or ()):
                        if not match.entity:  # what an engine reads into a rule stands nowhere in it
                            yield policy, raw, match, ("spec", direction.value, rule.index, field, number)

    def selected(self, policy: Policy) -> list[Pod]:
        """Return the pods that a policy is about."""
        return [pod for pod, _ in self.pods if policy.selects(pod, self.world.namespaces)]

    def matching(self, match: PeerMatch) -> list[Pod]:
        """Return the pods that a peer means."""
        return [pod for pod, _ in self.pods if match.matches(Peer(pod=pod), self.world.namespaces)]

    def isolated(self, pod: Pod, direction: Direction) -> bool:
        """Tell whether a policy closes a direction of a pod to what nothing allows."""
        return bool(self.world.isolating(pod, direction))

    def allows(self, source: Peer, target: Peer, protocol: str, port: int | None) -> bool:
        """Tell whether a packet gets through both directions."""
        answers = self.world.decide(Packet(source, target, protocol, port))
        return all(item.verdict is Action.ALLOW for item in answers)

    def reaches(self, pod: Pod, address: Any, protocol: str, port: int) -> bool:
        """Tell whether a pod reaches an address outside."""
        return self.allows(Peer(pod=pod), Peer(address=address), protocol, port)

    @cached_property
    def services(self) -> list[dict[str, Any]]:
        """The Services."""
        return [raw for raw in self.objects if raw.get("kind") == "Service"]

    def behind(self, service: dict[str, Any]) -> list[Pod]:
        """Return the pods that a Service sends to."""
        selector = (service.get("spec") or {}).get("selector") or {}
        namespace = str((service.get("metadata") or {}).get("namespace") or "default")
        if not selector:
            return []
        wanted = {(str(key), str(value)) for key, value in selector.items()}
        return [
            pod for pod, _ in self.pods if pod.namespace == namespace and wanted <= set(pod.labels.items())
        ]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the Azure resources of a type, in lower case."""
        return [row for row in self.resources if str(row.get("type") or "").lower() == kind]

    @property
    def clusters(self) -> list[dict[str, Any]]:
        """The managed clusters."""
        return self.of_type(_CLUSTER)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The network security groups."""
        return self.of_type(_NSG)

    @property
    def networks(self) -> list[dict[str, Any]]:
        """The virtual networks."""
        return self.of_type(_VNET)

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """The engines that the policies run on: the one asked for, else those of the clusters read."""
        if self._engine:
            return (self._engine,)
        return engine_of_clusters(self.clusters)

    def same(self, other: Matrix) -> bool:
        """Tell whether another matrix of the same people answers everything as this one does."""
        mine = self.matrix
        joint = np.unique(mine.class_of * other.classes + other.class_of)
        was, now = joint // other.classes, joint % other.classes
        for low in range(0, len(joint), 128):
            part = slice(low, low + 128)
            if (_words(mine, was[part], was) != _words(other, now[part], now)).any():
                return False
        return True


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(matrix: Matrix, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    out, into = matrix.egress, matrix.ingress
    words: np.ndarray = (
        out.words[out.rows[sources][:, None], out.columns[targets][None, :]]
        & into.words[into.rows[targets][None, :], into.columns[sources][:, None]]
    )
    return words


def blank(selector: Selector | None) -> bool:
    """Tell whether a selector takes everything."""
    return selector is None or not (selector.labels or selector.expressions)


__all__ = ["ENGINES", "IMDS", "STEP", "WIRE_SERVER", "Found", "Remark", "View", "blank"]
