"""Calico's NetworkPolicy, GlobalNetworkPolicy, Tier, NetworkSet and GlobalNetworkSet, read (specs b3).

What is of layer 7, what depends on the port of the caller, and what needs a host endpoint is refused with its field.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.calico.entities import (
    NetworkSet,
    Sets,
    entity_clauses,
    has_global,
    in_spaces,
    joined,
    narrowed,
    read_net,
)
from seawall.network.calico.labels import (
    ACCOUNT_PREFIX,
    NAMESPACE_LABEL,
    SPACE_PREFIX,
    bind,
    on_labels,
    prefixed,
)
from seawall.network.calico.labels import NAME as SPACE_NAME
from seawall.network.calico.ports import read_ports
from seawall.network.calico.selector import parse_selector
from seawall.network.expressions import EVERYBODY, both, space_labels
from seawall.network.model import as_object
from seawall.network.rules import (
    ADMIN_STAGE,
    BASELINE_STAGE,
    DEFAULT_STAGE,
    Action,
    Clause,
    Direction,
    PeerMatch,
    Policy,
    PortMatch,
    Rule,
)
from seawall.network.services import backends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.network.expressions import Expression

STAGED = frozenset({"StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy"})
"""Policies that Calico reports on and does not enforce: they have no effect on any packet."""
NAMESPACED_KIND = "NetworkPolicy.projectcalico.org"
"""How a NetworkPolicy of Calico's is called, so that it is not taken for one of Kubernetes."""

_OPEN_PROFILE = "projectcalico-default-allow"
"""The profile of host endpoints that Calico makes itself: what no policy speaks of is allowed."""

_ACTIONS = {"Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}
_RULE_FIELDS = frozenset(
    {
        "action",
        "ipVersion",
        "protocol",
        "notProtocol",
        "icmp",
        "notICMP",
        "source",
        "destination",
        "metadata",
    }
)
_SPEC_FIELDS = frozenset(
    {
        "tier",
        "order",
        "selector",
        "namespaceSelector",
        "serviceAccountSelector",
        "ingress",
        "egress",
        "types",
        "doNotTrack",
        "preDNAT",
        "applyOnForward",
        "performanceHints",
    }
)


_GLOBAL_FIELDS = frozenset({"namespaceSelector", "doNotTrack", "preDNAT", "applyOnForward"})
"""Fields that a GlobalNetworkPolicy alone has."""


class _Tier(msgspec.Struct, frozen=True):
    """A tier: its place in the order, and whether what none of its policies decides is denied."""

    stage: tuple[float, str]
    denies: bool = True


_BUILT_IN = {
    "default": _Tier(DEFAULT_STAGE),
    "kube-admin": _Tier(ADMIN_STAGE, denies=False),
    "adminnetworkpolicy": _Tier(ADMIN_STAGE, denies=False),
    "kube-baseline": _Tier(BASELINE_STAGE, denies=False),
    "baselineadminnetworkpolicy": _Tier(BASELINE_STAGE, denies=False),
}
"""Tiers that Calico makes itself; a dump may hold them too, and then counts."""


class CalicoReader:
    """Reads policies against the sets, tiers, accounts and services of one estate."""

    def __init__(self, estate: NetworkEstate) -> None:
        self._estate = estate
        self._tiers = dict(_BUILT_IN)
        self._sets = Sets([], estate.accounts)
        self._hosts: list[tuple[str, dict[str, str]]] = []

    def learn(self, raw: dict[str, Any]) -> None:
        """Take in a tier, a network set or a host endpoint, which policies refer to; other kinds are left aside.

        Raises:
            InputError: a value that Calico refuses.
        """
        if raw["kind"] == "Tier":
            self._tiers[_name(raw)] = _tier(raw)
        elif raw["kind"] in {"NetworkSet", "GlobalNetworkSet"}:
            self._sets.sets.append(self._set(raw))
        elif raw["kind"] == "HostEndpoint":
            self._host(raw)

    def _host(self, raw: dict[str, Any]) -> None:
        """Take in a host endpoint: selectors of rules mean its addresses; policies about itself are not decided."""
        spec, name = as_object(raw.get("spec")), _name(raw)
        labels = as_object((raw.get("metadata") or {}).get("labels"))
        labels = {str(key): str(value) for key, value in labels.items()}
        where = f"HostEndpoint {name} of Calico: spec"
        if _OPEN_PROFILE not in (spec.get("profiles") or []):
            reason = f"without {_OPEN_PROFILE} it denies what no policy allows, and that is not decided"
            raise InputError(f"{where}.profiles: {reason}")
        nets = spec.get("expectedIPs") or []
        found = tuple(read_net(item, f"{where}.expectedIPs[{n}]") for n, item in enumerate(nets))
        self._sets.sets.append(NetworkSet(labels, found))
        self._hosts.append((name, labels))

    @property
    def default_stage(self) -> tuple[float, str]:
        """The place of the tier `default`, in which Kubernetes' own policies stand."""
        return self._tiers["default"].stage

    def read(self, raw: dict[str, Any]) -> Policy | None:
        """Read a policy; None for one that is about host endpoints alone.

        Raises:
            InputError: a field that Calico refuses or that is not decided here, by name.
        """
        kind, name = str(raw["kind"]), _name(raw)
        namespace = str((raw.get("metadata") or {}).get("namespace") or "default")
        if kind == "GlobalNetworkPolicy":
            namespace = ""
        spec = as_object(raw.get("spec"))
        where = f"{kind} {f'{namespace}/' if namespace else ''}{name} of Calico: spec"
        unknown = sorted(set(spec) - (_SPEC_FIELDS - _GLOBAL_FIELDS if namespace else _SPEC_FIELDS))
        if unknown:
            raise InputError(f"{where}.{unknown[0]}: this field is not decided")
        subject = self._subject(spec, where)
        for host, labels in () if namespace else self._hosts:
            if on_labels(subject, labels):
                raise InputError(
                    f"{where}.selector: it is about HostEndpoint {host} too, which is not decided"
                )
        if not namespace and (spec.get("doNotTrack") or spec.get("preDNAT")):
            return None  # asked at host endpoints alone
        tier_name = str(spec.get("tier") or "default")
        tier = self._tiers.get(tier_name)
        if tier is None:
            raise InputError(f"{where}.tier: the tier {tier_name!r} was not read, so its order is not known")
        types = _types(raw, spec, where)
        found: dict[Direction, tuple[Rule, ...]] = {}
        for direction in Direction:
            rules = tuple(
                rule
                for index, item in enumerate(spec.get(direction.value) or [])
                for rule in self._rules(
                    as_object(item), index, direction, namespace, f"{where}.{direction.value}[{index}]"
                )
            )
            found[direction] = rules if direction in types else ()
        prefix = f"{tier_name}."
        tie = name if name.startswith(prefix) else prefix + name
        return Policy(
            kind="GlobalNetworkPolicy" if not namespace else NAMESPACED_KIND,
            namespace=namespace,
            name=name,
            tier=f"calico/{tier_name}",
            subject=PeerMatch(namespace=namespace or None, where=bind(subject, self._sets.accounts)),
            ingress=found[Direction.INGRESS],
            egress=found[Direction.EGRESS],
            isolates=frozenset(types) if tier.denies else frozenset(),
            priority=_order(spec.get("order"), f"{where}.order"),
            stage=tier.stage,
            tie=f"{namespace}/{tie}" if namespace else tie,
        )

    def _set(self, raw: dict[str, Any]) -> NetworkSet:
        metadata = raw.get("metadata") or {}
        labels = {str(key): str(value) for key, value in (metadata.get("labels") or {}).items()}
        where = f"{raw['kind']} {_name(raw)} of Calico: spec.nets"
        if raw["kind"] == "NetworkSet":
            namespace = str(metadata.get("namespace") or "default")
            inherited = space_labels(self._estate.namespaces, namespace)
            above = {f"{SPACE_PREFIX}{key}": value for key, value in inherited.items()}
            labels = {**above, f"{SPACE_PREFIX}{SPACE_NAME}": namespace, **labels, NAMESPACE_LABEL: namespace}
        nets = as_object(raw.get("spec")).get("nets") or []
        return NetworkSet(labels, tuple(read_net(item, f"{where}[{n}]") for n, item in enumerate(nets)))

    def _subject(self, spec: dict[str, Any], where: str) -> Expression:
        parts: list[Expression] = []
        for field in ("selector", "namespaceSelector", "serviceAccountSelector"):
            text = str(spec.get(field) or "")
            read = parse_selector(text, f"{where}.{field}")
            if has_global(read):
                raise InputError(f"{where}.{field}: global() can only be used in a rule's namespaceSelector")
            if field == "namespaceSelector" and text:
                read = in_spaces(text, f"{where}.{field}")
            elif field == "serviceAccountSelector":
                read = prefixed(read, ACCOUNT_PREFIX)
            parts.append(read)
        return both(*parts) if parts else EVERYBODY

    def _rules(
        self, body: dict[str, Any], index: int, direction: Direction, namespace: str, where: str
    ) -> Iterator[Rule]:
        """Yield a rule as one, or as one for each port of a Service that it names."""
        unknown = sorted(set(body) - _RULE_FIELDS)
        if unknown:
            raise InputError(f"{where}.{unknown[0]}: rules of layer 7 and unknown fields are not decided")
        word = str(body.get("action") or "")
        if word not in {*_ACTIONS, "Log"}:
            raise InputError(f'{where}.action: Unsupported value: "{word}": "Allow", "Deny", "Log" or "Pass"')
        version = body.get("ipVersion")
        if version not in {None, 4, 6}:
            raise InputError(f"{where}.ipVersion: Invalid value: {version!r}: must be 4 or 6")
        ends = {field: as_object(body.get(field)) for field in ("source", "destination")}
        for field in ("ports", "notPorts"):
            if ends["source"].get(field):
                raise InputError(f"{where}.source.{field}: ports of the caller are not decided")
        clauses = {
            field: entity_clauses(end, namespace, self._sets, f"{where}.{field}", version)
            for field, end in ends.items()
        }
        near, far = ("source", "destination") if direction is Direction.EGRESS else ("destination", "source")
        ports = read_ports(body, ends["destination"], where)
        if word == "Log":
            return  # it is written down, and the next rule is asked
        here, action = narrowed(clauses[near]), _ACTIONS[word]
        if ends[near].get("services") is not None:
            raise InputError(f"{where}.{near}.services: not allowed in a rule of this direction")
        if ends[far].get("services") is None:
            yield Rule(action, joined(clauses[far]), ports, index=index, here=here)
            return
        for peers, port in self._service(ends[far], namespace, body, f"{where}.{far}"):
            # Only where it is called does a Service's port count; a caller is told by its address alone.
            named = ports if direction is Direction.INGRESS else (port,)
            yield Rule(action, _confined(peers, clauses[far]), named, index=index, here=here)

    def _service(
        self, entity: dict[str, Any], namespace: str, rule: dict[str, Any], where: str
    ) -> list[tuple[tuple[PeerMatch, ...], PortMatch]]:
        for field in (
            "selector",
            "notSelector",
            "namespaceSelector",
            "serviceAccounts",
            "nets",
            "notNets",
            "ports",
            "notPorts",
        ):
            if entity.get(field):
                raise InputError(f"{where}.services: cannot be given together with {field}")
        if any(rule.get(field) is not None for field in ("protocol", "notProtocol", "icmp", "notICMP")):
            raise InputError(f"{where}.services: together with a protocol it is not decided")
        value = entity["services"]
        name = str(value.get("name") or "") if isinstance(value, dict) else ""
        space = str(value.get("namespace") or namespace) if isinstance(value, dict) else ""
        if not name or not space:
            raise InputError(f"{where}.services: must specify a name, and a namespace in a global policy")
        return backends(self._estate, space, name, f"{where}.services")


def _confined(peers: tuple[PeerMatch, ...], clauses: list[Clause]) -> tuple[PeerMatch, ...]:
    return joined([Clause(peers), *clauses]) or ()


def _name(raw: dict[str, Any]) -> str:
    return str((raw.get("metadata") or {}).get("name") or "")


def _order(value: Any, where: str) -> float:
    """Read an order; one that is not given comes last."""
    if value is None:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise InputError(f"{where}: Invalid value: {value!r}: must be a number")
    return float(value)


def _tier(raw: dict[str, Any]) -> _Tier:
    spec = as_object(raw.get("spec"))
    name = _name(raw)
    built_in = _BUILT_IN.get(name)
    usual = "Deny" if built_in is None or built_in.denies else "Pass"
    action = str(spec.get("defaultAction") or usual)
    if action not in {"Deny", "Pass"}:
        raise InputError(
            f'Tier {name} of Calico: spec.defaultAction: "{action}" is neither "Deny" nor "Pass"'
        )
    stage = (_order(spec.get("order"), f"Tier {name} of Calico: spec.order"), name)
    if built_in is not None and stage[0] == built_in.stage[0]:
        stage = built_in.stage  # one of several names of the tier in which Kubernetes' policies stand
    return _Tier(stage, action == "Deny")


def _types(raw: dict[str, Any], spec: dict[str, Any], where: str) -> list[Direction]:
    """Return the directions that a policy governs.

    The API server of Calico fills them in from the rules; a resource of crd.projectcalico.org never went through
    it, and without types governs both (felix ExtractPolicyMetadata).
    """
    given = spec.get("types") or []
    for index, item in enumerate(given):
        if item not in {"Ingress", "Egress"} or item in given[:index]:
            raise InputError(f'{where}.types[{index}]: Invalid value: "{item}"')
    if given:
        return [item for item in Direction if item.value.capitalize() in given]
    if str(raw.get("apiVersion") or "").startswith("crd."):
        return list(Direction)
    if not spec.get("egress"):
        return [Direction.INGRESS]
    return list(Direction) if spec.get("ingress") else [Direction.EGRESS]
