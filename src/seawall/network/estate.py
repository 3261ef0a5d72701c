"""The objects of a snapshot that packets care about, sorted by what they are; policies read into rules."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from seawall.core import InputError
from seawall.network.calico.policies import NAMESPACED_KIND
from seawall.network.engines import owner_of, settle
from seawall.network.model import MISSHAPEN, misshapen, read_address
from seawall.network.problem import Problem
from seawall.network.rules import read_cluster_policy, read_network_policy
from seawall.network.workloads import DONE, TEMPLATES, Workload, identity, standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.model import Address
    from seawall.network.rules import Policy

CLUSTER_KINDS = frozenset({"ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"})


class NetworkEstate:
    """Namespaces, pods, workloads, nodes and policies; `problems` are policies that could not be read.

    `policies` stand in the order in which they are asked: by tier, by priority and name in it, NetworkPolicies as
    they were read. `engine` is the one that policies of its own kind speak for, or that was asked for; `vendors` are
    those policies and what they refer to, as they were read.
    """

    def __init__(self) -> None:
        self.namespaces: dict[str, dict[str, str]] = {}
        self.pods: list[dict[str, Any]] = []
        self.workloads: list[dict[str, Any]] = []
        self.nodes: list[tuple[Address, dict[str, Any]]] = []
        self.services: list[dict[str, Any]] = []
        self.policies: list[Policy] = []
        self.problems: list[Problem] = []
        self.accounts: dict[str, dict[str, str]] = {}
        self.slices: list[dict[str, Any]] = []
        self.engine = ""
        self.vendors: tuple[dict[str, Any], ...] = ()

    def standing(self) -> list[Workload]:
        """Return the workloads that no pod of the estate stands for."""
        return standing(self.pods, self.workloads)

    @cached_property
    def family(self) -> int:
        """The one IP version that the addresses of pods and nodes have; 0 where they have both or none was read."""
        versions = {address.version for address, _ in self.nodes}
        for raw in self.pods:
            for text in texts_of(raw.get("status") or {}):
                versions.add(6 if ":" in text else 4)
        return versions.pop() if len(versions) == 1 else 0

    def with_policies(self, policies: Iterable[Policy]) -> NetworkEstate:
        """Return the same estate under other policies."""
        made = NetworkEstate()
        made.namespaces, made.pods, made.workloads = self.namespaces, self.pods, self.workloads
        made.nodes, made.services, made.problems = self.nodes, self.services, self.problems
        made.engine, made.accounts, made.slices = self.engine, self.accounts, self.slices
        made.vendors = self.vendors
        made.policies = ordered(policies)
        return made

    def with_pods(self, pods: list[dict[str, Any]]) -> NetworkEstate:
        """Return the same estate with other pods."""
        made = self.with_policies(())
        made.pods, made.policies = pods, self.policies
        return made


def policy_key(raw: dict[str, Any]) -> tuple[str, str, str]:
    """Return kind, namespace and name of a policy as `Policy` has them: cluster kinds have no namespace."""
    namespace, kind, name = identity(raw)
    if kind in CLUSTER_KINDS or kind in {"GlobalNetworkPolicy", "CiliumClusterwideNetworkPolicy"}:
        return kind, "", name
    if kind == "NetworkPolicy" and owner_of(raw) == "calico":
        kind = NAMESPACED_KIND
    return kind, namespace, name


def texts_of(status: dict[str, Any]) -> list[str]:
    """Return the addresses of a pod's status."""
    several = [str(item.get("ip") or "") for item in status.get("podIPs") or [] if isinstance(item, dict)]
    return [text for text in (*several, str(status.get("podIP") or "")) if text]


def ordered(policies: Iterable[Policy]) -> list[Policy]:
    """Return policies in the order in which they are asked: by tier, order in it, and name."""
    return sorted(policies, key=lambda item: (item.stage, item.priority, item.tie))


def read_estate(objects: Iterable[dict[str, Any]], *, strict: bool = True, engine: str = "") -> NetworkEstate:
    """Sort objects; with `strict` a policy that the API server refuses raises, else it is a problem.

    `engine` is the one that enforces the policies; without it policies of Calico's or Cilium's own kind say which.

    Raises:
        InputError: a policy that cannot be, with the field that is wrong.
    """
    estate = NetworkEstate()
    estate.engine = engine
    policies: list[Policy] = []
    vendors: list[dict[str, Any]] = []
    for raw in objects:
        try:
            if raw.get("kind") == "Pod":
                if (raw.get("status") or {}).get("phase") not in DONE:
                    estate.pods.append(raw)
            elif owner_of(raw):
                vendors.append(raw)
            else:
                _sort(estate, policies, raw, strict=strict)
        except MISSHAPEN as error:
            raise misshapen(raw, error) from None
    estate.vendors = tuple(vendors)
    estate.policies = ordered(settle(estate, policies, strict=strict))
    return estate


def _sort(estate: NetworkEstate, policies: list[Policy], raw: dict[str, Any], *, strict: bool) -> None:
    """Put one object where it belongs."""
    kind = raw.get("kind")
    if kind == "Namespace":
        metadata = raw.get("metadata") or {}
        name = str(metadata.get("name") or "")
        labels = {str(k): str(v) for k, v in (metadata.get("labels") or {}).items()}
        # The API server gives every namespace its name as a label (specs b1.14).
        estate.namespaces[name] = {**labels, "kubernetes.io/metadata.name": name}
    elif kind == "Node":
        dict((raw.get("metadata") or {}).get("labels") or {})
        for item in (raw.get("status") or {}).get("addresses") or []:
            if item.get("type") in {"InternalIP", "ExternalIP"}:
                estate.nodes.append((read_address(item.get("address"), "node"), raw))
    elif kind == "Service":
        estate.services.append(raw)
    elif kind == "EndpointSlice":
        estate.slices.append(raw)
    elif kind == "ServiceAccount":
        namespace, _, name = identity(raw)
        labels = (raw.get("metadata") or {}).get("labels") or {}
        estate.accounts[f"{namespace}/{name}"] = {str(k): str(v) for k, v in labels.items()}
    elif kind in TEMPLATES:
        estate.workloads.append(raw)
    elif kind in CLUSTER_KINDS or (
        kind == "NetworkPolicy" and str(raw.get("apiVersion") or "").startswith("networking.k8s.io/")
    ):
        try:
            read = read_network_policy if kind == "NetworkPolicy" else read_cluster_policy
            try:
                policies.append(read(raw))
            except MISSHAPEN as error:
                raise misshapen(raw, error) from None
        except InputError as error:
            if strict:
                raise
            namespace, _, name = identity(raw)
            namespace = namespace if kind == "NetworkPolicy" else ""
            estate.problems.append(Problem(str(kind), namespace, name, error.message))
