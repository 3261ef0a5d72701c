"""Every "no" with the smallest grant that makes it "yes", every "yes" with the smallest removal; both re-checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import MASTERS, Attributes
from seawall.access.azure.explain import azure_removals
from seawall.access.chain import authorize, is_allowed
from seawall.access.names import split_service_account
from seawall.access.rbac.index import Match, RbacIndex
from seawall.access.rbac.model import GROUP, Binding, Role, Rule, Subject

if TYPE_CHECKING:
    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.world import AccessWorld


class Change(msgspec.Struct, frozen=True):
    """One change of the world: `objects` to create, or bindings to take a subject out of. `size` orders them."""

    summary: str
    size: int
    objects: tuple[dict[str, Any], ...] = ()
    removals: tuple[dict[str, str], ...] = ()


def grants(world: AccessWorld, asked: Attributes, limit: int = 3) -> list[Change]:
    """Return the smallest grants that would allow a refused request, smallest first; each was tried.

    A new role with just this request comes first, then existing roles by how much else they open.
    """
    if is_allowed(world, asked):
        return []
    options = [_new_role(asked), *_existing(world, asked)]
    checked = []
    for change, role, binding in sorted(options, key=lambda each: (each[0].size, each[0].summary)):
        index = RbacIndex(
            [
                *(each for each in (role, world.rbac.role_of(binding)) if each is not None),
            ],
            [binding],
        )
        if index.find(asked) is not None:
            checked.append(change)
        if len(checked) == limit:
            break
    return checked


def _subject(asked: Attributes) -> Subject:
    account = split_service_account(asked.user.name)
    if account is not None:
        return Subject("ServiceAccount", account[1], account[0])
    return Subject("User", asked.user.name, group=GROUP)


def _new_role(asked: Attributes) -> tuple[Change, Role, Binding]:
    namespaced = asked.is_resource and bool(asked.namespace)
    name = "seawall-suggested"
    if asked.is_resource:
        names = (asked.name,) if asked.name else ()
        rule = Rule((asked.verb,), (asked.group,), (asked.combined,), names)
    else:
        rule = Rule((asked.verb,), urls=(asked.path,))
    role = Role(asked.namespace if namespaced else "", name, (rule,))
    binding = Binding(role.namespace, name, role.kind, name, (_subject(asked),))
    change = Change(
        f"a new {role.kind} with one rule, bound by a {binding.kind}",
        1,
        (role_document(role), binding_document(binding)),
    )
    return change, role, binding


def _existing(world: AccessWorld, asked: Attributes) -> list[tuple[Change, None, Binding]]:
    namespace = asked.namespace if asked.is_resource else ""
    candidates = list(world.rbac.cluster_roles.values())
    if namespace:
        candidates += [role for role in world.rbac.roles.values() if role.namespace == namespace]
    found = []
    probe = RbacIndex([], [])
    for role in candidates:
        # One role at a time, compiled: a rule that speaks of the request is enough.
        compiled = probe.compiled(role)
        hit = _hits(compiled, asked)
        if hit:
            binding = Binding(namespace, f"seawall-{role.name}", role.kind, role.name, (_subject(asked),))
            size = 1 + _breadth(role)
            change = Change(
                f"bind the {role.kind} {role.name} by a {binding.kind} (it opens {size - 1} permissions)",
                size,
                (binding_document(binding),),
            )
            found.append((change, None, binding))
    return found


def _hits(compiled: Any, asked: Attributes) -> bool:
    from seawall.access.rbac.compiled import keys_of  # noqa: PLC0415 - the hot module stays free of this one

    if not asked.is_resource:
        return compiled.find_url(asked.verb, asked.path) is not None
    keys = keys_of(asked.group, asked.resource, asked.subresource)
    return compiled.find(keys, asked.verb, asked.name) is not None


def _breadth(role: Role) -> int:
    """Count the permissions of a role; a star counts as a hundred of its kind."""
    total = 0
    for rule in role.rules:
        parts = (rule.verbs, rule.groups, rule.resources) if rule.resources else (rule.verbs, rule.urls)
        size = 1
        for part in parts:
            size *= sum(100 if "*" in each else 1 for each in part)
        total += size
    return total


def removals(world: AccessWorld, asked: Attributes, azure: AzureCluster | None = None) -> Change | None:
    """Return the smallest removal that stops an allowed request, re-checked; None where no removal can.

    Bindings allow independently, so every one that allows must lose the subject: this set is the least. With Azure
    RBAC the role assignments that allow must go as well.
    """
    if MASTERS in asked.user.groups:
        return None
    bindings = _binding_removals(world, asked)
    assignments = azure_removals(azure, asked) if azure is not None else ()
    if bindings is None or assignments is None or not (bindings or assignments):
        return None
    listed = (*bindings, *({"kind": "RoleAssignment", "id": each} for each in assignments))
    parts = [
        f"take the subject out of {len(bindings)} binding(s)" if bindings else "",
        f"remove {len(assignments)} role assignment(s)" if assignments else "",
    ]
    return Change(" and ".join(part for part in parts if part), len(listed), removals=listed)


def _binding_removals(world: AccessWorld, asked: Attributes) -> tuple[dict[str, str], ...] | None:
    """Return the bindings that allow, none where RBAC does not; None where the node authorizer allows."""
    matches = [match for match in world.rbac.who(asked) if _applies(match, asked)]
    gone = {id(match.binding) for match in matches}
    # Only what applies to the user can allow: an index of these bindings answers as the whole would.
    rest = [
        binding for binding, _ in world.rbac.applying(asked.user, asked.namespace) if id(binding) not in gone
    ]
    roles = [*world.rbac.cluster_roles.values(), *world.rbac.roles.values()]
    if RbacIndex(roles, rest).find(asked) is not None or authorize_without(world, asked):
        return None
    return tuple(
        {
            "kind": match.binding.kind,
            "namespace": match.binding.namespace,
            "name": match.binding.name,
            "role": match.role.name,
        }
        for match in matches
    )


def authorize_without(world: AccessWorld, asked: Attributes) -> bool:
    """Tell whether the node authorizer alone would allow the request."""
    steps = authorize(world, asked).trail
    return any(step.authorizer == "Node" and step.decision == "allow" for step in steps)


def _applies(match: Match, asked: Attributes) -> bool:
    for subject in match.binding.subjects:
        key = match.binding.subject_key(subject)
        if key is not None and (
            key[1] == asked.user.name if key[0] == "User" else key[1] in asked.user.groups
        ):
            return True
    return False


def rule_document(rule: Rule) -> dict[str, list[str]]:
    """Write a rule as the API does."""
    parts = {
        "apiGroups": rule.groups,
        "resources": rule.resources,
        "resourceNames": rule.names,
        "nonResourceURLs": rule.urls,
        "verbs": rule.verbs,
    }
    return {key: list(values) for key, values in parts.items() if values}


def role_document(role: Role) -> dict[str, Any]:
    """Write a role as the API does."""
    metadata = {"name": role.name} | ({"namespace": role.namespace} if role.namespace else {})
    rules = [rule_document(rule) for rule in role.rules]
    return {"apiVersion": f"{GROUP}/v1", "kind": role.kind, "metadata": metadata, "rules": rules}


def binding_document(binding: Binding) -> dict[str, Any]:
    """Write a binding as the API does."""
    metadata = {"name": binding.name} | ({"namespace": binding.namespace} if binding.namespace else {})
    subjects = []
    for subject in binding.subjects:
        written = {"kind": subject.kind, "name": subject.name}
        if subject.kind == "ServiceAccount":
            written["namespace"] = subject.namespace or binding.namespace
        else:
            written["apiGroup"] = GROUP
        subjects.append(written)
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": binding.kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": binding.role_kind, "name": binding.role_name},
        "subjects": subjects,
    }
