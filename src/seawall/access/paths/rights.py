"""Edges from rights: what each subject's bindings open, asked of the engine that decides (docs/adr/0602)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.access.attributes import Attributes, User
from seawall.access.names import split_service_account
from seawall.access.paths.catalogue import POWERS, STRUCTURE, Need, Power
from seawall.access.paths.estate import groups_of, subjects
from seawall.access.paths.graph import ADMIN, AttackGraph, Node
from seawall.access.rbac.compiled import keys_of
from seawall.access.rbac.matching import rule_allows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.access.rbac.index import Holding
    from seawall.access.rbac.model import Role
    from seawall.access.world import AccessWorld

NAMED_ONLY = ("hold-role", "widen-role")
FRESH = "seawall-any-other"
"""A word that stands in no rule: what it may do, everything may do."""


def node_of_user(name: str) -> Node:
    """Return the graph's node of a user name: a service account is written ns/name."""
    account = split_service_account(name)
    return ("ServiceAccount", f"{account[0]}/{account[1]}") if account else ("User", name)


def capability(opens: str, namespace: str) -> Node:
    """Return the node of a capability in a namespace, "" for the whole cluster."""
    return ADMIN if opens == "cluster-admin" else ("cap", f"{opens}/{namespace}")


def add_rights(graph: AttackGraph, world: AccessWorld, *, azure: bool) -> None:
    """Add what the bindings of every subject open, in the cluster and in each namespace where it holds any.

    `azure`: Azure RBAC decides too, so that powers count which open something there only.
    """
    powers = [power for power in POWERS if azure or not power.azure_only]
    for kind, name in sorted(subjects(world)):
        _Subject(graph, world, kind, name).add(powers)


class _Subject:
    """One subject: a user with the groups that it is in by itself, so that rights of both count together; or a group."""

    def __init__(self, graph: AttackGraph, world: AccessWorld, kind: str, name: str) -> None:
        self.graph, self.world = graph, world
        self.user = User(name, groups_of(name)) if kind == "User" else User("", (name,))
        self.source: Node = node_of_user(name) if kind == "User" else ("Group", name)
        self.own = User(name) if kind == "User" else self.user
        self._named_own: set[str] | None = None

    def add(self, powers: list[Power]) -> None:
        spaces = [""]
        for namespace, scope in self.world.rbac.namespaces.items():
            if self.own.name in scope.users or any(group in scope.groups for group in self.user.groups):
                spaces.append(namespace)
        done: set[str] = set()
        for namespace in spaces:
            everything = Attributes(self.own, FRESH, namespace, FRESH, "*", FRESH, "", FRESH)
            target = capability("own-namespace", namespace) if namespace else ADMIN
            for binding in self._allowing(everything):
                self._edge(target, "all-rights", STRUCTURE["all-rights"], binding)
            for power in powers:
                if (power.cluster_only and namespace) or power.id in done:
                    continue
                if self._power(power, namespace) and not namespace:
                    done.add(power.id)

    def _edge(self, target: Node, kind: str, why: str, binding: str) -> None:
        self.graph.add(self.source, target, kind, why, binding)

    def _power(self, power: Power, namespace: str) -> bool:
        if power.aggregated and not self._holds_aggregated():
            return False
        found = [self._bindings_for(need, namespace, "") for need in power.needs]
        if all(found):
            if power.opens in NAMED_ONLY:
                return True  # without a name the right is that of another power
            # What a group holds alone is the group's edge; here what the subject itself adds to it.
            if not any(self._is_own(binding) for each in found for binding in each):
                return True
            # Each binding that gives one need makes an edge of its own: to cut is to cut them all. Any need will do,
            # so the one that fewest bindings give is taken.
            for binding in min(found, key=len):
                self._edge(capability(power.opens, namespace), power.id, power.why, binding)
            return True
        if power.named:
            self._named(power, namespace)
        return False

    def _is_own(self, binding: str) -> bool:
        return binding in self._own_bindings()

    def _own_bindings(self) -> set[str]:
        if self._named_own is None:
            scopes = [self.world.rbac.cluster, *self.world.rbac.namespaces.values()]
            self._named_own = {
                binding_name(binding)
                for scope in scopes
                for holding in scope.of(self.own)
                for _, binding in holding.pairs
            }
        return self._named_own

    def _holds_aggregated(self) -> bool:
        return any(role is not None and role.selectors for _, role in self.world.rbac.applying(self.user, ""))

    def _named(self, power: Power, namespace: str) -> None:
        """Add edges for rights that are held for some names only (resourceNames)."""
        need = power.needs[0]
        if not all(self._bindings_for(each, namespace, "") for each in power.needs[1:]):
            return
        rules, _ = self.world.rbac.rules_for(self.user, namespace)
        names = {
            name
            for rule in rules
            for name in rule.names
            if any(verb in rule.verbs for verb in (*need.verbs, "*"))
        }
        for name in sorted(names):
            for binding in self._bindings_for(need, namespace, name):
                for target in self._targets(power.opens, namespace, name):
                    self._edge(target, power.id, power.why, binding)

    def _targets(self, opens: str, namespace: str, name: str) -> list[Node]:
        if opens == "be-users":
            return [node_of_user(name)]
        if opens == "be-groups":
            return [("Group", name)]
        if opens == "be-accounts":
            return [("ServiceAccount", f"{namespace}/{name}") if namespace else ("name", f"account/{name}")]
        if opens == "hold-role":
            role = self.world.rbac.cluster_roles.get(name)
            return [] if role is None else [add_role(self.graph, role, namespace)]
        if opens == "widen-role":
            # Every right comes to whoever holds the role: to this subject, if it does.
            held = self.world.rbac.applying(self.user, namespace)
            mine = any(role is not None and not role.namespace and role.name == name for _, role in held)
            return [capability("own-namespace", namespace) if namespace else ADMIN] if mine else []
        return [("secret", f"{namespace}/{name}") if namespace else ("name", f"secret/{name}")]

    def _bindings_for(self, need: Need, namespace: str, name: str) -> list[str]:
        resource, _, below = need.resource.partition("/")
        for verb in need.verbs:
            found = self._allowing(
                Attributes(self.user, verb, namespace, need.group, "*", resource, below, name)
            )
            if found:
                return found
        return []

    def _allowing(self, asked: Attributes) -> list[str]:
        """Return every binding of the subject's that allows a request."""
        keys = keys_of(asked.group, asked.resource, asked.subresource)
        found: list[str] = []
        for scope in self.world.rbac.scopes(asked.namespace):
            for holding in scope.of(asked.user):
                found += _matching(holding, keys, asked)
        return found


def _matching(holding: Holding, keys: list[tuple[str, str]], asked: Attributes) -> Iterator[str]:
    for role, binding in holding.pairs:
        if role.find(keys, asked.verb, asked.name) is not None:
            yield binding_name(binding)


def binding_name(binding: object) -> str:
    """Write a binding as paths show it: `RoleBinding/ns/name`, `ClusterRoleBinding//name`."""
    kind, namespace, name = (getattr(binding, key) for key in ("kind", "namespace", "name"))
    return f"{kind}/{namespace}/{name}"


def add_role(graph: AttackGraph, role: Role, namespace: str) -> Node:
    """Add what a role opens to whoever is bound to it, in a namespace or everywhere; return its node."""
    node: Node = ("role", f"{role.kind}/{role.name}@{namespace}")
    if node in graph.edges:
        return node

    def allows(verb: str, group: str, resource: str, name: str = "") -> bool:
        plain, _, below = resource.partition("/")
        asked = Attributes(User(), verb, namespace, group, "*", plain, below, name)
        return any(rule_allows(rule, asked) for rule in role.rules)

    why = STRUCTURE["role-opens"]
    if allows(FRESH, FRESH, FRESH, FRESH):
        graph.add(node, capability("own-namespace", namespace) if namespace else ADMIN, "role-opens", why)
    for power in POWERS:
        if power.azure_only or power.aggregated or (power.cluster_only and namespace):
            continue
        if power.opens not in NAMED_ONLY and all(
            any(allows(verb, need.group, need.resource) for verb in need.verbs) for need in power.needs
        ):
            graph.add(node, capability(power.opens, namespace), "role-opens", f"{why}: {power.why}")
    return node
