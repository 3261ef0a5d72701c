"""Edges through Azure: identities of workloads, Entra groups, actions on the cluster, data actions as rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.attributes import Attributes, User
from seawall.access.azure.actions import DataAction, map_request
from seawall.access.names import split_service_account
from seawall.access.paths.catalogue import POWERS, STRUCTURE, Need
from seawall.access.paths.estate import Estate, mapping
from seawall.access.paths.graph import ADMIN, AttackGraph, Node
from seawall.access.paths.rights import FRESH, capability
from seawall.core.decision import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.access.azure.cluster import AzureCluster

CLUSTER = "Microsoft.ContainerService/managedClusters"
_CLUSTER_ACTIONS = {
    "azure-admin-credential": f"{CLUSTER}/listClusterAdminCredential/action",
    "azure-access-profile": f"{CLUSTER}/accessProfiles/listCredential/action",
    "azure-user-credential": f"{CLUSTER}/listClusterUserCredential/action",
    "azure-run-command": f"{CLUSTER}/runCommand/action",
    "azure-cluster-write": f"{CLUSTER}/write",
    "azure-role-assignment": "Microsoft.Authorization/roleAssignments/write",
}
_LOCAL = ("azure-admin-credential", "azure-access-profile", "azure-user-credential")
"""What hands out certificates: nothing, once local accounts are disabled."""
_NODE_ACTIONS = {
    "azure-node-command": "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action",
    "azure-node-write": "Microsoft.Compute/virtualMachineScaleSets/write",
}
_FEDERATE = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
_DEFINE = "Microsoft.Authorization/roleDefinitions/write"
_SOMEBODY = "00000000-0000-4000-8000-000000000001"


def add_azure(
    graph: AttackGraph, azure: AzureCluster, estate: Estate, resources: Iterable[dict[str, Any]]
) -> None:
    """Add the edges; `resources` are Azure resources in normal form: identities, their credentials, the cluster."""
    rows = list(resources)
    cluster = next((row for row in rows if str(row.get("id") or "").lower() == azure.id.lower()), {})
    _identities(graph, estate, rows)
    _metadata(graph, estate, cluster)
    principals = sorted({each.principal.lower() for each in azure.access.assignments})
    for principal in principals:
        _principal(graph, azure, principal)
        _actions(graph, azure, principal, cluster, rows)
        _data_actions(graph, azure, principal, estate)
        _add(graph, ("cap", "be-entra/"), ("AzurePrincipal", principal), "any-entra")


def _add(graph: AttackGraph, source: Node, target: Node, kind: str, binding: str = "") -> None:
    graph.add(source, target, kind, STRUCTURE[kind], binding)


def _identities(graph: AttackGraph, estate: Estate, rows: list[dict[str, Any]]) -> None:
    """Add who a service account may become: by annotation, and by what an identity trusts, annotated or not."""
    principals: dict[str, str] = {}
    by_id: dict[str, str] = {}
    for row in rows:
        if _kind(row) == "microsoft.managedidentity/userassignedidentities":
            properties = mapping(row, "properties")
            principal = str(properties.get("principalId") or "").lower()
            principals[str(properties.get("clientId") or "").lower()] = principal
            by_id[str(row.get("id") or "").lower()] = principal
    for namespace, accounts in estate.accounts.items():
        for name, account in accounts.items():
            if account.client:
                target: Node = ("AzurePrincipal", principals.get(account.client) or account.client)
                _add(graph, ("ServiceAccount", f"{namespace}/{name}"), target, "workload-identity")
    for row in rows:
        if not _kind(row).endswith("/federatedidentitycredentials"):
            continue
        trusted = split_service_account(str(mapping(row, "properties").get("subject") or ""))
        owner = str(row.get("id") or "").lower().rpartition("/federatedidentitycredentials/")[0]
        if trusted is not None and owner:
            source: Node = ("ServiceAccount", "/".join(trusted))
            _add(graph, source, ("AzurePrincipal", by_id.get(owner) or owner), "federated-credential")
            _add(graph, ("cap", f"make-accounts/{trusted[0]}"), source, "made-account")
            _add(graph, ("cap", "make-accounts/"), ("cap", f"make-accounts/{trusted[0]}"), "everywhere")
            estate.namespaces.add(trusted[0])


def _metadata(graph: AttackGraph, estate: Estate, cluster: dict[str, Any]) -> None:
    """Add the kubelet's identity, which the metadata service of a node gives to whatever runs there."""
    profile = mapping(mapping(mapping(cluster, "properties"), "identityProfile"), "kubeletidentity")
    identity = profile.get("objectId")
    if not isinstance(identity, str) or not identity:
        return
    for pod in estate.pods:
        source: Node = ("pod", f"{pod.namespace}/{pod.name}")
        _add(graph, source, ("AzurePrincipal", identity.lower()), "instance-metadata")


def _principal(graph: AttackGraph, azure: AzureCluster, principal: str) -> None:
    source: Node = ("AzurePrincipal", principal)
    for member in sorted(azure.directory.members_of(principal)):
        _add(graph, ("AzurePrincipal", member), source, "entra-member")
    for kind, edge in (("Group", "entra-group"), ("User", "entra-user")):
        if (kind, principal) in graph.edges:
            _add(graph, source, (kind, principal), edge)


def _actions(
    graph: AttackGraph,
    azure: AzureCluster,
    principal: str,
    cluster: dict[str, Any],
    rows: list[dict[str, Any]],
) -> None:
    source: Node = ("AzurePrincipal", principal)
    properties = mapping(cluster, "properties")
    local = properties.get("disableLocalAccounts") is not True
    for kind, action in _CLUSTER_ACTIONS.items():
        if (kind in _LOCAL and not local) or (
            kind == "azure-user-credential" and mapping(properties, "aadProfile")
        ):
            continue
        assignment = _may(azure, principal, action, azure.id)
        if assignment:
            _add(graph, source, ADMIN, kind, assignment)
    group = str(properties.get("nodeResourceGroup") or "")
    if group:
        scope = f"{azure.id.lower().partition('/resourcegroups/')[0]}/resourceGroups/{group}"
        for kind, action in _NODE_ACTIONS.items():
            assignment = _may(azure, principal, action, scope)
            if assignment:
                _add(graph, source, ("cap", "own-nodes/"), kind, assignment)
    for row in rows:
        if _kind(row) == "microsoft.managedidentity/userassignedidentities":
            target = str(mapping(row, "properties").get("principalId") or "").lower()
            assignment = _may(azure, principal, _FEDERATE, str(row.get("id") or "")) if target else ""
            if assignment:
                _add(graph, source, ("AzurePrincipal", target), "azure-federation", assignment)
        if _kind(row) == "microsoft.authorization/roledefinitions":
            _definition(graph, azure, principal, row)
    every = DataAction(f"{CLUSTER}/{FRESH}/{FRESH}")
    answer = azure.access.check(frozenset((principal,)), every, azure.id)
    if answer.verdict is Verdict.ALLOW:
        _add(graph, source, ADMIN, "azure-all-data-actions", answer.assignment)


def _definition(graph: AttackGraph, azure: AzureCluster, principal: str, row: dict[str, Any]) -> None:
    """Add who may widen a custom role that is assigned to it at or above the cluster."""
    if mapping(row, "properties").get("type") == "BuiltInRole":
        return
    name = str(row.get("name") or str(row.get("id") or "").rpartition("/")[2]).lower()
    held = any(
        each.role.lower() == name
        and each.principal.lower() == principal
        and azure.access.covers(each.scope, azure.id)
        for each in azure.access.assignments
    )
    if held:
        scope = str(row.get("id") or "").lower().partition("/providers/microsoft.authorization/")[0]
        assignment = _may(azure, principal, _DEFINE, scope)
        if assignment:
            _add(graph, ("AzurePrincipal", principal), ADMIN, "azure-role-definition", assignment)


def _may(azure: AzureCluster, principal: str, action: str, scope: str) -> str:
    """Return the assignment that lets a principal do a control-plane action, "" where none does."""
    answer = azure.access.check(frozenset((principal,)), DataAction(action), scope, data=False)
    return answer.assignment if answer.verdict is Verdict.ALLOW else ""


def _data_actions(graph: AttackGraph, azure: AzureCluster, principal: str, estate: Estate) -> None:
    """Add the powers of a principal's data actions, hidden grants with them: the map drops subresources (specs b7)."""
    spaces = {"", *_spaces(azure, principal)}
    for namespace in sorted(spaces):
        for power in POWERS:
            if (
                power.aggregated
                or (power.cluster_only and namespace)
                or power.opens in ("hold-role", "widen-role")
            ):
                continue
            given = [_allowed(azure, principal, need, namespace) for need in power.needs]
            if all(given):
                target = capability(power.opens, namespace)
                graph.add(("AzurePrincipal", principal), target, power.id, power.why, given[0])
        if namespace:
            estate.namespaces.add(namespace)


def _spaces(azure: AzureCluster, principal: str) -> Iterator[str]:
    """Yield the namespaces that a principal's assignments name."""
    for each in azure.access.assignments:
        space = azure.namespace_of(each.scope)
        if space and each.principal.lower() == principal:
            yield space


def _allowed(azure: AzureCluster, principal: str, need: Need, namespace: str) -> str:
    """Return an assignment that allows a need, "" where none does; every data action of the request must be given."""
    resource, _, below = need.resource.partition("/")
    user = User("somebody", (), "", (("oid", (_SOMEBODY,)),))
    for verb in need.verbs:
        asked = Attributes(user, verb, namespace, need.group, "*", resource, below)
        mapped = map_request(
            asked, azure.operations, custom_resources=azure.custom_resources, subresources=azure.subresources
        )
        scope = azure.id + mapped.scope
        answers = [azure.access.check(frozenset((principal,)), each, scope) for each in mapped.actions]
        if answers and all(each.verdict is Verdict.ALLOW for each in answers):
            return answers[0].assignment
    return ""


def _kind(row: dict[str, Any]) -> str:
    return str(row.get("type") or "").lower()
