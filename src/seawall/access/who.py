"""Who can do this? Subjects by binding, groups of service accounts opened, side doors shown apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.access.attributes import Attributes, User
from seawall.access.names import ALL_SERVICE_ACCOUNTS, NODE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.world import AccessWorld


class Holder(msgspec.Struct, frozen=True, order=True):
    """A subject that can, and by what: the binding and role, or the authorizer that needs none."""

    kind: str
    name: str
    binding: str
    role: str
    by: str = "rbac"
    member_of: str = ""


class WhoCan(msgspec.Struct, frozen=True):
    """Those who can; those who can become somebody who can; those who can give themselves the right."""

    holders: tuple[Holder, ...]
    impersonators: tuple[Holder, ...] = ()
    escalators: tuple[Holder, ...] = ()


NOBODY = User()
RBAC_GROUP = "rbac.authorization.k8s.io"


def who_can(world: AccessWorld, asked: Attributes, azure: AzureCluster | None = None) -> WhoCan:
    """Answer who can make a request (its user is not looked at).

    Without a namespace: who can in the whole cluster or in any namespace (the binding says where).
    """
    holders = {Holder("Group", "system:masters", "", "", "system:masters"), *_subjects(world, asked)}
    holders |= set(_members(world, holders))
    holders |= set(_nodes(world, asked))
    if azure is not None:
        holders |= set(_azure(azure, asked))
    impersonators: set[Holder] = set()
    for resource in ("users", "groups", "serviceaccounts"):
        impersonators |= set(_subjects(world, _ask(asked, "impersonate", "", resource)))
    impersonators |= set(_by_name(world, asked, "impersonate", "", _names_of(holders)))
    escalators: set[Holder] = set()
    for verb, resource in (
        ("escalate", "clusterroles"),
        ("escalate", "roles"),
        ("bind", "clusterroles"),
        ("bind", "roles"),
    ):
        escalators |= set(_subjects(world, _ask(asked, verb, RBAC_GROUP, resource)))
    granting = {
        (f"{kind.lower()}s", name) for kind, _, name in (each.role.partition("/") for each in holders)
    }
    for verb in ("escalate", "bind"):
        escalators |= set(_by_name(world, asked, verb, RBAC_GROUP, granting))
    return WhoCan(tuple(sorted(holders)), tuple(sorted(impersonators)), tuple(sorted(escalators)))


def _names_of(holders: Iterable[Holder]) -> set[tuple[str, str]]:
    """Return what to impersonate to be one of the holders: (resource, name)."""
    resources = {"User": "users", "Group": "groups", "ServiceAccount": "serviceaccounts"}
    return {
        (resources[each.kind], each.name.rpartition("/")[2]) for each in holders if each.kind in resources
    }


def _by_name(
    world: AccessWorld, asked: Attributes, verb: str, group: str, names: set[tuple[str, str]]
) -> Iterable[Holder]:
    """Yield who holds a right for some names only (resourceNames), where one of the names counts here.

    Roles with such rules are few: only their names are asked for, each by the engine.
    """
    wanted: set[tuple[str, str]] = set()
    for rule in world.named_rules():
        if verb in rule.verbs or "*" in rule.verbs:
            wanted |= {(resource, name) for name in rule.names for resource in rule.resources}
            wanted |= {
                (resource, name) for resource, name in names if name in rule.names and "*" in rule.resources
            }
    for resource, name in sorted(wanted & names):
        yield from _subjects(world, msgspec.structs.replace(_ask(asked, verb, group, resource), name=name))


def _ask(asked: Attributes, verb: str, group: str, resource: str) -> Attributes:
    namespace = asked.namespace if resource in ("roles", "serviceaccounts") else ""
    return Attributes(NOBODY, verb, namespace, group, "*", resource)


def _subjects(world: AccessWorld, asked: Attributes) -> Iterable[Holder]:
    for binding, role, _ in world.rbac.who(asked, everywhere=not asked.namespace):
        where = f"{binding.kind}/{binding.namespace}/{binding.name}".replace("//", "/")
        for subject in binding.subjects:
            key = binding.subject_key(subject)
            if key is None:
                continue
            kind, name = key
            if subject.kind == "ServiceAccount":
                kind, name = subject.kind, f"{subject.namespace or binding.namespace}/{subject.name}"
            yield Holder(kind, name, where, f"{role.kind}/{role.name}")


def _members(world: AccessWorld, holders: Iterable[Holder]) -> Iterable[Holder]:
    """Open the groups that every service account is in (specs b1.9)."""
    groups = [holder for holder in holders if holder.kind == "Group"]
    wide = [
        holder
        for holder in groups
        if holder.name.startswith(ALL_SERVICE_ACCOUNTS) or holder.name == "system:authenticated"
    ]
    if not wide:
        return
    for item in world.objects:
        metadata = item.get("metadata")
        if item.get("kind") != "ServiceAccount" or not isinstance(metadata, dict):
            continue
        namespace = str(metadata.get("namespace") or "default")
        for holder in wide:
            _, _, only = holder.name.removeprefix(ALL_SERVICE_ACCOUNTS).partition(":")
            if holder.name in ("system:authenticated", ALL_SERVICE_ACCOUNTS) or only == namespace:
                name = f"{namespace}/{metadata.get('name')}"
                yield msgspec.structs.replace(holder, kind="ServiceAccount", name=name, member_of=holder.name)


def _nodes(world: AccessWorld, asked: Attributes) -> Iterable[Holder]:
    kinds = {"secrets": "secret", "configmaps": "configmap"}
    if asked.group or asked.resource not in kinds or asked.verb not in ("get", "list", "watch"):
        return
    for node in sorted(world.nodes.nodes_of(kinds[asked.resource], asked.namespace, asked.name)):
        yield Holder("User", f"{NODE_PREFIX}{node}", "", "", "node-authorizer")


def _azure(azure: AzureCluster, asked: Attributes) -> Iterable[Holder]:
    """Ask for each assignment by itself; members of a group that is assigned are shown along with it.

    Without a namespace an assignment of one namespace counts there, as a RoleBinding does.
    """
    for assignment in azure.access.assignments:
        space = azure.namespace_of(assignment.scope)
        wanted = asked
        if asked.is_resource and not asked.namespace and space:
            wanted = msgspec.structs.replace(asked, namespace=space)
        user = User(assignment.principal, (), "", (("oid", (assignment.principal,)),))
        alone = msgspec.structs.replace(azure, access=azure.access.with_assignments([assignment]))
        if alone.authorize(msgspec.structs.replace(wanted, user=user)).decision != "allow":
            continue
        holder = Holder("AzurePrincipal", assignment.principal, assignment.id, assignment.role, "azure")
        yield holder
        for member in sorted(azure.directory.members_of(assignment.principal)):
            yield msgspec.structs.replace(holder, name=member, member_of=assignment.principal)
