"""CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy, read (specs b4; pkg/policy v1.18.4).

Cilium's policies and Kubernetes' are one union in which a denial beats every allowance. A direction of a pod is closed
to what nothing allows once a rule selects the pod, unless each such rule says enableDefaultDeny false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.cilium.labels import NAMESPACE_KEY, read_labels
from seawall.network.cilium.peers import UNLABELLED, Groups, PeerReader
from seawall.network.cilium.ports import read_ports
from seawall.network.expressions import EVERYBODY, holds_without_labels
from seawall.network.model import as_object
from seawall.network.rules import ALL, Action, Clause, Direction, PeerMatch, Policy, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.estate import NetworkEstate
    from seawall.network.expressions import Expression

CLUSTERWIDE = "CiliumClusterwideNetworkPolicy"
TIER = "cilium"
_DENY, _ALLOW = 0.0, 500.0
_SIDES = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
_SPEC_FIELDS = frozenset(
    {
        "endpointSelector",
        "nodeSelector",
        "ingress",
        "ingressDeny",
        "egress",
        "egressDeny",
        "labels",
        "enableDefaultDeny",
        "description",
        "log",
    }
)
_RULE_FIELDS = {
    Direction.INGRESS: frozenset(
        {
            "fromEndpoints",
            "fromRequires",
            "fromCIDR",
            "fromCIDRSet",
            "fromEntities",
            "fromGroups",
            "fromNodes",
            "toPorts",
            "icmps",
            "authentication",
        }
    ),
    Direction.EGRESS: frozenset(
        {
            "toEndpoints",
            "toRequires",
            "toCIDR",
            "toCIDRSet",
            "toEntities",
            "toServices",
            "toGroups",
            "toNodes",
            "toFQDNs",
            "toPorts",
            "icmps",
            "authentication",
        }
    ),
}
_MOST_REQUIREMENTS = 6


class _Requirement(msgspec.Struct, frozen=True):
    """What endpoints must be besides, in every rule of a direction and action over the pods of a subject."""

    direction: Direction
    action: Action
    subject: PeerMatch
    peers: Expression


class CiliumReader:
    """Reads policies against the groups and Services of one estate."""

    def __init__(self, estate: NetworkEstate) -> None:
        self._estate = estate
        self._groups = Groups()
        self._requirements: list[_Requirement] = []

    def learn(self, raw: dict[str, Any]) -> None:
        """Take in a group of CIDRs, which policies refer to; other kinds are left aside.

        Raises:
            InputError: a CIDR that is none.
        """
        if raw.get("kind") == "CiliumCIDRGroup":
            self._groups.add(raw)

    def read(self, raw: dict[str, Any]) -> list[Policy]:
        """Read a policy as up to two for each of its rules: what it denies, and what it allows.

        Raises:
            InputError: a field that Cilium refuses or that is not decided here, by name.
        """
        kind, metadata = str(raw["kind"]), raw.get("metadata") or {}
        name = str(metadata.get("name") or "")
        namespace = "" if kind == CLUSTERWIDE else str(metadata.get("namespace") or "default")
        where = f"{kind} {f'{namespace}/' if namespace else ''}{name}"
        specs: list[tuple[tuple[str | int, ...], str, Any]] = []
        if raw.get("spec") is not None:
            specs.append((("spec",), f"{where}: spec", raw["spec"]))
        specs += [
            (("specs", n), f"{where}: specs[{n}]", item) for n, item in enumerate(raw.get("specs") or [])
        ]
        if not specs:
            raise InputError(f"{where}: spec or specs must be given")
        found: list[Policy] = []
        wanted: list[_Requirement] = []
        for path, at, spec in specs:
            if not isinstance(spec, dict):
                raise InputError(f"{at}: it is an object")
            policies, requirements = self._spec(spec, path, at, kind, namespace, name)
            found += policies
            wanted += requirements
        self._requirements += wanted
        return found

    def required(self, policies: Iterable[Policy]) -> list[Policy]:
        """Return policies with what fromRequires and toRequires of all of them ask of every endpoint.

        Raises:
            InputError: more of them than rules can be split by.
        """
        if not self._requirements:
            return list(policies)
        if len(self._requirements) > _MOST_REQUIREMENTS:
            raise InputError(f"fromRequires and toRequires: more than {_MOST_REQUIREMENTS} are not decided")
        return [
            msgspec.structs.replace(
                item,
                ingress=self._split(item.ingress, Direction.INGRESS),
                egress=self._split(item.egress, Direction.EGRESS),
            )
            for item in policies
        ]

    def _split(self, rules: tuple[Rule, ...], direction: Direction) -> tuple[Rule, ...]:
        found = list(rules)
        for requirement in self._requirements:
            if requirement.direction is direction:
                found = [part for rule in found for part in _parted(rule, requirement)]
        return tuple(found)

    def _spec(
        self,
        spec: dict[str, Any],
        path: tuple[str | int, ...],
        where: str,
        kind: str,
        namespace: str,
        name: str,
    ) -> tuple[list[Policy], list[_Requirement]]:
        unknown = sorted(set(spec) - _SPEC_FIELDS)
        if unknown:
            raise InputError(f"{where}.{unknown[0]}: this field is not decided")
        subject = self._subject(spec, where, namespace)
        peers = PeerReader(self._estate, self._groups, namespace)
        rules: dict[tuple[Direction, Action], list[Rule]] = {}
        requirements: list[_Requirement] = []
        isolates = set()
        for direction in Direction:
            for action, field in ((Action.DENY, f"{direction.value}Deny"), (Action.ALLOW, direction.value)):
                listed = spec.get(field) or []
                if listed and _default_deny(spec, direction, where):
                    isolates.add(direction)
                for index, body in enumerate(listed):
                    at = f"{where}.{field}[{index}]"
                    rule, needed = _rule(peers, as_object(body), direction, action, at)
                    rule = msgspec.structs.replace(rule, index=index, path=(*path, field, index))
                    rules.setdefault((direction, action), []).append(rule)
                    requirements += [_Requirement(direction, action, subject, item) for item in needed]
        if not rules:
            raise InputError(
                f"{where}: rule must have at least one of Ingress, IngressDeny, Egress, EgressDeny"
            )
        found = []
        for action, place in ((Action.DENY, _DENY), (Action.ALLOW, _ALLOW)):
            found.append(
                Policy(
                    kind=kind,
                    namespace=namespace,
                    name=name,
                    tier=TIER,
                    subject=subject,
                    ingress=tuple(rules.get((Direction.INGRESS, action), ())),
                    egress=tuple(rules.get((Direction.EGRESS, action), ())),
                    isolates=frozenset(isolates) if action is Action.ALLOW else frozenset(),
                    priority=place,
                    tie=f"{namespace}/{name}",
                )
            )
        return [item for item in found if item.ingress or item.egress or item.isolates], requirements

    def _subject(self, spec: dict[str, Any], where: str, namespace: str) -> PeerMatch:
        endpoint, node = spec.get("endpointSelector"), spec.get("nodeSelector")
        if node is not None:
            raise InputError(
                f"{where}.nodeSelector: policies of nodes need the host firewall; they are not decided"
            )
        if endpoint is None:
            raise InputError(f"{where}: rule must have one of EndpointSelector or NodeSelector")
        # A namespaced policy is about its own namespace, whichever one its selector names.
        skip = f"k8s:{NAMESPACE_KEY}" if namespace else ""
        expression = read_labels(endpoint, f"{where}.endpointSelector", skip)
        return PeerMatch(namespace=namespace or None, where=expression)


def _default_deny(spec: dict[str, Any], direction: Direction, where: str) -> bool:
    value = (spec.get("enableDefaultDeny") or {}).get(direction.value)
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{where}.enableDefaultDeny.{direction.value}: it is true or false")
    return value is not False


def _rule(
    reader: PeerReader, body: dict[str, Any], direction: Direction, action: Action, where: str
) -> tuple[Rule, list[Expression]]:
    """Return one rule, and what it requires of the endpoints of every rule."""
    unknown = sorted(set(body) - _RULE_FIELDS[direction])
    if unknown:
        raise InputError(f"{where}.{unknown[0]}: this field is not decided")
    mode = (body.get("authentication") or {}).get("mode")
    if mode not in {None, "disabled"}:
        raise InputError(f"{where}.authentication: mutual authentication is not decided")
    side = _SIDES[direction]
    peers = reader.read(body, side, where)
    ports = read_ports(body, where)
    if peers is None:
        # Nobody is named: with ports everybody is meant, without them nobody.
        everybody = (PeerMatch(entity=ALL),)
        peers = everybody if ports is not None else ()
    needed = body.get(f"{side}Requires") or []
    return Rule(action, peers, ports), [
        reader.endpoint_expression(item, f"{where}.{side}Requires[{n}]") for n, item in enumerate(needed)
    ]


def _parted(rule: Rule, requirement: _Requirement) -> tuple[Rule, ...]:
    """Return a rule as two: over the pods of the subject, whose endpoints must meet more, and over all others."""
    # A rule of Kubernetes without peers names every endpoint, and is held to what is required of endpoints.
    given = (PeerMatch(where=EVERYBODY), UNLABELLED) if rule.peers is None else rule.peers
    if rule.action is not requirement.action or not any(map(_is_endpoint, given)):
        return (rule,)
    who = PeerMatch(where=requirement.peers)
    asked = Clause((who, UNLABELLED) if holds_without_labels(requirement.peers) else (who,))
    peers = tuple(
        msgspec.structs.replace(item, also=(*item.also, asked)) if _is_endpoint(item) else item
        for item in given
    )
    within, without = (Clause((requirement.subject,), negated=negated) for negated in (False, True))
    return (
        msgspec.structs.replace(rule, peers=peers, here=_and(rule.here, within)),
        msgspec.structs.replace(rule, here=_and(rule.here, without)),
    )


def _is_endpoint(match: PeerMatch) -> bool:
    """Tell whether a peer is named by labels; what requirements were put on before counts too."""
    labelled = match.where is not None or match.pods is not None or match.namespaces is not None
    return labelled or (match.entity == ALL and match.also[:1] == UNLABELLED.also)


def _and(here: PeerMatch | None, clause: Clause) -> PeerMatch:
    return PeerMatch(entity=ALL, also=(*(here.also if here is not None else ()), clause))
