"""What a permission lets its holder become: the kinds of edges that come from rights (facts).

Compiled from the documentation of RBAC good practices (kubernetes.io), KEP-4006, KEP-5284, kubernetes#136550 and the
lists of public tools named in specs/access.md (a); every effect is stated in our words. All needs must be held.
"""

from __future__ import annotations

from typing import Final

import msgspec

RBAC: Final = "rbac.authorization.k8s.io"
CERTIFICATES: Final = "certificates.k8s.io"
ADMISSION: Final = "admissionregistration.k8s.io"
WRITE: Final = ("create", "update", "patch")
CHANGE: Final = ("update", "patch")


class Need(msgspec.Struct, frozen=True):
    """One permission: any of the verbs on a resource."""

    verbs: tuple[str, ...]
    group: str
    resource: str


class Power(msgspec.Struct, frozen=True):
    """An edge kind: what is needed, what it opens (a capability), whether names narrow it, and why.

    `named`: resourceNames on the first need lead to just these objects. `aggregated`: only for who holds a cluster
    role that others are aggregated into.
    """

    id: str
    needs: tuple[Need, ...]
    opens: str
    why: str
    named: bool = False
    cluster_only: bool = False
    aggregated: bool = False
    azure_only: bool = False
    """It opens something in Azure RBAC only, and nothing where that is off."""


def _power(
    identity: str,
    opens: str,
    why: str,
    *needs: tuple[tuple[str, ...], str, str],
    named: bool = False,
    cluster_only: bool = False,
    aggregated: bool = False,
    azure_only: bool = False,
) -> Power:
    made = tuple(Need(*need) for need in needs)
    return Power(identity, made, opens, why, named, cluster_only, aggregated, azure_only)


def _workload(identity: str, group: str, resource: str) -> Power:
    why = f"writing {resource} starts pods with any service account of the namespace"
    return _power(identity, "run-pods", why, (WRITE, group, resource))


POWERS: tuple[Power, ...] = (
    _power("pod-create", "run-pods", "a new pod runs as any service account", (("create",), "", "pods")),
    _workload("deployment-write", "apps", "deployments"),
    _workload("daemonset-write", "apps", "daemonsets"),
    _workload("statefulset-write", "apps", "statefulsets"),
    _workload("replicaset-write", "apps", "replicasets"),
    _workload("replicationcontroller-write", "", "replicationcontrollers"),
    _workload("job-write", "batch", "jobs"),
    _workload("cronjob-write", "batch", "cronjobs"),
    _power("pod-update", "enter-pods", "another image runs in a running pod", (CHANGE, "", "pods")),
    _power("pod-exec", "enter-pods", "commands run in the pods", (("create", "get"), "", "pods/exec")),
    _power(
        "pod-attach", "enter-pods", "input reaches a running process", (("create", "get"), "", "pods/attach")
    ),
    _power(
        "pod-ephemeral-containers",
        "enter-pods",
        "a container is added to running pods",
        (CHANGE, "", "pods/ephemeralcontainers"),
    ),
    _power("secret-get", "read-secrets", "secrets are read", (("get",), "", "secrets"), named=True),
    _power("secret-list", "read-secrets", "a list returns contents", (("list",), "", "secrets")),
    _power("secret-watch", "read-secrets", "a watch returns contents", (("watch",), "", "secrets")),
    _power(
        "secret-token",
        "be-accounts",
        "a token secret of a service account is made and read back",
        (("create",), "", "secrets"),
        (("get", "list", "watch"), "", "secrets"),
    ),
    _power(
        "token-request",
        "be-accounts",
        "a token of the service account is issued",
        (("create",), "", "serviceaccounts/token"),
        named=True,
    ),
    _power(
        "impersonate-service-account",
        "be-accounts",
        "requests run as the service account",
        (("impersonate",), "", "serviceaccounts"),
        named=True,
    ),
    _power(
        "impersonate-user",
        "be-users",
        "requests run as the user",
        (("impersonate",), "", "users"),
        named=True,
        cluster_only=True,
    ),
    _power(
        "impersonate-group",
        "cluster-admin",
        "requests run in system:masters (a user is named along with it)",
        (("impersonate",), "", "groups"),
        (("impersonate",), "", "users"),
        cluster_only=True,
    ),
    _power(
        "impersonate-group-as-account",
        "cluster-admin",
        "requests run in system:masters (a service account is named along with it)",
        (("impersonate",), "", "groups"),
        (("impersonate",), "", "serviceaccounts"),
        cluster_only=True,
    ),
    _power(
        "impersonate-named-group",
        "be-groups",
        "requests run in the group (a user is named along with it)",
        (("impersonate",), "", "groups"),
        (("impersonate",), "", "users"),
        named=True,
        cluster_only=True,
    ),
    _power(
        "escalate-cluster-role",
        "cluster-admin",
        "a cluster role that the holder has is given every right",
        (("escalate",), RBAC, "clusterroles"),
        (CHANGE, RBAC, "clusterroles"),
        cluster_only=True,
    ),
    _power(
        "bind-named-cluster-role",
        "hold-role",
        "the cluster role is bound for the whole cluster",
        (("bind",), RBAC, "clusterroles"),
        (WRITE, RBAC, "clusterrolebindings"),
        named=True,
        cluster_only=True,
    ),
    _power(
        "bind-named-role-in-namespace",
        "hold-role",
        "the cluster role is bound in the namespace",
        (("bind",), RBAC, "clusterroles"),
        (WRITE, RBAC, "rolebindings"),
        named=True,
    ),
    _power(
        "escalate-named-cluster-role",
        "widen-role",
        "the cluster role, which the holder has, is given every right",
        (("escalate",), RBAC, "clusterroles"),
        (CHANGE, RBAC, "clusterroles"),
        named=True,
        cluster_only=True,
    ),
    _power(
        "aggregate-cluster-role",
        "cluster-admin",
        "a new cluster role with an aggregation label adds rights to an aggregated one",
        (("escalate",), RBAC, "clusterroles"),
        (("create",), RBAC, "clusterroles"),
        cluster_only=True,
        aggregated=True,
    ),
    _power(
        "bind-cluster-role",
        "cluster-admin",
        "any cluster role is bound for the whole cluster",
        (("bind",), RBAC, "clusterroles"),
        (("create",), RBAC, "clusterrolebindings"),
        cluster_only=True,
    ),
    _power(
        "change-cluster-binding",
        "cluster-admin",
        "a subject is added to a binding of cluster-admin",
        (("bind",), RBAC, "clusterroles"),
        (CHANGE, RBAC, "clusterrolebindings"),
        cluster_only=True,
    ),
    _power(
        "escalate-role",
        "own-namespace",
        "a role of the namespace is given every right",
        (("escalate",), RBAC, "roles"),
        (CHANGE, RBAC, "roles"),
    ),
    _power(
        "bind-in-namespace",
        "own-namespace",
        "any role is bound in the namespace",
        (("bind",), RBAC, "clusterroles"),
        (WRITE, RBAC, "rolebindings"),
    ),
    _power(
        "csr-approve",
        "be-users",
        "a certificate of any user is asked for and approved",
        (("create",), CERTIFICATES, "certificatesigningrequests"),
        (CHANGE, CERTIFICATES, "certificatesigningrequests/approval"),
        (("approve",), CERTIFICATES, "signers"),
        cluster_only=True,
    ),
    _power(
        "csr-sign",
        "be-users",
        "a certificate of any user is signed",
        (CHANGE, CERTIFICATES, "certificatesigningrequests/status"),
        (("sign",), CERTIFICATES, "signers"),
        cluster_only=True,
    ),
    _power(
        "webhook-mutating",
        "cluster-admin",
        "every object that is written passes through the webhook, roles and pods too",
        (WRITE, ADMISSION, "mutatingwebhookconfigurations"),
        cluster_only=True,
    ),
    _power(
        "webhook-validating",
        "read-secrets",
        "every secret that is written passes through the webhook",
        (WRITE, ADMISSION, "validatingwebhookconfigurations"),
        cluster_only=True,
    ),
    _power(
        "policy-mutating",
        "cluster-admin",
        "every object that is written is changed by the policy",
        (WRITE, ADMISSION, "mutatingadmissionpolicies"),
        (WRITE, ADMISSION, "mutatingadmissionpolicybindings"),
        cluster_only=True,
    ),
    _power(
        "apiservice-write",
        "cluster-admin",
        "requests for a whole API group are answered by a server of the holder's",
        (WRITE, "apiregistration.k8s.io", "apiservices"),
        cluster_only=True,
    ),
    _power(
        "node-proxy",
        "own-nodes",
        "the kubelet runs commands in every pod; a websocket makes it a get",
        (("get", "create"), "", "nodes/proxy"),
        cluster_only=True,
    ),
    _power(
        "persistent-volume-host-path",
        "own-nodes",
        "a volume of the node's own disk is made and mounted; admission of pods does not see it",
        (("create",), "", "persistentvolumes"),
        (("create",), "", "persistentvolumeclaims"),
        (("create",), "", "pods"),
    ),
    _power(
        "service-account-create",
        "make-accounts",
        "an account is made by a name that an Azure identity trusts, and its token is had",
        (("create",), "", "serviceaccounts"),
        (("create",), "", "serviceaccounts/token"),
    ),
    _power(
        "service-account-create-for-pod",
        "make-accounts",
        "an account is made by a name that an Azure identity trusts, and a pod runs as it",
        (("create",), "", "serviceaccounts"),
        (("create",), "", "pods"),
    ),
    _power(
        "impersonate-entra",
        "be-entra",
        "the object id in the user's extra is free to choose: Azure RBAC asks for nothing else",
        (("impersonate",), "authentication.k8s.io", "userextras/oid"),
        (("impersonate",), "", "users"),
        cluster_only=True,
        azure_only=True,
    ),
    _power(
        "impersonate-entra-as-account",
        "be-entra",
        "the object id in the user's extra is free to choose (a service account is named along with it)",
        (("impersonate",), "authentication.k8s.io", "userextras/oid"),
        (("impersonate",), "", "serviceaccounts"),
        cluster_only=True,
        azure_only=True,
    ),
    _power(
        "custom-resource-conversion",
        "read-custom-resources",
        "every custom resource that is read passes through the conversion webhook",
        (WRITE, "apiextensions.k8s.io", "customresourcedefinitions"),
        cluster_only=True,
    ),
    _power(
        "namespace-relabel",
        "own-nodes",
        "the label that holds pods back is taken off, then a privileged pod is started",
        (CHANGE, "", "namespaces"),
        (("create",), "", "pods"),
    ),
)

STRUCTURE: dict[str, str] = {
    "member-of": "the server adds every such subject to the group",
    "all-rights": "a rule with stars on everything",
    "masters": "system:masters passes every authorizer",
    "everywhere": "what holds in the cluster holds in each namespace",
    "any-account": "a pod of the namespace may run as it",
    "any-user": "the name is free to choose",
    "unrestricted-namespace": "no Pod Security label keeps privileged pods out",
    "enters-pod": "the pod is in the namespace",
    "pod-container": "commands may run in each of its containers",
    "shared-processes": "containers of the pod see each other's processes and files",
    "runs-as": "the container holds a token of the pod's service account",
    "projected-token": "a volume of the container holds a token of the service account",
    "mounted-secret": "the container has the secret in a file or in its environment",
    "mounted-volume": "the container has the volume",
    "container-privileged-mount": "a privileged container mounts the disk of its node",
    "container-module-load": "a module is loaded into the node's kernel",
    "container-enter-node": "the node's processes are seen and their namespaces entered",
    "container-trace": "a process of the node is traced and made to run code",
    "container-sys-admin": "the capability leads out of the container",
    "container-read-search": "the capability opens files of the node's disk by their numbers",
    "host-runtime-socket": "the container runtime of the node starts any container",
    "host-write": "programs or settings of the node are changed",
    "host-read": "keys and credentials of the node are read",
    "host-core-pattern": "the node's kernel runs a program of the container's when one crashes",
    "host-log-link": "a link among the logs lets the kubelet read any file of the node",
    "host-pod-tokens": "the tokens of all pods of the node lie below the path",
    "volume-on-node": "the volume is a path of the node's own disk",
    "node-volume": "the kubelet mounts the volume",
    "node-pod": "the container runtime of the node runs commands in its pods",
    "exposed": "it is reached from outside the cluster",
    "endpoint-exploit": "a flaw of the program that listens (none is known; that it can be reached is)",
    "any-node": "every node is meant",
    "node-token": "the kubelet gets tokens of the pods on its node",
    "node-secret": "the kubelet reads what its pods name",
    "node-user": "the kubelet's own user",
    "secret-value": "the secret is read",
    "token-in-secret": "the secret holds a token of the service account",
    "owns-accounts": "every right in the namespace opens its service accounts",
    "made-account": "an account of this name can be made",
    "role-opens": "whoever is bound to the role",
    "owns-secrets": "every right in the namespace opens its secrets",
    "admin-everything": "cluster-admin opens everything",
    "workload-identity": "the service account's token is exchanged for one of the Azure identity",
    "federated-credential": "the Azure identity trusts tokens of the service account",
    "instance-metadata": "the node's metadata service gives tokens of the kubelet's Azure identity to every pod",
    "entra-member": "a member of the group",
    "entra-group": "the group's object id is a subject of bindings",
    "entra-user": "the object id is a subject of bindings",
    "any-entra": "the object id is free to choose",
    "azure-admin-credential": "the cluster's admin certificate is handed out",
    "azure-user-credential": "without Entra the user certificate is an admin's",
    "azure-access-profile": "the cluster's admin certificate is handed out",
    "azure-run-command": "a command runs in the cluster with admin rights",
    "azure-cluster-write": "every setting of the cluster can be undone",
    "azure-role-assignment": "any Azure role is assigned to oneself",
    "azure-role-definition": "a role that is assigned to oneself is given every action",
    "azure-node-command": "a command runs on the nodes' machines",
    "azure-node-write": "the nodes' machines are given a program to start with",
    "azure-federation": "the identity is made to trust any workload",
    "azure-all-data-actions": "every request is allowed by Azure RBAC",
}
"""The kinds of edges that do not come from one right, and why they hold."""
