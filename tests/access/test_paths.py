"""The kinds of edges: each is reached by the smallest world that has it, and is gone when what makes it is gone."""

from __future__ import annotations

import re

import pytest

from seawall.access import build_world
from seawall.access.azure.cluster import AzureCluster
from seawall.access.azure.directory import Directory
from seawall.access.azure.roles import read_azure
from seawall.access.paths import build_graph, cut, shortest
from seawall.access.paths.catalogue import POWERS, STRUCTURE
from seawall.access.paths.graph import ADMIN, OUTSIDE
from seawall.access.paths.workloads import host_path_kinds

RBAC = "rbac.authorization.k8s.io"
ROBOT = ("ServiceAccount", "blue/robot")
NODE = ("node", "n1")


def pod(name="web", container=None, namespace="blue", labels=None, **spec):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {
            "serviceAccountName": "robot",
            "nodeName": "n1",
            "containers": [{"name": "c"} | (container or {})],
        }
        | spec,
    }


def mounting(path, **mount):
    return {
        "container": {"volumeMounts": [{"name": "v", "mountPath": "/x"} | mount]},
        "volumes": [{"name": "v", "hostPath": {"path": path}}],
    }


def kinds(objects, source, target, azure=None, rows=()):
    """The kinds of the edges between two nodes."""
    graph = build_graph(build_world(objects, defaults=False), azure, rows)
    return {edge.kind for edge in graph.edges.get(source, ()) if edge.target == target}


CONTAINER = ("container", "blue/web/c")


def context(**fields):
    return {"container": {"securityContext": fields}}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            context(privileged=True),
            {"container-privileged-mount", "container-module-load", "container-read-search"},
        ),
        (context(capabilities={"add": ["SYS_MODULE"]}), {"container-module-load"}),
        (context(capabilities={"add": ["CAP_SYS_ADMIN"]}), {"container-sys-admin"}),
        (context(capabilities={"add": ["DAC_READ_SEARCH"]}), {"container-read-search"}),
        (context(capabilities={"add": ["SYS_PTRACE"]}), set()),
        (context(capabilities={"add": ["SYS_PTRACE"]}) | {"hostPID": True}, {"container-trace"}),
        (
            context(capabilities={"add": ["SYS_ADMIN"]}) | {"hostPID": True},
            {"container-sys-admin", "container-enter-node"},
        ),
        ({"hostPID": True}, set()),
        (
            mounting("/"),
            {"host-runtime-socket", "host-write", "host-read", "host-core-pattern", "host-log-link"},
        ),
        (mounting("/", readOnly=True), {"host-runtime-socket", "host-read"}),
        (mounting("/run/containerd"), {"host-runtime-socket"}),
        (mounting("/etc", readOnly=True), {"host-read"}),
        (mounting("/etc/localtime", readOnly=True), set()),
        (mounting("/etc/cron.d"), {"host-write"}),
        (mounting("/data/app"), set()),
        (mounting("/var/log"), {"host-log-link"}),
        (mounting("/var", subPath="log"), {"host-log-link"}),
        ({}, set()),
    ],
)
def test_ways_out_of_a_container(made, expected):
    assert kinds([pod(**made)], CONTAINER, NODE) == expected


def test_a_path_below_which_the_tokens_of_pods_lie():
    assert "host-pod-tokens" in set(host_path_kinds("/var/lib/kubelet/pods", False))
    other = pod("other", namespace="teal")
    graph = build_graph(
        build_world([pod(**mounting("/var/lib/kubelet/pods", readOnly=True)), other], defaults=False)
    )
    steps = shortest(graph, CONTAINER, ("ServiceAccount", "teal/robot"))
    assert [edge.kind for _, edge in steps] == ["host-pod-tokens", "host-pod-tokens"]


@pytest.mark.parametrize(
    ("account", "spec", "mounted"),
    [(None, {}, True), (False, {}, False), (False, {"automountServiceAccountToken": True}, True),
     (True, {"automountServiceAccountToken": False}, False)],
)  # fmt: skip
def test_the_pods_word_outweighs_the_accounts(account, spec, mounted):
    held = {"kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "blue"}}
    held |= {} if account is None else {"automountServiceAccountToken": account}
    assert kinds([held, pod(**spec)], CONTAINER, ROBOT) == ({"runs-as"} if mounted else set())


def test_a_projected_token_counts_for_the_api_server_only():
    def projected(**token):
        return pod(
            container={"volumeMounts": [{"name": "t", "mountPath": "/t"}]},
            volumes=[
                {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"} | token}]}}
            ],
            automountServiceAccountToken=False,
        )

    assert kinds([projected()], CONTAINER, ROBOT) == {"projected-token"}
    assert kinds([projected(audience="vault")], CONTAINER, ROBOT) == set()


def test_a_secret_is_where_it_is_mounted_or_in_the_environment_and_in_no_other_container():
    two = pod(
        containers=[
            {"name": "c", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}]},
            {"name": "d", "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        ],
        volumes=[{"name": "v", "secret": {"secretName": "two"}}],
    )
    for container, secret, expected in (
        ("c", "one", {"mounted-secret"}),
        ("c", "two", set()),
        ("d", "two", {"mounted-secret"}),
    ):
        assert kinds([two], ("container", f"blue/web/{container}"), ("secret", f"blue/{secret}")) == expected


def test_containers_that_share_their_processes():
    two = [{"name": "c"}, {"name": "d"}]
    other = ("container", "blue/web/d")
    assert kinds([pod(containers=two, shareProcessNamespace=True)], CONTAINER, other) == {"shared-processes"}
    assert kinds([pod(containers=two)], CONTAINER, other) == set()


def test_a_node_has_its_pods_their_volumes_and_their_tokens():
    claimed = pod(
        container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
    )
    volume = {
        "kind": "PersistentVolume",
        "metadata": {"name": "pv"},
        "spec": {"claimRef": {"namespace": "blue", "name": "data"}, "hostPath": {"path": "/etc"}},
    }
    place = ("volume", "blue/data")
    assert kinds([claimed], NODE, ("pod", "blue/web")) == {"node-pod"}
    assert kinds([claimed], NODE, ROBOT) == {"node-token"}
    assert kinds([claimed], NODE, place) == {"node-volume"}
    assert kinds([claimed], CONTAINER, place) == {"mounted-volume"}
    assert kinds([claimed], CONTAINER, NODE) == set()
    assert kinds([claimed, volume], CONTAINER, NODE) == {"host-read", "host-write"}
    assert kinds([claimed, volume], place, ("volume", "n1:/etc")) == {"volume-on-node"}


def service(kind="LoadBalancer", annotations=None, port=80, target="http"):
    return {
        "kind": "Service",
        "metadata": {"name": "front", "namespace": "blue", "annotations": annotations or {}},
        "spec": {"type": kind, "selector": {"app": "web"}, "ports": [{"port": port, "targetPort": target}]},
    }


def test_what_is_reached_from_outside():
    """An exposed port leads into the container that listens there, and no further by itself."""
    web = pod(container={"ports": [{"containerPort": 8080, "name": "http"}]}, labels={"app": "web"})
    endpoint = ("endpoint", "blue/front")
    assert kinds([service(), web], OUTSIDE, endpoint) == {"exposed"}
    assert kinds([service(), web], endpoint, CONTAINER) == {"endpoint-exploit"}
    assert kinds([service(target=9090), web], endpoint, CONTAINER) == set()
    internal = {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
    assert kinds([service(annotations=internal), web], OUTSIDE, endpoint) == set()
    assert kinds([service("ClusterIP"), web], OUTSIDE, endpoint) == set()
    ingress = {
        "kind": "Ingress",
        "metadata": {"name": "i", "namespace": "blue"},
        "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "front"}}}]}}]},
    }
    assert kinds([service("ClusterIP"), web, ingress], OUTSIDE, endpoint) == {"exposed"}


# ---- rights ----


def role(name, verbs, resources, groups=("",), names=None, kind="ClusterRole"):
    rule = {"verbs": verbs, "apiGroups": list(groups), "resources": resources}
    return {
        "kind": kind,
        "metadata": {"name": name},
        "rules": [rule | ({"resourceNames": names} if names else {})],
    }


def bound(name, role_name, subject, namespace=""):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role_name},
        "subjects": [subject],
    }


JANE = {"kind": "User", "name": "jane"}


@pytest.mark.parametrize("power", [each for each in POWERS if not each.aggregated], ids=lambda each: each.id)
def test_every_power_of_the_catalogue_makes_its_edge(power):
    """Held are just its needs (for one name, where a power is of names only): its edge is there; with a need less, not."""
    only_named = power.opens in ("hold-role", "widen-role")
    made = []
    for number, need in enumerate(power.needs):
        names = ["r0"] if only_named and number == 0 else None
        item = role(f"r{number}", list(need.verbs), [need.resource], [need.group], names)
        made.append([item, bound(f"b{number}", f"r{number}", JANE)])
    everything = [item for pair in made for item in pair]

    def found(objects, azure=AzureCluster("/x", read_azure([]))):  # noqa: B008 - a value, not a default that changes
        graph = build_graph(build_world(objects, defaults=False), azure)
        return {edge.kind for edge in graph.edges.get(("User", "jane"), ())}

    assert power.id in found(everything)
    # Some open nothing where Azure RBAC is off.
    assert (power.id in found(everything, None)) != power.azure_only
    for missing in range(len(made)):
        rest = [item for index, pair in enumerate(made) if index != missing for item in pair]
        assert power.id not in found(rest)


def test_rights_of_a_group_and_of_its_member_count_together():
    """Neither the account nor its group could; both together can."""
    objects = [
        role("bind", ["bind"], ["clusterroles"], [RBAC]),
        role("write", ["create"], ["clusterrolebindings"], [RBAC]),
        bound("a", "bind", {"kind": "ServiceAccount", "name": "robot", "namespace": "blue"}),
        bound("b", "write", {"kind": "Group", "name": "system:serviceaccounts"}),
    ]
    assert kinds(objects, ROBOT, ADMIN) == {"bind-cluster-role"}
    assert kinds(objects[:3], ROBOT, ADMIN) == set()


def test_nobody_in_particular_is_not_authenticated():
    objects = [
        role("all", ["*"], ["*"], ["*"]),
        role("one", ["get"], ["pods"]),
        bound("a", "all", {"kind": "Group", "name": "system:authenticated"}),
        bound("b", "one", {"kind": "User", "name": "system:anonymous"}),
        bound("c", "one", JANE),
    ]
    graph = build_graph(build_world(objects, defaults=False))
    assert shortest(graph, ("User", "system:anonymous"), ADMIN) is None
    assert [edge.kind for _, edge in shortest(graph, ("User", "jane"), ADMIN)] == ["member-of", "all-rights"]


@pytest.mark.parametrize(
    ("target", "reached"), [("view", False), ("admin-of-all", True)], ids=["a reader's role", "everything"]
)
def test_to_bind_one_role_is_to_hold_it(target, reached):
    objects = [
        role("view", ["get"], ["pods"]),
        role("admin-of-all", ["*"], ["*"], ["*"]),
        role("binder", ["bind"], ["clusterroles"], [RBAC], names=[target]),
        role("writer", ["create"], ["clusterrolebindings"], [RBAC]),
        bound("a", "binder", JANE),
        bound("b", "writer", JANE),
    ]
    steps = shortest(build_graph(build_world(objects, defaults=False)), ("User", "jane"), ADMIN)
    assert (steps is not None) == reached
    if reached:
        assert [edge.kind for _, edge in steps] == ["bind-named-cluster-role", "role-opens"]


def test_to_widen_a_role_one_must_hold_it():
    objects = [
        role("mine", ["get"], ["pods"]),
        role("escalator", ["escalate", "update"], ["clusterroles"], [RBAC], names=["mine"]),
        role("changer", ["update"], ["clusterroles"], [RBAC]),
        bound("a", "escalator", JANE),
        bound("c", "changer", JANE),
    ]
    assert kinds(objects, ("User", "jane"), ADMIN) == set()
    assert kinds([*objects, bound("b", "mine", JANE)], ("User", "jane"), ADMIN) == {
        "escalate-named-cluster-role"
    }


# ---- Azure ----

RESOURCES = "/subscriptions/s/resourceGroups"
CLUSTER = f"{RESOURCES}/rg/providers/Microsoft.ContainerService/managedClusters/c"
IDENTITY = f"{RESOURCES}/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
ANN, TEAM, WORKLOAD = "aaaa", "bbbb", "cccc"


def definition(actions=(), data=(), name="r"):
    return {
        "id": f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{name}",
        "name": name,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": name,
            "type": "CustomRole",
            "permissions": [{"actions": list(actions), "dataActions": list(data)}],
        },
    }


def assigned(principal, scope=CLUSTER, role_name="r"):
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{principal}",
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {"roleDefinitionId": f"/x/{role_name}", "principalId": principal, "scope": scope},
    }


def cluster_row(**properties):
    row = {"id": CLUSTER, "type": "Microsoft.ContainerService/managedClusters"}
    return row | {"properties": {"nodeResourceGroup": "MC_rg"} | properties}


def azure_kinds(objects, rows, source, target, directory=None):
    cluster = AzureCluster(CLUSTER, read_azure(rows), directory=directory or Directory())
    return kinds(objects, source, target, cluster, rows)


CS = "Microsoft.ContainerService/managedClusters"


@pytest.mark.parametrize(
    ("action", "properties", "expected"),
    [
        (f"{CS}/listClusterAdminCredential/action", {}, {"azure-admin-credential"}),
        (f"{CS}/listClusterAdminCredential/action", {"disableLocalAccounts": True}, set()),
        (f"{CS}/listClusterUserCredential/action", {}, {"azure-user-credential"}),
        (f"{CS}/listClusterUserCredential/action", {"aadProfile": {"managed": True}}, set()),
        (f"{CS}/accessProfiles/listCredential/action", {}, {"azure-access-profile"}),
        (f"{CS}/runCommand/action", {"disableLocalAccounts": True}, {"azure-run-command"}),
        (f"{CS}/write", {}, {"azure-cluster-write"}),
        ("Microsoft.Authorization/roleAssignments/write", {}, {"azure-role-assignment"}),
        (f"{CS}/read", {}, set()),
    ],
)
def test_actions_on_the_cluster(action, properties, expected):
    rows = [definition([action]), assigned(ANN), cluster_row(**properties)]
    assert azure_kinds([], rows, ("AzurePrincipal", ANN), ADMIN) == expected


def test_actions_on_nodes_identities_and_roles():
    nodes = ("cap", "own-nodes/")
    machines = "Microsoft.Compute/virtualMachineScaleSets"
    for action, expected in (
        (f"{machines}/virtualMachines/runCommand/action", {"azure-node-command"}),
        (f"{machines}/write", {"azure-node-write"}),
        (f"{machines}/read", set()),
    ):
        rows = [definition([action]), assigned(ANN, f"{RESOURCES}/MC_rg"), cluster_row()]
        assert azure_kinds([], rows, ("AzurePrincipal", ANN), nodes) == expected
    identity = {
        "id": IDENTITY,
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "properties": {"principalId": WORKLOAD, "clientId": "client"},
    }
    federate = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
    rows = [definition([federate]), assigned(ANN, f"{RESOURCES}/rg"), identity]
    assert azure_kinds([], rows, ("AzurePrincipal", ANN), ("AzurePrincipal", WORKLOAD)) == {
        "azure-federation"
    }
    rows = [definition(["Microsoft.Authorization/roleDefinitions/write"]), assigned(ANN, "/subscriptions/s")]
    assert azure_kinds([], rows, ("AzurePrincipal", ANN), ADMIN) == {"azure-role-definition"}


def test_what_an_identity_trusts_counts_without_any_annotation():
    identity = {
        "id": IDENTITY,
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "properties": {"principalId": WORKLOAD, "clientId": "client"},
    }
    trust = {
        "id": f"{IDENTITY}/federatedIdentityCredentials/f",
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "properties": {"subject": "system:serviceaccount:blue:robot", "issuer": "https://oidc"},
    }
    target = ("AzurePrincipal", WORKLOAD)
    assert azure_kinds([], [identity, trust], ROBOT, target) == {"federated-credential"}
    annotated = {
        "kind": "ServiceAccount",
        "metadata": {
            "name": "robot",
            "namespace": "blue",
            "annotations": {"azure.workload.identity/client-id": "Client"},
        },
    }
    assert azure_kinds([annotated], [identity], ROBOT, target) == {"workload-identity"}
    # Whoever makes accounts and pods in the namespace makes the account that is trusted.
    objects = [role("r", ["create"], ["serviceaccounts", "pods"]), bound("b", "r", JANE, "blue")]
    rows = [identity, trust]
    graph = build_graph(build_world(objects, defaults=False), AzureCluster(CLUSTER, read_azure(rows)), rows)
    steps = shortest(graph, ("User", "jane"), target)
    assert [edge.kind for _, edge in steps] == [
        "service-account-create-for-pod",
        "made-account",
        "federated-credential",
    ]


def test_the_kubelets_identity_is_had_by_every_pod():
    rows = [cluster_row(identityProfile={"kubeletidentity": {"objectId": "KUBELET"}})]
    source, target = ("pod", "blue/web"), ("AzurePrincipal", "kubelet")
    assert azure_kinds([pod()], rows, source, target) == {"instance-metadata"}


def test_groups_of_entra_lead_to_bindings_and_assignments():
    objects = [role("all", ["*"], ["*"], ["*"]), bound("b", "all", {"kind": "Group", "name": TEAM})]
    rows = [definition(), assigned(TEAM)]
    cluster = AzureCluster(CLUSTER, read_azure(rows), directory=Directory([(TEAM, [ANN])]))
    graph = build_graph(build_world(objects, defaults=False), cluster, rows)
    steps = shortest(graph, ("AzurePrincipal", ANN), ADMIN)
    assert [edge.kind for _, edge in steps] == ["entra-member", "entra-group", "all-rights"]
    assert cut(graph, [("AzurePrincipal", ANN)], ADMIN).bindings == ("ClusterRoleBinding//b",)


def test_data_actions_open_what_the_map_hides():
    """The Writer's dataActions hold serviceaccounts/write: a token of any account is asked for (specs b7)."""
    rows = [definition(data=[f"{CS}/serviceaccounts/write"]), assigned(ANN, f"{CLUSTER}/namespaces/blue")]
    found = azure_kinds([], rows, ("AzurePrincipal", ANN), ("cap", "be-accounts/blue"))
    assert found == {"token-request"}
    rows = [definition(data=[f"{CS}/nodes/read"]), assigned(ANN)]
    assert azure_kinds([], rows, ("AzurePrincipal", ANN), ("cap", "own-nodes/")) == {"node-proxy"}


def test_an_object_id_that_is_free_to_choose():
    objects = [
        role("r", ["impersonate"], ["users"]),
        role("x", ["impersonate"], ["userextras/oid"], ["authentication.k8s.io"]),
        bound("a", "r", JANE),
        bound("b", "x", JANE),
    ]
    rows = [definition([f"{CS}/runCommand/action"]), assigned(ANN)]
    graph = build_graph(build_world(objects, defaults=False), AzureCluster(CLUSTER, read_azure(rows)), rows)
    found = [edge.kind for _, edge in shortest(graph, ("User", "jane"), ADMIN)]
    assert found == ["impersonate-entra", "any-entra", "azure-run-command"]


# ---- dumps without secrets, manifests that are not applied ----


@pytest.mark.parametrize(
    "names_it",
    [
        pod(container={"envFrom": [{"secretRef": {"name": "db"}}]}),
        pod(imagePullSecrets=[{"name": "db"}]),
        {
            "kind": "ServiceAccount",
            "metadata": {"name": "robot", "namespace": "blue"},
            "imagePullSecrets": [{"name": "db"}],
        },
        {
            "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "blue"},
            "spec": {"tls": [{"secretName": "db"}]},
        },
    ],
)
def test_a_secret_that_is_only_named_is_reached_through_rights_as_one_that_was_read(names_it):
    objects = [names_it, role("r", ["get"], ["secrets"]), bound("a", "r", JANE, "blue")]
    graph = build_graph(build_world(objects, defaults=False))
    found = [edge.kind for _, edge in shortest(graph, ("User", "jane"), ("secret", "blue/db"))]
    assert found == ["secret-get", "secret-value"]
    assert shortest(graph, ("User", "jane"), ("secret", "blue/other")) is None


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "blue"},
    "spec": {
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"serviceAccountName": "robot", "containers": [{"name": "c"}]},
        }
    },
}


def test_a_workload_that_has_no_pods_yet_counts_as_one_pod():
    assert kinds([DEPLOYMENT], ("container", "blue/deployment/web/c"), ROBOT) == {"runs-as"}
    # Its pod is there, or it is scaled to nothing, or another object controls it: no second pod.
    running = [DEPLOYMENT, pod(labels={"app": "web", "pod-template-hash": "x"})]
    nothing = DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | {"replicas": 0}}
    owned = DEPLOYMENT | {
        "metadata": DEPLOYMENT["metadata"]
        | {"ownerReferences": [{"kind": "Shop", "name": "web", "controller": True}]}
    }
    for objects in (running, [nothing], [owned]):
        assert kinds(objects, ("pod", "blue/deployment/web"), ("container", "blue/deployment/web/c")) == set()


# ---- the list ----

# The 26 kinds of KubeHound (DataDog/KubeHound, docs/reference/attacks; read 2026-11-20), and ours for each.
PUBLIC = {
    "CE_MODULE_LOAD": "container-module-load",
    "CE_NSENTER": "container-enter-node",
    "CE_PRIV_MOUNT": "container-privileged-mount",
    "CE_SYS_PTRACE": "container-trace",
    "CE_UMH_CORE_PATTERN": "host-core-pattern",
    "CE_VAR_LOG_SYMLINK": "host-log-link",
    "CONTAINER_ATTACH": "pod-container",
    "ENDPOINT_EXPLOIT": "endpoint-exploit",
    "EXPLOIT_CONTAINERD_SOCK": "host-runtime-socket",
    "EXPLOIT_HOST_READ": "host-read",
    "EXPLOIT_HOST_TRAVERSE": "host-pod-tokens",
    "EXPLOIT_HOST_WRITE": "host-write",
    "IDENTITY_ASSUME": "runs-as",
    "IDENTITY_IMPERSONATE": "impersonate-user",
    "PERMISSION_DISCOVER": "all-rights",
    "POD_ATTACH": "node-pod",
    "POD_CREATE": "pod-create",
    "POD_EXEC": "pod-exec",
    "POD_PATCH": "pod-update",
    "ROLE_BIND": "bind-cluster-role",
    "SHARE_PS_NAMESPACE": "shared-processes",
    "TOKEN_BRUTEFORCE": "secret-get",
    "TOKEN_LIST": "secret-list",
    "TOKEN_STEAL": "projected-token",
    "VOLUME_ACCESS": "node-volume",
    "VOLUME_DISCOVER": "mounted-volume",
}


def test_the_catalogue_has_the_kinds_of_the_best_public_tool_and_more():
    ours = {each.id for each in POWERS} | STRUCTURE.keys()
    assert set(PUBLIC.values()) <= ours
    assert len(PUBLIC) == 26
    assert len(ours) >= 100
    for kind in ours:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind)
