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


def _power(
    identity: str,
    opens: str,
    why: str,
    *needs: tuple[tuple[str, ...], str, str],
    named: bool = False,
    cluster_only: bool = False,
    aggregated: bool = False,
) -> Power:
    made = tuple(Need(*need) for need in needs)
    return Power(identity, made, opens, why, named, cluster_only, aggregated)


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
    "runs-as": "the pod holds a token of its service account",
    "pod-privileged": "a privileged container owns its node",
    "pod-host-pid": "the node's processes are seen and entered",
    "pod-host-path": "a path of the node is mounted",
    "pod-sys-admin": "the capability leads out of the container",
    "any-node": "every node is meant",
    "node-token": "the kubelet gets tokens of the pods on its node",
    "node-secret": "the kubelet reads what its pods name",
    "node-user": "the kubelet's own user",
    "secret-value": "the secret is read",
    "token-in-secret": "the secret holds a token of the service account",
    "owns-accounts": "every right in the namespace opens its service accounts",
    "owns-secrets": "every right in the namespace opens its secrets",
    "admin-everything": "cluster-admin opens everything",
    "workload-identity": "the service account's token is exchanged for one of the Azure identity",
    "azure-admin-credential": "the cluster's admin certificate is handed out",
    "azure-run-command": "a command runs in the cluster with admin rights",
    "azure-cluster-write": "every setting of the cluster can be undone",
    "azure-role-assignment": "any Azure role is assigned to oneself",
    "azure-all-data-actions": "every request is allowed by Azure RBAC",
}
"""The kinds of edges that do not come from one right, and why they hold."""
