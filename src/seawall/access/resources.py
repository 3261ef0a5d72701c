"""How people write a resource: `pods`, `deployments.apps/scale`, `/healthz`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seawall.access.attributes import Attributes, User
from seawall.access.names import service_account_groups, split_service_account

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.rbac.model import Rule

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


CORE: Final = frozenset(
    [
        "bindings",
        "componentstatuses",
        "configmaps",
        "endpoints",
        "events",
        "limitranges",
        "namespaces",
        "nodes",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "serviceaccounts",
        "services",
        "users",
        "groups",
    ]
)
"""Resources of the core group, and the two that impersonation speaks of."""

OTHER_GROUPS: Final = frozenset(
    (
        "events.k8s.io",
        "metrics.k8s.io",
        "custom.metrics.k8s.io",
        "external.metrics.k8s.io",
        "resource.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "storagemigration.k8s.io",
        "extensions",
    )
)
"""Further groups of Kubernetes' own."""


def group_of(resource: str, rules: Iterable[Rule]) -> tuple[str, str]:
    """Return the plural and the group of a resource written without one.

    Kubernetes' own resources first (`pod` is taken for `pods`); else the one group that the rules of a world name
    along with it; else the core group.
    """
    for plural in (resource, f"{resource}s"):
        if plural in CORE:
            return plural, ""
        if plural in GROUPS:
            return plural, GROUPS[plural]
    every = list(rules)
    named = {group for rule in every if resource in rule.resources for group in rule.groups} - {"", "*"}
    if not named:
        # A rule over all resources of one foreign group: the resource can only be one of them.
        named = {group for rule in every if "*" in rule.resources for group in rule.groups} - {"", "*"}
        named -= set(GROUPS.values()) | OTHER_GROUPS
    return resource, named.pop() if len(named) == 1 else ""


def parse_question(
    verb: str,
    what: str,
    user: User,
    namespace: str = "",
    name: str = "",
    rules: Iterable[Rule] = (),
) -> Attributes:
    """Make a request of what a person wrote; `rules` help to find the group where none is written."""
    if what.startswith("/"):
        return Attributes(user, verb, path=what, is_resource=False)
    full, _, subresource = what.partition("/")
    resource, dot, group = full.partition(".")
    if not dot:
        resource, group = group_of(resource, rules)
    return Attributes(user, verb, namespace, group, "*", resource, subresource, name)


def person(name: str, groups: tuple[str, ...] = ()) -> User:
    """Return a user with the groups that the server adds by itself (specs b1.9)."""
    account = split_service_account(name)
    added = service_account_groups(account[0]) if account else ()
    if name == "system:anonymous":
        return User(name, tuple(dict.fromkeys((*groups, "system:unauthenticated"))))
    return User(name, tuple(dict.fromkeys((*groups, *added, "system:authenticated"))))
