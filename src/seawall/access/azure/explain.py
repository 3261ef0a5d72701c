"""Azure's part of an explanation: the least removal that stops what is allowed, the least assignment that allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.access.azure.actions import map_request
from seawall.access.azure.roles import Assignment, Permission, RoleDefinition
from seawall.core.decision import Verdict

if TYPE_CHECKING:
    from seawall.access.attributes import Attributes
    from seawall.access.azure.cluster import AzureCluster

WIDE = 100
"""What a star counts for in the size of a role."""


class AzureGrant(msgspec.Struct, frozen=True):
    """A role assignment that would allow a request; `role` is its name, `custom` the actions of a new role, if it is one.

    `size` counts the data actions that the role gives, a star as a hundred.
    """

    principal: str
    role: str
    scope: str
    size: int
    custom: tuple[str, ...] = ()


def without(cluster: AzureCluster, gone: frozenset[str]) -> AzureCluster:
    """Return the cluster without some role assignments (by id)."""
    access = cluster.access
    kept = [each for each in access.assignments if each.id not in gone]
    return msgspec.structs.replace(cluster, access=access.with_assignments(kept))


def azure_removals(cluster: AzureCluster, asked: Attributes) -> tuple[str, ...] | None:
    """Return assignments without which Azure does not allow a request, none of them needless; None where none helps.

    Assignments allow independently, so each that allows must go; where a request maps to several actions one kind may
    be enough, so each is tried back. The result was decided by the engine.
    """
    gone: set[str] = set()
    for _ in range(len(cluster.access.assignments) + 1):
        left = without(cluster, frozenset(gone))
        if left.authorize(asked).decision != "allow":
            break
        found = _allowing(left, asked)
        if not found:
            return None  # what is open to every Entra user cannot be taken away by an assignment
        gone.add(found)
    for each in sorted(gone):
        if without(cluster, frozenset(gone - {each})).authorize(asked).decision != "allow":
            gone.discard(each)
    return tuple(sorted(gone))


def _allowing(cluster: AzureCluster, asked: Attributes) -> str:
    principals = cluster.principals(asked)
    for action, scope in cluster.checks(asked):
        answer = cluster.access.check(principals, action, scope)
        if answer.verdict is Verdict.ALLOW and answer.assignment:
            return answer.assignment
    return ""


def azure_grants(cluster: AzureCluster, asked: Attributes, limit: int = 3) -> list[AzureGrant]:
    """Return the least role assignments that would allow a refused request, smallest first; each was tried.

    First a custom role with just the data actions of the request, then the built-in and custom roles that are there.
    """
    mapping = map_request(
        asked,
        cluster.operations,
        custom_resources=cluster.custom_resources,
        subresources=cluster.subresources,
    )
    if mapping.decision != "check" or cluster.authorize(asked).decision == "allow":
        return []
    principal = asked.user.extra_value("oid")[0]
    scope = cluster.id + mapping.scope
    actions = tuple(sorted({each.id for each in mapping.actions}))
    custom = AzureGrant(principal, "a new custom role", scope, len(actions), actions)
    options = [custom] + [
        AzureGrant(principal, role.name, scope, _size(role))
        for role in cluster.access.roles.values()
        if all(role.gives(action) for action in actions)
    ]
    found = []
    for option in sorted(options, key=lambda each: (each.size, not each.custom, each.role)):
        if _tried(cluster, asked, option):
            found.append(option)
        if len(found) == limit:
            break
    return found


def _tried(cluster: AzureCluster, asked: Attributes, option: AzureGrant) -> bool:
    access = cluster.access
    trial = next((role for role in access.roles.values() if role.name == option.role), None)
    if option.custom:
        trial = RoleDefinition("seawall-suggested", option.role, (Permission(data_actions=option.custom),))
    if trial is None:
        return False
    assignment = Assignment("seawall-suggested", trial.id, option.principal, option.scope)
    changed = access.with_assignments([*access.assignments, assignment], [trial])
    return msgspec.structs.replace(cluster, access=changed).authorize(asked).decision == "allow"


def _size(role: RoleDefinition) -> int:
    """Count what a role gives, on the control plane too: an owner is no small role."""
    return sum(
        WIDE * WIDE if each == "*" else WIDE if "*" in each else 1
        for permission in role.permissions
        for each in (*permission.data_actions, *permission.actions)
    )
