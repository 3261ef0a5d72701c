"""The authorizer behind CEL's `authorizer`: the RBAC objects of the world, and system:masters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.library.authz import Decision, User
from seawall.policy.admission.world import World, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
_GROUP = "rbac.authorization.k8s.io"


class Rbac:
    """Answers access questions from roles and bindings (plugin/pkg/auth/authorizer/rbac)."""

    def __init__(self, world: World) -> None:
        self.cluster_bindings = world.kind(_GROUP, "ClusterRoleBinding")
        self.bindings = world.kind(_GROUP, "RoleBinding")
        self.cluster_roles = {name_of(role): role for role in world.kind(_GROUP, "ClusterRole")}
        self.roles = {(namespace_of(role), name_of(role)): role for role in world.kind(_GROUP, "Role")}

    def __call__(self, user: User, asked: Json) -> Decision:
        """Decide one question; keys are those of CEL's builder, plus `verb`."""
        if "system:masters" in user.groups:
            return Decision(allowed=True)
        allowed = any(_covers(rule, asked) for rule in self._rules(user, str(asked.get("namespace") or "")))
        return Decision(allowed=allowed)

    def _rules(self, user: User, namespace: str) -> Iterator[Json]:
        for binding in self.cluster_bindings:
            if _names(binding, user, ""):
                role = self.cluster_roles.get(str((binding.get("roleRef") or {}).get("name")), {})
                yield from role.get("rules") or ()
        for binding in self.bindings if namespace else ():
            where = namespace_of(binding)
            if where == namespace and _names(binding, user, where):
                reference = binding.get("roleRef") or {}
                name = str(reference.get("name"))
                found = (
                    self.roles.get((where, name))
                    if reference.get("kind") == "Role"
                    else self.cluster_roles.get(name)
                )
                yield from (found or {}).get("rules") or ()


def _names(binding: Json, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        name = subject.get("name")
        match subject.get("kind"):
            case "User" if name == user.name:
                return True
            case "Group" if name in user.groups:
                return True
            case "ServiceAccount":
                where = subject.get("namespace") or namespace
                if where and user.name == f"system:serviceaccount:{where}:{name}":
                    return True
    return False


def _covers(rule: Json, asked: Json) -> bool:
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and asked["verb"] not in verbs:
        return False
    if "path" in asked:
        path = asked["path"]
        return any(
            url in {"*", path} or (url.endswith("*") and path.startswith(url.rstrip("*")))
            for url in rule.get("nonResourceURLs") or ()
        )
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    resource, subresource = asked.get("resource") or "", asked.get("subresource") or ""
    whole = f"{resource}/{subresource}" if subresource else resource
    if "*" not in groups and (asked.get("group") or "") not in groups:
        return False
    if not any(each in {"*", whole} or (subresource and each == f"*/{subresource}") for each in resources):
        return False
    names = rule.get("resourceNames") or ()
    return not names or (asked.get("name") or "") in names
