"""How people write a resource: `pods`, `deployments.apps/scale`, `/healthz`."""

from __future__ import annotations

from typing import Final

from seawall.access.attributes import Attributes, User
from seawall.access.names import service_account_groups, split_service_account

GROUPS: Final = {
    resource: group
    for group, resources in {
        "apps": "deployments daemonsets statefulsets replicasets controllerrevisions",
        "batch": "jobs cronjobs",
        "autoscaling": "horizontalpodautoscalers",
        "networking.k8s.io": "ingresses ingressclasses networkpolicies",
        "policy": "poddisruptionbudgets",
        "rbac.authorization.k8s.io": "roles clusterroles rolebindings clusterrolebindings",
        "storage.k8s.io": "storageclasses volumeattachments csidrivers csinodes",
        "certificates.k8s.io": "certificatesigningrequests",
        "coordination.k8s.io": "leases",
        "discovery.k8s.io": "endpointslices",
        "apiextensions.k8s.io": "customresourcedefinitions",
        "apiregistration.k8s.io": "apiservices",
        "admissionregistration.k8s.io": (
            "mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies "
            "validatingadmissionpolicybindings"
        ),
        "scheduling.k8s.io": "priorityclasses",
        "authentication.k8s.io": "tokenreviews uids userextras",
        "authorization.k8s.io": "subjectaccessreviews localsubjectaccessreviews",
        "node.k8s.io": "runtimeclasses",
    }.items()
    for resource in resources.split()
}
"""The API group of resources of Kubernetes 1.34 that are not in the core group."""


def parse_question(verb: str, what: str, user: User, namespace: str = "", name: str = "") -> Attributes:
    """Make a request of what a person wrote; without a group, Kubernetes' own group of the resource is taken."""
    if what.startswith("/"):
        return Attributes(user, verb, path=what, is_resource=False)
    full, _, subresource = what.partition("/")
    resource, dot, group = full.partition(".")
    if not dot:
        group = GROUPS.get(resource, "")
    return Attributes(user, verb, namespace, group, "*", resource, subresource, name)


def person(name: str, groups: tuple[str, ...] = ()) -> User:
    """Return a user with the groups that the server adds by itself (specs b1.9)."""
    account = split_service_account(name)
    added = service_account_groups(account[0]) if account else ()
    if name == "system:anonymous":
        return User(name, tuple(dict.fromkeys((*groups, "system:unauthenticated"))))
    return User(name, tuple(dict.fromkeys((*groups, *added, "system:authenticated"))))
