"""Least-privilege roles from audit logs: all users in one streaming pass (specs b8, traps 10).

What counts: one event a request (RequestReceived is left out), as the user it ran as (impersonation makes its own
entry for the one who impersonated), if it was authorized: a 404 or 409 was, a 401 or a refused 403 was not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import Attributes, User
from seawall.access.azure.actions import DISCOVERY, map_request
from seawall.access.azure.roles import Assignment, AzureAccess, Permission, RoleDefinition
from seawall.access.explain import binding_document, role_document
from seawall.access.names import split_service_account
from seawall.access.rbac.index import RbacIndex
from seawall.access.rbac.model import GROUP, Binding, Role, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.world import AccessWorld


class _User(msgspec.Struct):
    username: str = ""
    groups: list[str] = []
    uid: str = ""
    extra: dict[str, list[str]] | None = None


class _Reference(msgspec.Struct, rename="camel"):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""
    subresource: str = ""


class _Status(msgspec.Struct):
    code: int = 0


class _Properties(msgspec.Struct):
    log: str = ""


class _Event(msgspec.Struct, rename="camel"):
    """The fields of an audit event that count, and those of the envelopes it may come in."""

    stage: str = ""
    verb: str = ""
    request_uri: str = msgspec.field(default="", name="requestURI")
    user: _User | None = None
    impersonated_user: _User | None = None
    object_ref: _Reference | None = None
    response_status: _Status | None = None
    annotations: dict[str, str] | None = None
    items: list[_Event] | None = None
    properties: _Properties | None = None
    records: list[_Event] | None = None


_DECODER = msgspec.json.Decoder(_Event)
_BINDING = re.compile(r'RBAC: allowed by (RoleBinding|ClusterRoleBinding) "([^"]*)"')

Atom = tuple[str, str, str, str, str]
"""(namespace, group, resource or resource/subresource, verb, name); a path has no resource and lies in `name`."""
_READS = frozenset(("get", "list", "watch"))


class Mined(msgspec.Struct):
    """What was used: atoms by user, the bindings that allowed, and how much was read."""

    used: dict[str, set[Atom]]
    extra: dict[str, User]
    bindings: set[str]
    events: int = 0
    counted: int = 0
    denied: int = 0
    unreadable: int = 0
    reads_seen: bool = False


def mine(lines: Iterable[bytes], *, names: bool = False) -> Mined:
    """Read audit events, one JSON value a line: raw events, EventLists, AKS diagnostic records (one or `records`).

    `names` keeps object names, so that the roles get resourceNames where the name was in the URL.
    """
    found = Mined({}, {}, set())
    decode = _DECODER.decode
    for line in lines:
        if not line.strip():
            continue
        try:
            event = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found.unreadable += 1
            continue
        _open(found, event, names, 0)
    return found


def _open(found: Mined, event: _Event, names: bool, depth: int) -> None:
    if event.properties is not None and event.properties.log and depth < 3:
        try:
            inner = _DECODER.decode(event.properties.log)
        except (msgspec.DecodeError, RecursionError):
            found.unreadable += 1
            return
        _open(found, inner, names, depth + 1)
    elif event.records or event.items:
        for inner in event.records or event.items or ():
            _open(found, inner, names, depth + 1)
    else:
        _count(found, event, names)


def _count(found: Mined, event: _Event, names: bool) -> None:
    found.events += 1
    if event.stage == "RequestReceived" or event.user is None:
        return
    annotations = event.annotations or {}
    status = event.response_status
    decision = annotations.get("authorization.k8s.io/decision")
    if decision == "forbid" or (
        status is not None and (status.code == 401 or (status.code == 403 and decision != "allow"))
    ):
        found.denied += 1
        return
    found.counted += 1
    verb = event.verb
    if verb in _READS:
        found.reads_seen = True
    reason = annotations.get("authorization.k8s.io/reason")
    if reason and (match := _BINDING.match(reason)):
        found.bindings.add(f"{match[1]}/{match[2]}")
    who = event.user
    actor = event.impersonated_user
    if actor is not None and actor.username:
        _impersonation(found, who, actor)
        who = actor
    user = who.username
    used = found.used.get(user)
    if used is None:
        used = found.used[user] = set()
    if who.extra and user not in found.extra:
        extra = tuple((key, tuple(values)) for key, values in sorted(who.extra.items()))
        found.extra[user] = User(user, tuple(who.groups), who.uid, extra)
    reference = event.object_ref
    if reference is None:
        used.add(("", "", "", verb, event.request_uri.partition("?")[0]))
        return
    resource = reference.resource
    if reference.subresource:
        resource = f"{resource}/{reference.subresource}"
    name = reference.name if names else ""
    if verb == "create" and not reference.subresource:
        # A create's name is in its body, not in its URL: no rule with resourceNames would match it (b1.4).
        name = ""
    used.add((reference.namespace, reference.api_group, resource, verb, name))


def _impersonation(found: Mined, who: _User, actor: _User) -> None:
    used = found.used.setdefault(who.username, set())
    account = split_service_account(actor.username)
    if account is not None:
        used.add((account[0], "", "serviceaccounts", "impersonate", account[1]))
    else:
        used.add(("", "", "users", "impersonate", actor.username))
    added = ("system:authenticated", "system:unauthenticated")
    for group in actor.groups:
        if group not in added and not (account and group.startswith("system:serviceaccounts")):
            used.add(("", "", "groups", "impersonate", group))


def roles_for(user: str, used: set[Atom]) -> list[tuple[Role, Binding]]:
    """Return the least roles that cover what a user used: a Role a namespace, a ClusterRole for the rest."""
    account = split_service_account(user)
    subject = (
        Subject("ServiceAccount", account[1], account[0]) if account else Subject("User", user, group=GROUP)
    )
    name = "mined-" + re.sub(r"[^a-z0-9.-]+", "-", user.lower()).strip("-.")
    spaces: dict[str, list[Atom]] = {}
    for atom in sorted(used):
        spaces.setdefault(atom[0], []).append(atom)
    made = []
    for namespace, atoms in spaces.items():
        role = Role(namespace, name, tuple(_rules(atoms)))
        made.append((role, Binding(namespace, name, role.kind, name, (subject,))))
    return made


def _rules(atoms: list[Atom]) -> list[Rule]:
    """Merge atoms without widening: verbs of one resource and name, then resources with the same verbs."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    urls: dict[str, set[str]] = {}
    for _, group, resource, verb, name in atoms:
        if resource:
            verbs.setdefault((group, resource, name), set()).add(verb)
        else:
            urls.setdefault(name, set()).add(verb)
    merged: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, resource, name), found in verbs.items():
        merged.setdefault((group, name, tuple(sorted(found))), []).append(resource)
    rules = [
        Rule(held, (group,), tuple(sorted(resources)), (name,) if name else (), index=index)
        for index, ((group, name, held), resources) in enumerate(sorted(merged.items()))
    ]
    paths: dict[tuple[str, ...], list[str]] = {}
    for url, found in urls.items():
        paths.setdefault(tuple(sorted(found)), []).append(url)
    for held, listed in sorted(paths.items()):
        rules.append(Rule(held, urls=tuple(sorted(listed)), index=len(rules)))
    return rules


def atom_request(user: User, atom: Atom) -> Attributes:
    """Return the request that an atom stands for."""
    namespace, group, resource, verb, name = atom
    if not resource:
        return Attributes(user, verb, path=name, is_resource=False)
    plain, _, below = resource.partition("/")
    return Attributes(user, verb, namespace, group, "*", plain, below, name)


def uncovered(user: str, used: set[Atom], made: list[tuple[Role, Binding]]) -> list[Atom]:
    """Return what the mined roles do not allow, by the engine's own word: empty is the proof."""
    index = RbacIndex([role for role, _ in made], [binding for _, binding in made])
    person = User(user)
    return [atom for atom in sorted(used) if index.find(atom_request(person, atom)) is None]


def not_held(
    world: AccessWorld, user: User, used: set[Atom], azure: AzureCluster | None = None
) -> list[Atom]:
    """Return what was used and is not held in a world: by another authorizer, or since taken away."""

    def held(asked: Attributes) -> bool:
        return world.rbac.find(asked) is not None or (
            azure is not None and azure.authorize(asked).decision == "allow"
        )

    return [atom for atom in sorted(used) if not held(atom_request(user, atom))]


def unused_bindings(world: AccessWorld, found: Mined) -> tuple[str, ...] | None:
    """Return the bindings that allowed nothing; None where the log holds no reads, so that it cannot be known.

    `kube-audit-admin` leaves out get and list (specs b8).
    """
    if not found.reads_seen:
        return None
    named = {
        f"{each.kind}/{f'{each.name}/{each.namespace}' if each.namespace else each.name}"
        for each in world.rbac.bindings
    }
    return tuple(sorted(named - found.bindings))


def azure_role(name: str, user: User, used: set[Atom], cluster: AzureCluster) -> dict[str, Any]:
    """Return the least custom Azure role for what an Entra user used, as `az role definition create` takes it."""
    actions: set[str] = set()
    for atom in used:
        mapping = map_request(
            atom_request(user, atom),
            cluster.operations,
            custom_resources=cluster.custom_resources,
            subresources=cluster.subresources,
        )
        actions |= {action.id for action in mapping.actions}
    return {
        "Name": name,
        "IsCustom": True,
        "Description": "What was used, from audit logs",
        "Actions": [],
        "NotActions": [],
        "DataActions": sorted(actions),
        "NotDataActions": [],
        "AssignableScopes": [cluster.id],
    }


def azure_scopes(used: set[Atom], cluster: AzureCluster) -> list[str]:
    """Return the least scopes to assign the role at: the cluster where anything was used beyond a namespace."""
    spaces = {atom[0] for atom in used if atom[2] or not atom[4].lower().startswith(DISCOVERY)}
    return [cluster.id] if "" in spaces else [f"{cluster.id}/namespaces/{each}" for each in sorted(spaces)]


def azure_uncovered(user: User, used: set[Atom], role: dict[str, Any], cluster: AzureCluster) -> list[Atom]:
    """Return what the role, assigned at those scopes and alone, does not allow: empty is the proof."""
    definition = RoleDefinition("mined", role["Name"], (Permission(data_actions=tuple(role["DataActions"])),))
    oid = user.extra_value("oid")[0]
    assignments = [
        Assignment(f"mined-{index}", "mined", oid, scope)
        for index, scope in enumerate(azure_scopes(used, cluster))
    ]
    access = AzureAccess([definition], assignments)
    alone = msgspec.structs.replace(cluster, access=access)
    return [atom for atom in sorted(used) if alone.authorize(atom_request(user, atom)).decision != "allow"]


def documents(made: list[tuple[Role, Binding]]) -> list[dict[str, Any]]:
    """Write roles and bindings as objects to apply."""
    return [
        document for role, binding in made for document in (role_document(role), binding_document(binding))
    ]
