"""All roles and bindings of a world, compiled for deciding (specs b1).

A binding lies under its scope ("" or a namespace) and under each subject's name. A decision looks up the user
and the groups in the two scopes and probes the roles found there by hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from seawall.access.rbac.aggregation import aggregate
from seawall.access.rbac.compiled import CompiledRole, Key, keys_of
from seawall.access.text import aggregate as join_errors
from seawall.access.text import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.access.attributes import Attributes, User
    from seawall.access.rbac.model import Binding, Role, Rule


class Match(NamedTuple):
    """The rule that allows: the binding that applies, its role, and the rule's place in it."""

    binding: Binding
    role: Role
    place: int

    @property
    def rule(self) -> Rule:
        """The rule itself."""
        return self.role.rules[self.place]


class Holding:
    """What one subject holds in one scope: compiled roles with their bindings, and bindings to nowhere."""

    __slots__ = ("known", "missing", "pairs")

    def __init__(self) -> None:
        self.pairs: list[tuple[CompiledRole, Binding]] = []
        self.missing: list[Binding] = []
        self.known: dict[Key, list[tuple[CompiledRole, Binding]]] | None = None

    def find(self, keys: list[Key], verb: str, name: str) -> Match | None:
        """Return what allows a resource request here, or None."""
        pairs = self.pairs
        if len(pairs) > MANY:
            pairs = self._speaking(keys)
        for role, binding in pairs:
            index = role.find(keys, verb, name)
            if index is not None:
                return Match(binding, role.role, index)
        return None

    def _speaking(self, keys: list[Key]) -> list[tuple[CompiledRole, Binding]]:
        """Return the pairs whose role has a rule for one of the keys: a subject may have thousands of bindings."""
        if self.known is None:
            known: dict[Key, list[tuple[CompiledRole, Binding]]] = {}
            for pair in self.pairs:
                for key in pair[0].cells:
                    known.setdefault(key, []).append(pair)
                if pair[0].wide:
                    known.setdefault(EVERY, []).append(pair)
            self.known = known
        return [pair for key in (*keys, EVERY) for pair in self.known.get(key, ())]


MANY = 8
EVERY: Key = ("", "")
"""No rule is filed under an empty resource by this key: API groups may be empty, resources are named."""


class Scope:
    """The holdings in one scope, by user and by group."""

    __slots__ = ("groups", "users")

    def __init__(self) -> None:
        self.users: dict[str, Holding] = {}
        self.groups: dict[str, Holding] = {}

    def of(self, user: User) -> Iterator[Holding]:
        """Yield what a user holds here, by name and by group."""
        holding = self.users.get(user.name)
        if holding is not None:
            yield holding
        for group in user.groups:
            holding = self.groups.get(group)
            if holding is not None:
                yield holding


class _Reverse:
    """From what a rule speaks of to the roles that do, and from a role to its bindings; made when first asked for."""

    __slots__ = ("_by_key", "_by_role", "_urls", "_wide")

    def __init__(self) -> None:
        self._by_role: dict[int, tuple[CompiledRole, list[tuple[int, Binding]]]] = {}
        self._by_key: dict[Key, list[int]] = {}
        self._wide: list[int] = []
        self._urls: list[int] = []

    def add(self, compiled: CompiledRole, place: int, binding: Binding) -> None:
        known = self._by_role.get(id(compiled))
        if known is None:
            known = self._by_role[id(compiled)] = (compiled, [])
            for key in compiled.cells:
                self._by_key.setdefault(key, []).append(id(compiled))
            if compiled.wide:
                self._wide.append(id(compiled))
            if compiled.urls:
                self._urls.append(id(compiled))
        known[1].append((place, binding))

    def speaking(self, keys: list[Key] | None) -> list[tuple[CompiledRole, list[tuple[int, Binding]]]]:
        """Return the roles that have a rule under one of the keys, or one for URLs where there are none."""
        if keys is None:
            return [self._by_role[each] for each in self._urls]
        found = dict.fromkeys(each for key in keys for each in self._by_key.get(key, ()))
        return [self._by_role[each] for each in (found | dict.fromkeys(self._wide))]


class RbacIndex:
    """The RBAC authorizer over one world. Immutable to the outside; `with_binding` gives a changed one."""

    def __init__(self, roles: Iterable[Role], bindings: Iterable[Binding]) -> None:
        every = list(roles)
        self.cluster_roles = aggregate({role.name: role for role in every if not role.namespace})
        self.roles = {(role.namespace, role.name): role for role in every if role.namespace}
        self._compiled: dict[tuple[str, str], CompiledRole] = {}
        self._reversed: _Reverse | None = None
        self.bindings = list(bindings)
        self.cluster = Scope()
        self.namespaces: dict[str, Scope] = {}
        for binding in self.bindings:
            self._place(binding)

    def role_of(self, binding: Binding) -> Role | None:
        """Return the role that a binding refers to, or None where it points nowhere.

        A ClusterRoleBinding's Role is looked for in namespace "" and so never found (specs b1.7).
        """
        if binding.role_kind == "ClusterRole":
            return self.cluster_roles.get(binding.role_name)
        if binding.role_kind == "Role":
            return self.roles.get((binding.namespace, binding.role_name))
        return None

    def compiled(self, role: Role) -> CompiledRole:
        """Return a role compiled, once."""
        key = (role.namespace, role.name)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = CompiledRole(role)
        return found

    def _place(self, binding: Binding) -> None:
        scope = self.cluster
        if binding.namespace:
            scope = self.namespaces.setdefault(binding.namespace, Scope())
        role = self.role_of(binding)
        seen = set()
        for subject in binding.subjects:
            key = binding.subject_key(subject)
            if key is None or key in seen:
                continue
            seen.add(key)
            holdings = scope.users if key[0] == "User" else scope.groups
            holding = holdings.get(key[1])
            if holding is None:
                holding = holdings[key[1]] = Holding()
            if role is None:
                holding.missing.append(binding)
            else:
                holding.pairs.append((self.compiled(role), binding))
                holding.known = None

    def scopes(self, namespace: str) -> list[Scope]:
        """Return the scopes that count in a namespace: the cluster first, as the API server visits them."""
        local = self.namespaces.get(namespace) if namespace else None
        return [self.cluster] if local is None else [self.cluster, local]

    def find(self, asked: Attributes) -> Match | None:
        """Return the rule that allows the request, or None: RBAC never denies (specs b1.8)."""
        user, verb, name = asked.user, asked.verb, asked.name
        if not asked.is_resource:
            return self._find_url(asked)
        keys = keys_of(asked.group, asked.resource, asked.subresource)
        scope: Scope | None = self.cluster
        while scope is not None:
            holding = scope.users.get(user.name)
            if holding is not None:
                match = holding.find(keys, verb, name)
                if match is not None:
                    return match
            groups = scope.groups
            for group in user.groups:
                if group in groups:
                    match = groups[group].find(keys, verb, name)
                    if match is not None:
                        return match
            if scope is not self.cluster or not asked.namespace:
                return None
            scope = self.namespaces.get(asked.namespace)
        return None

    def _find_url(self, asked: Attributes) -> Match | None:
        # The namespace of a non-resource request is empty: only ClusterRoleBindings count.
        for holding in self.cluster.of(asked.user):
            for role, binding in holding.pairs:
                index = role.find_url(asked.verb, asked.path)
                if index is not None:
                    return Match(binding, role.role, index)
        return None

    def applying(self, user: User, namespace: str) -> list[tuple[Binding, Role | None]]:
        """Return the bindings that apply to a user, cluster first, by name as etcd lists them, with their roles."""
        found: dict[int, tuple[Binding, Role | None]] = {}
        for scope in self.scopes(namespace):
            for holding in scope.of(user):
                for role, binding in holding.pairs:
                    found[id(binding)] = (binding, role.role)
                for binding in holding.missing:
                    found[id(binding)] = (binding, None)
        return sorted(found.values(), key=lambda pair: (pair[0].namespace, pair[0].name.encode()))

    def rules_for(self, user: User, namespace: str) -> tuple[list[Rule], list[Binding]]:
        """Return every rule that a user holds in a namespace, and the bindings that point nowhere (RulesFor)."""
        rules: list[Rule] = []
        missing: list[Binding] = []
        for binding, role in self.applying(user, namespace):
            if role is None:
                missing.append(binding)
            else:
                rules += role.rules
        return rules, missing

    def missing_reason(self, user: User, namespace: str) -> str:
        """Return the sentence about bindings that point nowhere, as the authorizer joins it to a refusal."""
        lost = [
            binding
            for scope in self.scopes(namespace)
            for holding in scope.of(user)
            for binding in holding.missing
        ]
        if not lost:
            return ""
        lost.sort(key=lambda binding: (bool(binding.namespace), binding.order))
        return f"RBAC: {join_errors(missing_text(binding) for binding in lost)}"

    def who(self, asked: Attributes, *, everywhere: bool = False) -> list[Match]:
        """Return every binding that allows a request, whoever it is for, with one allowing rule each.

        `everywhere` takes the bindings of all namespaces: who can do it in some namespace?
        """
        keys = keys_of(asked.group, asked.resource, asked.subresource)
        wanted = asked.namespace if asked.is_resource else ""
        every = everywhere and asked.is_resource
        found = []
        for compiled, bindings in self._reverse().speaking(keys if asked.is_resource else None):
            index = (
                compiled.find(keys, asked.verb, asked.name)
                if asked.is_resource
                else compiled.find_url(asked.verb, asked.path)
            )
            if index is not None:
                found += [
                    (place, Match(binding, compiled.role, index))
                    for place, binding in bindings
                    if every or not binding.namespace or binding.namespace == wanted
                ]
        return [match for _, match in sorted(found, key=lambda pair: pair[0])]

    def _reverse(self) -> _Reverse:
        if self._reversed is None:
            self._reversed = _Reverse()
            for place, binding in enumerate(self.bindings):
                role = self.role_of(binding)
                if role is not None:
                    self._reversed.add(self.compiled(role), place, binding)
        return self._reversed

    def with_binding(self, binding: Binding) -> None:
        """Add one binding in place: what an informer does with an event."""
        self.bindings.append(binding)
        self._place(binding)
        role = self.role_of(binding)
        if self._reversed is not None and role is not None:
            self._reversed.add(self.compiled(role), len(self.bindings) - 1, binding)


def missing_text(binding: Binding, resource: str = "") -> str:
    """Return the error of a role that is not there.

    The authorizer's lister says `clusterrole.rbac... "x" not found`; the storage behind the escalation check names
    the resource of the request instead (specs b10): pass it as `resource`.
    """
    kinds = {"ClusterRole": "clusterrole", "Role": "role"}
    if binding.role_kind not in kinds:
        return f"unsupported role reference kind: {quote(binding.role_kind)}"
    return f"{resource or kinds[binding.role_kind]}.rbac.authorization.k8s.io {quote(binding.role_name)} not found"


def allowed_reason(match: Match, user: User) -> str:
    """Return the reason of an allowance: binding, role, and the first subject that applies (rule.go)."""
    binding = match.binding
    described = ""
    for subject in binding.subjects:
        key = binding.subject_key(subject)
        if key is not None and (key[1] == user.name if key[0] == "User" else key[1] in user.groups):
            name = subject.name
            if subject.kind == "ServiceAccount":
                name = f"{name}/{subject.namespace or binding.namespace}"
            described = f"{subject.kind} {quote(name)}"
            break
    name = f"{binding.name}/{binding.namespace}" if binding.namespace else binding.name
    return (
        f"RBAC: allowed by {binding.kind} {quote(name)} of {binding.role_kind} "
        f"{quote(binding.role_name)} to {described}"
    )
