"""Build the attack graph of a world: rights by the engine's word, then what runs, then Azure, then what opens what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.paths.azure import add_azure
from seawall.access.paths.catalogue import STRUCTURE
from seawall.access.paths.estate import Estate
from seawall.access.paths.graph import ADMIN, AttackGraph, Node
from seawall.access.paths.rights import add_rights
from seawall.access.paths.workloads import add_workloads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.world import AccessWorld

_EVERYWHERE = ("run-pods", "enter-pods", "read-secrets", "be-accounts", "own-namespace", "own-nodes")


def build_graph(
    world: AccessWorld,
    azure: AzureCluster | None = None,
    resources: Iterable[dict[str, Any]] = (),
    askers: Collection[Node] = (),
) -> AttackGraph:
    """Return the graph; no edge is dropped, whatever the size.

    `resources` are Azure resources in normal form: the cluster, managed identities, what they trust. `askers` are
    users and accounts that count although nothing names them: they are in the groups that the server adds.
    """
    graph = AttackGraph()
    estate = Estate(world)
    people = {name for kind, name in askers if kind == "User"}
    for kind, name in askers:
        if kind == "ServiceAccount":
            namespace, _, account = name.partition("/")
            estate.account(namespace, account)
    add_rights(graph, world, azure=azure is not None)
    add_workloads(graph, world, estate, people)
    if azure is not None:
        add_azure(graph, azure, estate, resources)
    _capabilities(graph, estate)
    return graph


def _capabilities(graph: AttackGraph, estate: Estate) -> None:
    """Add what capabilities open, in each namespace and from the whole cluster down."""

    def add(source: Node, target: Node, kind: str) -> None:
        graph.add(source, target, kind, STRUCTURE[kind])

    for namespace in sorted(estate.namespaces):
        for each in _EVERYWHERE:
            add(("cap", f"{each}/"), ("cap", f"{each}/{namespace}"), "everywhere")
        own: Node = ("cap", f"own-namespace/{namespace}")
        pods: Node = ("cap", f"run-pods/{namespace}")
        accounts: Node = ("cap", f"be-accounts/{namespace}")
        add(own, accounts, "owns-accounts")
        add(own, ("cap", f"make-accounts/{namespace}"), "owns-accounts")
        add(own, ("cap", f"read-secrets/{namespace}"), "owns-secrets")
        add(own, pods, "owns-accounts")
        add(pods, accounts, "any-account")
        add(("cap", f"own-nodes/{namespace}"), ("cap", "own-nodes/"), "any-node")
        if namespace not in estate.restricted:
            add(pods, ("cap", "own-nodes/"), "unrestricted-namespace")
    for namespace, names in estate.accounts.items():
        for name in sorted(names):
            account: Node = ("ServiceAccount", f"{namespace}/{name}")
            add(("cap", f"be-accounts/{namespace}"), account, "any-account")
            add(("name", f"account/{name}"), account, "any-account")
    for each in ("read-secrets", "own-nodes", "own-namespace", "be-users"):
        add(ADMIN, ("cap", f"{each}/"), "admin-everything")
