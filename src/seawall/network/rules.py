"""Policies read into rules: who is selected, which peers and ports a rule names, what it says."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.expressions import Expression, matches, space_labels
from seawall.network.model import PROTOCOLS, Network, Packet, Peer, Pod, Selector, read_network, read_selector

if TYPE_CHECKING:
    from collections.abc import Mapping


class Direction(StrEnum):
    """Which end of the connection is asked."""

    EGRESS = "egress"
    INGRESS = "ingress"


class Action(StrEnum):
    """What a matching rule does."""

    ALLOW = "allow"
    DENY = "deny"
    PASS = "pass"  # noqa: S105 - an action of the API, not a password


class PortMatch(msgspec.Struct, frozen=True):
    """Which destination ports a rule names. `low` None with no `name` means every port of the protocol.

    `protocol` None means any protocol (a named port of a ClusterNetworkPolicy). For ICMP `low` and `high` are type
    times 256 plus code. `less` is what is taken out again (the nots of Calico).
    """

    protocol: str | None
    low: int | None = None
    high: int | None = None
    name: str | None = None
    less: tuple[PortMatch, ...] = ()

    def matches(self, packet: Packet) -> bool:
        """Tell whether the packet goes to one of these ports; a name is looked up on the destination pod."""
        if self.protocol is not None and packet.protocol != self.protocol:
            return False
        if any(item.matches(packet) for item in self.less):
            return False
        if self.name is not None:
            # A pod in the host's network is an address, and an address has no names (specs b1.6, b1.11).
            pod = packet.target.selectable()
            if pod is None or packet.port is None:
                return False
            return packet.port in pod.ports.get((self.name, packet.protocol), frozenset())
        if self.low is None:
            return True
        point = packet.point
        return point is not None and self.low <= point <= (self.low if self.high is None else self.high)


class Clause(msgspec.Struct, frozen=True):
    """A further condition on a peer: it is one of these, or none of these where `negated`."""

    alternatives: tuple[PeerMatch, ...]
    negated: bool = False


ALL, WORLD, HOST, REMOTE = "all", "world", "host", "remote-node"
"""Entities: everybody; addresses that are no pod's and no node's; the subject's own node; every other node."""


class PeerMatch(msgspec.Struct, frozen=True):
    """Which peers a rule names: pods by selectors, or addresses by block.

    `known` False is a peer of a kind that this version does not know; `outside` is a block that means no pod and no
    node, as Cilium reads it. `where` is an expression over labels (Calico, Cilium), `entity` a kind of end (Cilium),
    and `also` are conditions that must hold besides.
    """

    namespace: str | None = None
    namespaces: Selector | None = None
    pods: Selector | None = None
    block: Network | None = None
    excepted: tuple[Network, ...] = ()
    nodes: Selector | None = None
    known: bool = True
    outside: bool = False
    where: Expression | None = None
    entity: str = ""
    also: tuple[Clause, ...] = ()

    def matches(self, peer: Peer, namespaces: Mapping[str, dict[str, str]], here: Pod | None = None) -> bool:
        """Tell whether the peer is one of these; `here` is the pod whose policy asks, for the entity `host`."""
        if not self.known or not self._matches(peer, namespaces, here):
            return False
        return all(
            any(item.matches(peer, namespaces, here) for item in clause.alternatives) is not clause.negated
            for clause in self.also
        )

    def _matches(self, peer: Peer, namespaces: Mapping[str, dict[str, str]], here: Pod | None) -> bool:
        if self.entity:
            return self._is_entity(peer, here)
        if self.block is not None:
            if self.outside and (peer.pod is not None or peer.node):
                return False
            return any(self._in_block(address) for address in peer.addresses())
        pod = peer.selectable()
        if pod is None or self.nodes is not None:
            return False
        if self.namespace is not None and pod.namespace != self.namespace:
            return False
        if self.namespaces is not None and not self.namespaces.matches(labels_of(namespaces, pod.namespace)):
            return False
        if self.where is not None and not matches(self.where, pod, namespaces):
            return False
        return self.pods is None or self.pods.matches(pod.labels)

    def _is_entity(self, peer: Peer, here: Pod | None) -> bool:
        if self.entity == ALL:
            return True
        node = peer.node or (peer.pod is not None and peer.pod.host)
        if self.entity == WORLD:
            return peer.pod is None and not node
        own = node and here is not None and any(item in here.node_addresses for item in peer.addresses())
        return own if self.entity == HOST else node and not own

    def _in_block(self, address: Any) -> bool:
        block = self.block
        if block is None or address.version != block.version or address not in block:
            return False
        return not any(address.version == item.version and address in item for item in self.excepted)


class Rule(msgspec.Struct, frozen=True):
    """One rule: `peers` or `ports` None means all of them; an empty tuple means none.

    `here` narrows the pods that the policy selects to those that this rule is about (Calico). `path` leads to the
    rule, where that is not by its direction and index (Cilium's ingressDeny and specs).
    """

    action: Action
    peers: tuple[PeerMatch, ...] | None
    ports: tuple[PortMatch, ...] | None
    name: str = ""
    index: int = 0
    here: PeerMatch | None = None
    path: tuple[str | int, ...] = ()

    def matches(
        self,
        peer: Peer,
        packet: Packet,
        namespaces: Mapping[str, dict[str, str]],
        here: Pod | None = None,
    ) -> bool:
        """Tell whether the rule speaks of this peer and port; `here` is the pod that the policy selects."""
        if self.ports is not None and not any(port.matches(packet) for port in self.ports):
            return False
        if self.here is not None and (here is None or not self.here.matches(Peer(pod=here), namespaces)):
            return False
        return self.peers is None or any(item.matches(peer, namespaces, here) for item in self.peers)


class Policy(msgspec.Struct, frozen=True):
    """A policy of any kind: subject, rules of each direction, and where it stands in the order.

    `isolates` names the directions in which what no rule of its stage decides is denied. `tier` is `admin`,
    `networkpolicy`, `baseline`, `cilium` or a tier of Calico's as `calico/NAME`. `stage` is the place of its tier:
    tiers are asked one after another, and policies of one stage by `priority` and then by `tie`.
    """

    kind: str
    namespace: str
    name: str
    tier: str
    subject: PeerMatch
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    isolates: frozenset[Direction] = frozenset()
    priority: float = 0
    stage: tuple[float, str] = (1_000_000.0, "default")
    tie: str = ""

    def selects(self, pod: Pod, namespaces: Mapping[str, dict[str, str]]) -> bool:
        """Tell whether the policy is about this pod; no policy is about a pod in the host's network."""
        return self.subject.matches(Peer(pod=pod), namespaces)

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        """Return the rules of a direction, in order."""
        return self.egress if direction is Direction.EGRESS else self.ingress


def labels_of(namespaces: Mapping[str, dict[str, str]], name: str) -> dict[str, str]:
    """Return a namespace's labels; the API server gives every namespace its name as a label (b1.14)."""
    return space_labels(namespaces, name)


ADMIN_STAGE, DEFAULT_STAGE, BASELINE_STAGE = (
    (1000.0, "kube-admin"),
    (1_000_000.0, "default"),
    (10_000_000.0, "kube-baseline"),
)
"""Where Kubernetes' tiers stand; the numbers are those of Calico's tiers, among which they are (specs b3)."""


# --- NetworkPolicy v1 ----------------------------------------------------------------------------------------


def read_network_policy(raw: dict[str, Any]) -> Policy:
    """Read a NetworkPolicy of networking.k8s.io/v1, with the defaults that the API server gives (b1.2).

    Raises:
        InputError: what the API server refuses, with the field in its words.
    """
    metadata, spec = raw.get("metadata") or {}, raw.get("spec") or {}
    namespace = str(metadata.get("namespace") or "default")
    name = str(metadata.get("name") or "")
    where = f"NetworkPolicy {namespace}/{name}: spec"
    egress = spec.get("egress") or []
    ingress = spec.get("ingress") or []
    types = spec.get("policyTypes")
    if not types:
        types = ["Ingress", "Egress"] if egress else ["Ingress"]
    for index, item in enumerate(types):
        if item not in {"Ingress", "Egress"}:
            raise InputError(
                f'{where}.policyTypes[{index}]: Unsupported value: "{item}": supported values: "Egress", "Ingress"'
            )
    return Policy(
        kind="NetworkPolicy",
        namespace=namespace,
        name=name,
        tier="networkpolicy",
        subject=PeerMatch(
            namespace=namespace, pods=read_selector(spec.get("podSelector"), f"{where}.podSelector")
        ),
        ingress=_np_rules(ingress, "from", namespace, f"{where}.ingress"),
        egress=_np_rules(egress, "to", namespace, f"{where}.egress"),
        isolates=frozenset(Direction(item.lower()) for item in types),
        # Among Calico's policies the Kubernetes ones stand at this order of the default tier.
        priority=1000,
    )


def _np_rules(rules: list[Any], field: str, namespace: str, where: str) -> tuple[Rule, ...]:
    found = []
    for index, rule in enumerate(rules):
        at = f"{where}[{index}]"
        rule = rule or {}  # noqa: PLW2901 - null is the empty rule
        peers = rule.get(field) or None
        ports = rule.get("ports") or None
        found.append(
            Rule(
                Action.ALLOW,
                None
                if peers is None
                else tuple(_np_peer(item, namespace, f"{at}.{field}[{n}]") for n, item in enumerate(peers)),
                None
                if ports is None
                else tuple(_np_port(item, f"{at}.ports[{n}]") for n, item in enumerate(ports)),
                index=index,
            )
        )
    return tuple(found)


def _np_peer(peer: Any, namespace: str, where: str) -> PeerMatch:
    peer = peer or {}
    block = peer.get("ipBlock")
    if block is not None:
        if peer.get("podSelector") is not None or peer.get("namespaceSelector") is not None:
            raise InputError(f"{where}: Forbidden: may not specify both ipBlock and another peer")
        cidr = str(block.get("cidr") or "")
        if not cidr:
            raise InputError(f"{where}.ipBlock.cidr: Required value")
        network = read_network(cidr, f"{where}.ipBlock.cidr")
        excepted = []
        for index, item in enumerate(block.get("except") or []):
            at = f"{where}.ipBlock.except[{index}]"
            inner = read_network(str(item), at)
            if inner.version != network.version or not inner.subnet_of(network) or inner == network:  # type: ignore[arg-type]
                raise InputError(f'{at}: Invalid value: "{item}": must be a strict subset of `cidr`')
            excepted.append(inner)
        return PeerMatch(block=network, excepted=tuple(excepted))
    pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if pods is None and namespaces is None:
        raise InputError(f"{where}: Required value: must specify a peer")
    return PeerMatch(
        namespace=namespace if namespaces is None else None,
        namespaces=None if namespaces is None else read_selector(namespaces, f"{where}.namespaceSelector"),
        pods=None if pods is None else read_selector(pods, f"{where}.podSelector"),
    )


def _np_port(port: Any, where: str) -> PortMatch:
    port = port or {}
    protocol = str(port.get("protocol") or "TCP")
    if protocol not in PROTOCOLS:
        raise InputError(
            f'{where}.protocol: Unsupported value: "{protocol}": supported values: "SCTP", "TCP", "UDP"'
        )
    value, end = port.get("port"), port.get("endPort")
    if value is None:
        if end is not None:
            raise InputError(
                f"{where}.endPort: Invalid value: {end}: may not be specified when `port` is not specified"
            )
        return PortMatch(protocol)
    if isinstance(value, str):
        if end is not None:
            raise InputError(
                f"{where}.endPort: Invalid value: {end}: may not be specified when `port` is non-numeric"
            )
        return PortMatch(protocol, name=value)
    _check_port(value, f"{where}.port")
    if end is None:
        return PortMatch(protocol, value, value)
    _check_port(end, f"{where}.endPort")
    if end < value:
        raise InputError(f"{where}.endPort: Invalid value: {end}: must be greater than or equal to `port`")
    return PortMatch(protocol, value, end)


def _check_port(value: Any, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65_535:
        raise InputError(f"{where}: Invalid value: {value}: must be between 1 and 65535, inclusive")


# --- ClusterNetworkPolicy v1alpha2, AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1 -------------------

_ACTIONS = {
    "ClusterNetworkPolicy": {"Accept": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS},
    "AdminNetworkPolicy": {"Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS},
    "BaselineAdminNetworkPolicy": {"Allow": Action.ALLOW, "Deny": Action.DENY},
}


def read_cluster_policy(raw: dict[str, Any]) -> Policy:
    """Read a ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy (specs b2).

    Raises:
        InputError: a field that has no meaning.
    """
    kind, spec = str(raw.get("kind")), raw.get("spec") or {}
    name = str((raw.get("metadata") or {}).get("name") or "")
    where = f"{kind} {name}: spec"
    baseline = kind == "BaselineAdminNetworkPolicy" or (
        kind == "ClusterNetworkPolicy" and spec.get("tier") == "Baseline"
    )
    if kind == "ClusterNetworkPolicy" and spec.get("tier") not in {"Admin", "Baseline"}:
        raise InputError(
            f'{where}.tier: Unsupported value: "{spec.get("tier")}": supported values: "Admin", "Baseline"'
        )
    priority = spec.get("priority", 0)
    if not isinstance(priority, int) or not 0 <= priority <= 1000:
        raise InputError(f"{where}.priority: Invalid value: {priority}: must be between 0 and 1000")
    return Policy(
        kind=kind,
        namespace="",
        name=name,
        tier="baseline" if baseline else "admin",
        stage=BASELINE_STAGE if baseline else ADMIN_STAGE,
        tie=name,
        subject=_subject(spec.get("subject") or {}, f"{where}.subject"),
        ingress=_cluster_rules(spec.get("ingress") or [], "from", f"{where}.ingress", kind),
        egress=_cluster_rules(spec.get("egress") or [], "to", f"{where}.egress", kind),
        priority=priority,
    )


def _subject(value: dict[str, Any], where: str) -> PeerMatch:
    if "namespaces" in value and value["namespaces"] is not None:
        return PeerMatch(namespaces=read_selector(value["namespaces"], f"{where}.namespaces"))
    pods = value.get("pods")
    if not isinstance(pods, dict):
        raise InputError(f"{where}: exactly one of namespaces and pods must be given")
    return PeerMatch(
        namespaces=read_selector(pods.get("namespaceSelector"), f"{where}.pods.namespaceSelector"),
        pods=read_selector(pods.get("podSelector"), f"{where}.pods.podSelector"),
    )


def _at_most(items: Any, most: int, where: str) -> None:
    """Refuse a list longer than the API takes (specs b2: limits)."""
    if isinstance(items, list) and len(items) > most:
        raise InputError(f"{where}: Too many: {len(items)}: must have at most {most} items")


def _check_limits(rule: dict[str, Any], action: Action, field: str, at: str, most: int) -> None:
    """Refuse what the schema of these policies does not take (specs b2: limits; the CRD's own validations)."""
    for key in (field, "protocols", "ports"):
        _at_most(rule.get(key), most, f"{at}.{key}")
    if len(str(rule.get("name") or "")) > 100:
        raise InputError(f"{at}.name: Too long: may not be more than 100 bytes")
    addressed = [
        key
        for item in rule.get(field) or []
        for key in ("networks", "nodes", "domainNames")
        if (item or {}).get(key) is not None
    ]
    if action is not Action.ALLOW and "domainNames" in addressed:
        raise InputError(f"{at}.{field}: domainNames can be used with Accept alone")
    named = any((item or {}).get("destinationNamedPort") for item in rule.get("protocols") or [])
    if named and addressed:
        raise InputError(f"{at}: destinationNamedPort cannot be used with {addressed[0]} peers")


def _cluster_rules(rules: list[Any], field: str, where: str, kind: str) -> tuple[Rule, ...]:
    found = []
    words, most = _ACTIONS[kind], 25 if kind == "ClusterNetworkPolicy" else 100
    _at_most(rules, most, where)
    for index, rule in enumerate(rules):
        at = f"{where}[{index}]"
        action = words.get(str(rule.get("action")))
        if action is None:
            known = ", ".join(f'"{word}"' for word in words)
            raise InputError(
                f'{at}.action: Unsupported value: "{rule.get("action")}": supported values: {known}'
            )
        _check_limits(rule, action, field, at, most)
        peers: list[PeerMatch] = []
        for number, item in enumerate(rule.get(field) or []):
            peers += _cluster_peers(item or {}, f"{at}.{field}[{number}]")
        ports = None
        if rule.get("protocols") is not None:
            ports = tuple(
                _protocol(item or {}, f"{at}.protocols[{n}]") for n, item in enumerate(rule["protocols"])
            )
        elif rule.get("ports") is not None:
            ports = tuple(_admin_port(item or {}, f"{at}.ports[{n}]") for n, item in enumerate(rule["ports"]))
        if action is not Action.ALLOW and any(not peer.known for peer in peers):
            # A peer that nobody knows: closed is the side to fail on (b2).
            found.append(Rule(Action.DENY, None, None, str(rule.get("name") or ""), index))
            continue
        # An empty list of ports names none in v1 of the API; there it means all, as it does when absent.
        found.append(Rule(action, tuple(peers), ports or None, str(rule.get("name") or ""), index))
    return tuple(found)


def _cluster_peers(peer: dict[str, Any], where: str) -> list[PeerMatch]:
    if peer.get("namespaces") is not None:
        return [PeerMatch(namespaces=read_selector(peer["namespaces"], f"{where}.namespaces"))]
    if isinstance(peer.get("pods"), dict):
        return [_subject(peer, where)]
    if peer.get("networks") is not None:
        _at_most(peer["networks"], 25, f"{where}.networks")
        return [
            PeerMatch(block=read_network(str(item), f"{where}.networks[{n}]"))
            for n, item in enumerate(peer["networks"])
        ]
    if peer.get("nodes") is not None:
        return [PeerMatch(nodes=read_selector(peer["nodes"], f"{where}.nodes"))]
    if peer.get("domainNames") is not None:
        # Names are resolved by the node at the time of the connection: no address of a file is one.
        return []
    return [PeerMatch(known=False)]


def _protocol(item: dict[str, Any], where: str) -> PortMatch:
    if item.get("destinationNamedPort") is not None:
        return PortMatch(None, name=str(item["destinationNamedPort"]))
    for key in ("tcp", "udp", "sctp"):
        if key in item:
            port = ((item[key] or {}).get("destinationPort")) or {}
            if port.get("number") is not None:
                _check_port(port["number"], f"{where}.{key}.destinationPort.number")
                return PortMatch(key.upper(), port["number"], port["number"])
            if port.get("range") is not None:
                span = port["range"]
                at = f"{where}.{key}.destinationPort.range"
                if span.get("start") == span.get("end") and span.get("start") is not None:
                    raise InputError(f"{at}: Invalid value: start must be less than end")
                return _range(key.upper(), span, at)
            return PortMatch(key.upper())
    raise InputError(f"{where}: exactly one of tcp, udp, sctp and destinationNamedPort must be given")


def _admin_port(item: dict[str, Any], where: str) -> PortMatch:
    number, span, name = item.get("portNumber"), item.get("portRange"), item.get("namedPort")
    if number is not None:
        _check_port(number.get("port"), f"{where}.portNumber.port")
        return PortMatch(str(number.get("protocol") or "TCP"), number["port"], number["port"])
    if span is not None:
        return _range(str(span.get("protocol") or "TCP"), span, f"{where}.portRange")
    if name is not None:
        return PortMatch(None, name=str(name))
    raise InputError(f"{where}: exactly one of portNumber, portRange and namedPort must be given")


def _range(protocol: str, span: dict[str, Any], where: str) -> PortMatch:
    start: Any = span.get("start")
    end: Any = span.get("end")
    _check_port(start, f"{where}.start")
    _check_port(end, f"{where}.end")
    if end < start:
        raise InputError(f"{where}: Invalid value: {start}-{end}: start must not be greater than end")
    return PortMatch(protocol, start, end)
