"""Who a Cilium rule names: endpoints by labels, entities, CIDRs, groups of CIDRs and Services (specs b4).

A CIDR never means a pod or a node. Of several kinds only one may be given; a list that is given and empty means nobody,
and a rule that names nobody at all means everybody where it names ports, and nobody where it does not.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from seawall.core import InputError
from seawall.network.cilium.labels import (
    RESERVED,
    keys_of,
    names_namespace,
    names_namespace_labels,
    read_labels,
)
from seawall.network.expressions import (
    EVERYBODY,
    HAS,
    IN,
    NAMESPACE,
    NOBODY,
    Expression,
    Term,
    both,
    holds_without_labels,
)
from seawall.network.model import read_network, read_selector
from seawall.network.rules import ALL, HOST, REMOTE, WORLD, Clause, PeerMatch

if TYPE_CHECKING:
    from seawall.network.estate import NetworkEstate
    from seawall.network.model import Network

KINDS = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Services", "FQDNs", "Nodes", "Groups")
_EVERY = {4: ipaddress.ip_network("0.0.0.0/0"), 6: ipaddress.ip_network("::/0")}
UNLABELLED = PeerMatch(entity=ALL, also=(Clause((PeerMatch(where=EVERYBODY),), negated=True),))
"""Whom selectors see without any label of Kubernetes: nodes and the world."""
# Not by labels alone: what rules require of endpoints is not required of an entity.
_PODS = PeerMatch(entity=ALL, also=(Clause((PeerMatch(where=EVERYBODY),)),))
_ENTITIES: dict[str, tuple[PeerMatch, ...]] = {
    "all": (PeerMatch(entity=ALL),),
    "world": (PeerMatch(entity=WORLD),),
    "world-ipv4": (PeerMatch(block=_EVERY[4], outside=True),),
    "world-ipv6": (PeerMatch(block=_EVERY[6], outside=True),),
    "cluster": (_PODS, PeerMatch(entity=HOST), PeerMatch(entity=REMOTE)),
    "host": (PeerMatch(entity=HOST),),
    "remote-node": (PeerMatch(entity=REMOTE),),
    # Endpoints of these kinds are not among what a snapshot holds: nobody in it is one.
    "init": (),
    "ingress": (),
    "unmanaged": (),
    "health": (),
    "none": (),
}


def in_world(block: Network, excepted: tuple[Network, ...], family: int) -> PeerMatch:
    """Return the addresses of the world that a block means; `family` is the only one that the cluster has, else 0.

    A cluster of one family has one label for the world, and every /0 is it, of whichever family it is written
    (pkg/policy/api cidr.go GetAsEndpointSelectors).
    """
    if family and not block.prefixlen and block.version != family:
        return PeerMatch(entity=WORLD)
    return PeerMatch(block=block, excepted=excepted, outside=True)


class Groups:
    """CiliumCIDRGroups by name: their labels and CIDRs."""

    def __init__(self) -> None:
        self._groups: dict[str, tuple[dict[str, str], tuple[Network, ...]]] = {}

    def add(self, raw: dict[str, Any]) -> None:
        """Take in a group."""
        metadata = raw.get("metadata") or {}
        name = str(metadata.get("name") or "")
        where = f"CiliumCIDRGroup {name}: spec.externalCIDRs"
        labels = {str(key): str(value) for key, value in (metadata.get("labels") or {}).items()}
        texts = (raw.get("spec") or {}).get("externalCIDRs") or []
        self._groups[name] = (labels, tuple(read_cidr(item, f"{where}[{n}]") for n, item in enumerate(texts)))

    def find(self, name: str, where: str) -> tuple[Network, ...]:
        """Return the CIDRs of a group."""
        if name not in self._groups:
            raise InputError(f"{where}: the CiliumCIDRGroup {name!r} was not read")
        return self._groups[name][1]

    def select(self, raw: Any, where: str) -> tuple[Network, ...]:
        """Return the CIDRs of the groups that a label selector means."""
        selector = read_selector(raw, where)
        return tuple(
            net for labels, nets in self._groups.values() if selector.matches(labels) for net in nets
        )


def read_cidr(text: Any, where: str) -> Network:
    """Read a CIDR or one address.

    Raises:
        InputError: it is neither.
    """
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        raise InputError(f"{where}: unable to parse CIDR: {text!r}") from None


class PeerReader:
    """Reads the peers of the rules of one policy; `namespace` is empty for a cluster-wide one."""

    def __init__(self, estate: NetworkEstate, groups: Groups, namespace: str) -> None:
        self._estate = estate
        self._groups = groups
        self._namespace = namespace

    def read(self, rule: dict[str, Any], side: str, where: str) -> tuple[PeerMatch, ...] | None:
        """Return who a rule names; None where it names nobody at all, which ports make everybody.

        `side` is `from` or `to`. Endpoints by label carry `where`, so that requirements can be put on them.

        Raises:
            InputError: a field that Cilium refuses or that is not decided, by name.
        """
        given = [kind for kind in KINDS if rule.get(f"{side}{kind}")]
        if len(given) > 1:
            # Cilium's own refusal, in its words (pkg/policy/api, rule_validation.go): it never takes such a rule.
            raise InputError(f"{where}: combining {side}{given[0]} and {side}{given[1]} is not supported yet")
        for kind in ("FQDNs", "Nodes", "Groups"):
            if rule.get(f"{side}{kind}") is not None:
                raise InputError(f"{where}.{side}{kind}: this field is not decided")
        present = [kind for kind in KINDS if rule.get(f"{side}{kind}") is not None]
        if any(not rule[f"{side}{kind}"] for kind in present if kind != "Services"):
            return ()  # a list that is there and empty selects nobody, whatever else is given
        if not given:
            return None
        kind = given[0]
        items, at = rule[f"{side}{kind}"], f"{where}.{side}{kind}"
        if not isinstance(items, list):
            raise InputError(f"{at}: it is a list")
        read = {
            "Endpoints": self._endpoint,
            "CIDR": self._cidr,
            "CIDRSet": self._cidr_set,
            "Entities": self._entity,
            "Services": self._service,
        }[kind]
        return tuple(match for n, item in enumerate(items) for match in read(item, f"{at}[{n}]"))

    def endpoint_expression(self, raw: Any, where: str) -> Expression:
        """Read a selector of peers: without a namespace it means that of the policy, cluster-wide any."""
        expression = read_labels(raw, where)
        if names_namespace(raw):
            return expression
        if not self._namespace:
            return both(Term(NAMESPACE, "", HAS), expression)
        if names_namespace_labels(raw):
            return expression
        return both(Term(NAMESPACE, "", IN, frozenset({self._namespace})), expression)

    def _endpoint(self, raw: Any, where: str) -> tuple[PeerMatch, ...]:
        reserved = [key for key in keys_of(raw) if key.startswith(RESERVED)] if isinstance(raw, dict) else []
        if reserved:
            if len(keys_of(raw)) > 1 or raw.get("matchExpressions"):
                raise InputError(f"{where}: {reserved[0]} together with other terms is not decided")
            # It is an endpoint selector all the same: what is required of endpoints is required of these.
            named = self._entity(reserved[0].removeprefix(RESERVED), where)
            return tuple(PeerMatch(entity=ALL, also=(*UNLABELLED.also, Clause((item,)))) for item in named)
        found = self.endpoint_expression(raw, where)
        if found == NOBODY:
            return ()
        # A selector without a namespace by name that asks only what is not there means nodes and the world too.
        return (PeerMatch(where=found), *((UNLABELLED,) if holds_without_labels(found) else ()))

    def _entity(self, name: Any, where: str) -> tuple[PeerMatch, ...]:
        if name == "kube-apiserver":
            return self._api_server(where)
        if name not in _ENTITIES:
            raise InputError(f"{where}: unsupported entity: {name}")
        return _ENTITIES[name]

    def _api_server(self, where: str) -> tuple[PeerMatch, ...]:
        texts = [
            text
            for raw in self._estate.slices
            if ((raw.get("metadata") or {}).get("labels") or {}).get("kubernetes.io/service-name")
            == "kubernetes"
            and ((raw.get("metadata") or {}).get("namespace") or "default") == "default"
            for item in raw.get("endpoints") or []
            for text in item.get("addresses") or []
        ]
        if not texts:
            raise InputError(
                f"{where}: kube-apiserver: its addresses (EndpointSlice default/kubernetes) were not read"
            )
        return tuple(PeerMatch(block=read_cidr(text, where)) for text in texts)

    def _cidr(self, text: Any, where: str) -> tuple[PeerMatch, ...]:
        return (PeerMatch(block=read_cidr(text, where), outside=True),)

    def _cidr_set(self, item: Any, where: str) -> tuple[PeerMatch, ...]:
        if not isinstance(item, dict):
            raise InputError(f"{where}: it is an object")
        given = [key for key in ("cidr", "cidrGroupRef", "cidrGroupSelector") if item.get(key) is not None]
        if len(given) != 1:
            raise InputError(
                f"{where}: exactly one of cidr, cidrGroupRef and cidrGroupSelector must be given"
            )
        excepted = tuple(
            read_network(str(text), f"{where}.except[{n}]") for n, text in enumerate(item.get("except") or [])
        )
        if given == ["cidr"]:
            block = read_network(str(item["cidr"]), f"{where}.cidr")
            for inner in excepted:
                if inner.version != block.version or inner.network_address not in block:
                    raise InputError(f"{where}.except: {block} does not contain {inner}")
            nets: tuple[Network, ...] = (block,)
        elif given == ["cidrGroupRef"]:
            nets = self._groups.find(str(item["cidrGroupRef"]), f"{where}.cidrGroupRef")
        else:
            nets = self._groups.select(item["cidrGroupSelector"], f"{where}.cidrGroupSelector")
        return tuple(in_world(net, excepted, self._estate.family) for net in nets)

    def _service(self, item: Any, where: str) -> tuple[PeerMatch, ...]:
        if not isinstance(item, dict):
            raise InputError(f"{where}: it is an object")
        named, chosen = item.get("k8sService"), item.get("k8sServiceSelector")
        found: list[PeerMatch] = []
        hit = False
        selector = None if chosen is None else read_selector(chosen.get("selector"), f"{where}.selector")
        wanted = (chosen or named or {}).get("namespace")
        for raw in self._estate.services:
            metadata, spec = raw.get("metadata") or {}, raw.get("spec") or {}
            space = str(metadata.get("namespace") or "default")
            labels = {str(key): str(value) for key, value in (metadata.get("labels") or {}).items()}
            if wanted and space != wanted:
                continue
            if selector is not None and not selector.matches(labels):
                continue
            if selector is None and metadata.get("name") != (named or {}).get("serviceName"):
                continue
            hit = True
            found += self._behind(spec, space, str(metadata.get("name")))
        if not hit:
            raise InputError(f"{where}: no Service that was read is meant by it")
        return tuple(found)

    def _behind(self, spec: dict[str, Any], namespace: str, name: str) -> list[PeerMatch]:
        if spec.get("selector"):
            raw = {"matchLabels": {str(key): str(value) for key, value in spec["selector"].items()}}
            chosen = both(
                Term(NAMESPACE, "", IN, frozenset({namespace})),
                read_labels(raw, f"Service {name}: spec.selector"),
            )
            return [PeerMatch(where=chosen)]
        texts = [
            text
            for raw in self._estate.slices
            if ((raw.get("metadata") or {}).get("labels") or {}).get("kubernetes.io/service-name") == name
            and ((raw.get("metadata") or {}).get("namespace") or "default") == namespace
            for item in raw.get("endpoints") or []
            for text in item.get("addresses") or []
        ]
        if not texts:
            raise InputError(
                f"Service {namespace}/{name}: it has no selector and its endpoints were not read"
            )
        return [PeerMatch(block=read_cidr(text, f"Service {name}"), outside=True) for text in texts]
