"""Build the attack graph of a world: rights by the engine's word, pods, nodes, secrets, Azure identities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.attributes import MASTERS, Attributes, User
from seawall.access.azure.actions import DataAction
from seawall.access.names import service_account_groups, split_service_account
from seawall.access.paths.catalogue import POWERS, STRUCTURE, Need, Power
from seawall.access.paths.graph import ADMIN, AttackGraph, Node
from seawall.core.decision import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.rbac.index import Holding
    from seawall.access.world import AccessWorld

FRESH = "seawall-any-other"
AUTHENTICATED: Node = ("Group", "system:authenticated")
_AZURE = {
    "azure-admin-credential": "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
    "azure-run-command": "Microsoft.ContainerService/managedClusters/runCommand/action",
    "azure-cluster-write": "Microsoft.ContainerService/managedClusters/write",
    "azure-role-assignment": "Microsoft.Authorization/roleAssignments/write",
}


def build_graph(
    world: AccessWorld,
    azure: AzureCluster | None = None,
    resources: Iterable[dict[str, Any]] = (),
) -> AttackGraph:
    """Return the graph. `resources` are Azure resources (managed identities: client id to principal)."""
    graph = AttackGraph()
    estate = _Objects(world)
    for subject in _subjects(world):
        _rights(graph, world, subject)
    _masters_and_members(graph, world, estate)
    _objects(graph, world, estate)
    _capabilities(graph, estate)
    if azure is not None:
        _azure(graph, azure, estate, resources)
    return graph


class _Objects:
    """The objects that edges lead through, by what they are."""

    def __init__(self, world: AccessWorld) -> None:
        self.pods: list[tuple[str, str, dict[str, Any]]] = []
        self.accounts: dict[str, set[str]] = {}
        self.secrets: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self.nodes: set[str] = set()
        self.restricted: set[str] = set()
        self.identities: list[tuple[str, str]] = []
        self.namespaces: set[str] = set(world.rbac.namespaces)
        for item in world.objects:
            metadata = item.get("metadata")
            if not isinstance(metadata, dict):
                continue
            self._add(
                item, metadata, str(metadata.get("namespace") or "default"), str(metadata.get("name") or "")
            )
        for kind, name in _subjects(world):
            account = split_service_account(name) if kind == "User" else None
            if account:
                self.accounts.setdefault(account[0], set()).add(account[1])
        self.namespaces |= self.accounts.keys() | self.secrets.keys()

    def _add(self, item: dict[str, Any], metadata: dict[str, Any], namespace: str, name: str) -> None:
        kind = item.get("kind")
        spec = item.get("spec") if isinstance(item.get("spec"), dict) else {}
        if kind == "Pod" and isinstance(spec, dict):
            self.pods.append((namespace, name, spec))
            account = spec.get("serviceAccountName") or "default"
            self.accounts.setdefault(namespace, set()).add(str(account))
            if isinstance(spec.get("nodeName"), str):
                self.nodes.add(spec["nodeName"])
        elif kind == "ServiceAccount":
            self.accounts.setdefault(namespace, set()).add(name)
            annotations = metadata.get("annotations")
            client = (
                annotations.get("azure.workload.identity/client-id")
                if isinstance(annotations, dict)
                else None
            )
            if isinstance(client, str) and client:
                self.identities.append((f"{namespace}/{name}", client.lower()))
        elif kind == "Secret":
            self.secrets.setdefault(namespace, []).append((name, item))
        elif kind == "Node":
            self.nodes.add(name)
        elif kind == "Namespace":
            self.namespaces.add(name)
            labels = metadata.get("labels")
            level = labels.get("pod-security.kubernetes.io/enforce") if isinstance(labels, dict) else None
            if level in ("baseline", "restricted"):
                self.restricted.add(name)


def _subjects(world: AccessWorld) -> set[tuple[str, str]]:
    keys = (binding.subject_key(each) for binding in world.rbac.bindings for each in binding.subjects)
    return {key for key in keys if key is not None}


def node_of_user(name: str) -> Node:
    """Return the graph's node of a user name: a service account is written ns/name."""
    account = split_service_account(name)
    return ("ServiceAccount", f"{account[0]}/{account[1]}") if account else ("User", name)


def _cap(opens: str, namespace: str) -> Node:
    return ADMIN if opens == "cluster-admin" else ("cap", f"{opens}/{namespace}")


def _rights(graph: AttackGraph, world: AccessWorld, subject: tuple[str, str]) -> None:
    """Add what a subject's own bindings open, in the cluster and in each namespace where it holds any."""
    kind, name = subject
    user = User(name) if kind == "User" else User("", (name,))
    source: Node = node_of_user(name) if kind == "User" else ("Group", name)
    spaces = [""]
    for namespace, scope in world.rbac.namespaces.items():
        if (name in scope.users) if kind == "User" else (name in scope.groups):
            spaces.append(namespace)
    done: set[str] = set()
    for namespace in spaces:
        everything = Attributes(user, FRESH, namespace, FRESH, "*", FRESH, "", FRESH)
        for binding in _allowing(world, everything):
            target = _cap("own-namespace", namespace) if namespace else ADMIN
            graph.add(source, target, "all-rights", STRUCTURE["all-rights"], binding)
        for power in POWERS:
            if (power.cluster_only and namespace) or power.id in done:
                continue
            if _add_power(graph, world, source, user, power, namespace) and not namespace:
                done.add(power.id)


def _add_power(
    graph: AttackGraph, world: AccessWorld, source: Node, user: User, power: Power, namespace: str
) -> bool:
    first: list[str] = []
    if power.aggregated and not _holds_aggregated(world, user):
        return False
    for number, need in enumerate(power.needs):
        allowing = _bindings_for(world, user, need, namespace, "")
        if not allowing:
            first = []
            break
        # Each binding that gives the first need makes an edge of its own: to cut is to cut them all.
        if number == 0:
            first = allowing
    for binding in first:
        graph.add(source, _cap(power.opens, namespace), power.id, power.why, binding)
    if not first and power.named:
        _add_named(graph, world, source, user, power, namespace)
    return bool(first)


def _holds_aggregated(world: AccessWorld, user: User) -> bool:
    return any(role is not None and role.selectors for _, role in world.rbac.applying(user, ""))


def _add_named(
    graph: AttackGraph, world: AccessWorld, source: Node, user: User, power: Power, namespace: str
) -> None:
    need = power.needs[0]
    if not all(_bindings_for(world, user, each, namespace, "") for each in power.needs[1:]):
        return
    rules, _ = world.rbac.rules_for(user, namespace)
    names = {
        name
        for rule in rules
        for name in rule.names
        if any(verb in rule.verbs for verb in (*need.verbs, "*"))
    }
    for name in sorted(names):
        for binding in _bindings_for(world, user, need, namespace, name):
            if power.opens == "be-users":
                targets: list[Node] = [node_of_user(name)]
            elif power.opens == "be-groups":
                targets = [("Group", name)]
            elif power.opens == "be-accounts":
                targets = (
                    [("ServiceAccount", f"{namespace}/{name}")]
                    if namespace
                    else [("name", f"account/{name}")]
                )
            else:
                targets = [("secret", f"{namespace}/{name}")] if namespace else [("name", f"secret/{name}")]
            for target in targets:
                graph.add(source, target, power.id, power.why, binding)


def _bindings_for(world: AccessWorld, user: User, need: Need, namespace: str, name: str) -> list[str]:
    resource, _, below = need.resource.partition("/")
    for verb in need.verbs:
        found = _allowing(world, Attributes(user, verb, namespace, need.group, "*", resource, below, name))
        if found:
            return found
    return []


def _allowing(world: AccessWorld, asked: Attributes) -> list[str]:
    """Return every binding of the user's own that allows a request."""
    from seawall.access.rbac.compiled import keys_of  # noqa: PLC0415 - kept beside its use

    keys = keys_of(asked.group, asked.resource, asked.subresource)
    found: list[str] = []
    for scope in world.rbac.scopes(asked.namespace):
        for holding in scope.of(asked.user):
            found += _matching(holding, keys, asked)
    return found


def _matching(holding: Holding, keys: list[tuple[str, str]], asked: Attributes) -> Iterator[str]:
    for role, binding in holding.pairs:
        if role.find(keys, asked.verb, asked.name) is not None:
            yield f"{binding.kind}/{binding.namespace}/{binding.name}"


def _masters_and_members(graph: AttackGraph, world: AccessWorld, estate: _Objects) -> None:
    graph.add(("Group", MASTERS), ADMIN, "masters", STRUCTURE["masters"])
    why = STRUCTURE["member-of"]
    for namespace, names in estate.accounts.items():
        for name in names:
            source: Node = ("ServiceAccount", f"{namespace}/{name}")
            for group in service_account_groups(namespace):
                graph.add(source, ("Group", group), "member-of", why)
            graph.add(source, AUTHENTICATED, "member-of", why)
    for kind, name in _subjects(world):
        if kind == "User" and split_service_account(name) is None:
            graph.add(("User", name), AUTHENTICATED, "member-of", why)
            graph.add(("cap", "be-users/"), ("User", name), "any-user", STRUCTURE["any-user"])


def _objects(graph: AttackGraph, world: AccessWorld, estate: _Objects) -> None:
    for namespace, name, spec in estate.pods:
        pod: Node = ("pod", f"{namespace}/{name}")
        account = str(spec.get("serviceAccountName") or "default")
        graph.add(("cap", f"enter-pods/{namespace}"), pod, "enters-pod", STRUCTURE["enters-pod"])
        if spec.get("automountServiceAccountToken") is not False:
            graph.add(pod, ("ServiceAccount", f"{namespace}/{account}"), "runs-as", STRUCTURE["runs-as"])
        node = spec.get("nodeName")
        if isinstance(node, str) and node:
            for kind in _ways_out(spec):
                graph.add(pod, ("node", node), kind, STRUCTURE[kind])
            token = ("ServiceAccount", f"{namespace}/{account}")
            graph.add(("node", node), token, "node-token", STRUCTURE["node-token"])
    for node in estate.nodes:
        graph.add(("cap", "own-nodes/"), ("node", node), "any-node", STRUCTURE["any-node"])
        graph.add(("node", node), ("User", f"system:node:{node}"), "node-user", STRUCTURE["node-user"])
        graph.add(("cap", "be-users/"), ("User", f"system:node:{node}"), "any-user", STRUCTURE["any-user"])
    for namespace, secrets in estate.secrets.items():
        for name, item in secrets:
            secret: Node = ("secret", f"{namespace}/{name}")
            graph.add(("cap", f"read-secrets/{namespace}"), secret, "secret-value", STRUCTURE["secret-value"])
            graph.add(("name", f"secret/{name}"), secret, "secret-value", STRUCTURE["secret-value"])
            for node in world.nodes.nodes_of("secret", namespace, name):
                graph.add(("node", node), secret, "node-secret", STRUCTURE["node-secret"])
            if item.get("type") == "kubernetes.io/service-account-token":
                annotations = (item.get("metadata") or {}).get("annotations") or {}
                owner = annotations.get("kubernetes.io/service-account.name")
                if owner:
                    target: Node = ("ServiceAccount", f"{namespace}/{owner}")
                    graph.add(secret, target, "token-in-secret", STRUCTURE["token-in-secret"])


def _ways_out(spec: dict[str, Any]) -> Iterator[str]:
    """Yield how a pod owns its node."""
    if spec.get("hostPID") is True:
        yield "pod-host-pid"
    volumes = spec.get("volumes")
    if any(isinstance(each, dict) and "hostPath" in each for each in volumes or ()):
        yield "pod-host-path"
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(key) or ():
            context = container.get("securityContext") if isinstance(container, dict) else None
            if not isinstance(context, dict):
                continue
            if context.get("privileged") is True:
                yield "pod-privileged"
            capabilities = context.get("capabilities")
            added = capabilities.get("add") if isinstance(capabilities, dict) else None
            if {"SYS_ADMIN", "CAP_SYS_ADMIN", "ALL"} & set(added or ()):
                yield "pod-sys-admin"


def _capabilities(graph: AttackGraph, estate: _Objects) -> None:
    """Add what capabilities open, in each namespace and from the whole cluster down."""
    kinds = ("run-pods", "enter-pods", "read-secrets", "be-accounts", "own-namespace", "own-nodes")
    for namespace in sorted(estate.namespaces):
        for kind in kinds:
            graph.add(
                ("cap", f"{kind}/"), ("cap", f"{kind}/{namespace}"), "everywhere", STRUCTURE["everywhere"]
            )
        own: Node = ("cap", f"own-namespace/{namespace}")
        accounts: Node = ("cap", f"be-accounts/{namespace}")
        graph.add(own, accounts, "owns-accounts", STRUCTURE["owns-accounts"])
        graph.add(own, ("cap", f"read-secrets/{namespace}"), "owns-secrets", STRUCTURE["owns-secrets"])
        graph.add(own, ("cap", f"run-pods/{namespace}"), "owns-accounts", STRUCTURE["owns-accounts"])
        graph.add(("cap", f"run-pods/{namespace}"), accounts, "any-account", STRUCTURE["any-account"])
        graph.add(("cap", f"own-nodes/{namespace}"), ("cap", "own-nodes/"), "any-node", STRUCTURE["any-node"])
        if namespace not in estate.restricted:
            graph.add(
                ("cap", f"run-pods/{namespace}"),
                ("cap", "own-nodes/"),
                "unrestricted-namespace",
                STRUCTURE["unrestricted-namespace"],
            )
    for namespace, names in estate.accounts.items():
        for name in sorted(names):
            account: Node = ("ServiceAccount", f"{namespace}/{name}")
            graph.add(("cap", f"be-accounts/{namespace}"), account, "any-account", STRUCTURE["any-account"])
            graph.add(("name", f"account/{name}"), account, "any-account", STRUCTURE["any-account"])
    for kind in ("read-secrets", "own-nodes", "own-namespace", "be-users"):
        graph.add(ADMIN, ("cap", f"{kind}/"), "admin-everything", STRUCTURE["admin-everything"])


def _azure(
    graph: AttackGraph, azure: AzureCluster, estate: _Objects, resources: Iterable[dict[str, Any]]
) -> None:
    principals = {}
    for row in resources:
        properties = row.get("properties")
        kind = str(row.get("type") or "").lower()
        if kind == "microsoft.managedidentity/userassignedidentities" and isinstance(properties, dict):
            client, principal = properties.get("clientId"), properties.get("principalId")
            principals[str(client).lower()] = str(principal).lower()
    for account, client in estate.identities:
        target: Node = ("AzurePrincipal", principals.get(client, client))
        graph.add(("ServiceAccount", account), target, "workload-identity", STRUCTURE["workload-identity"])
    for assignment in azure.access.assignments:
        principal = assignment.principal.lower()
        for kind, action in _AZURE.items():
            answer = azure.access.check(frozenset((principal,)), DataAction(action), azure.id, data=False)
            if answer.verdict is Verdict.ALLOW:
                graph.add(("AzurePrincipal", principal), ADMIN, kind, STRUCTURE[kind], answer.assignment)
        every = DataAction(f"Microsoft.ContainerService/managedClusters/{FRESH}/{FRESH}")
        answer = azure.access.check(frozenset((principal,)), every, azure.id)
        if answer.verdict is Verdict.ALLOW:
            kind = "azure-all-data-actions"
            graph.add(("AzurePrincipal", principal), ADMIN, kind, STRUCTURE[kind], answer.assignment)
