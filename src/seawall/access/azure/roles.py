"""Azure RBAC offline: role and deny assignments over scopes (learn.microsoft.com: role-based-access-control; b7).

Deny assignments first; then the union over assignments at the scope or above it of what each role gives. What a role
subtracts (notDataActions) is no denial: another role may give it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.azure.conditions import Condition, Facts, like
from seawall.core.decision import Verdict
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.azure.actions import DataAction

EVERYONE = "00000000-0000-0000-0000-000000000000"
MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"


class Permission(msgspec.Struct, frozen=True, rename="camel"):
    """What a role gives and subtracts; patterns with `*` across `/`, in any case of letters."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None

    def gives(self, action: str, *, data: bool = True) -> bool:
        """Tell whether the permission holds a (data) action, its own subtractions applied."""
        wanted = action.lower()
        given, taken = (
            (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        )
        return any(like(each.lower(), wanted) for each in given) and not any(
            like(each.lower(), wanted) for each in taken
        )


class RoleDefinition(msgspec.Struct, frozen=True):
    """A role: its GUID, its name, and its permissions."""

    id: str
    name: str
    permissions: tuple[Permission, ...] = ()

    def gives(self, action: str, *, data: bool = True) -> bool:
        """Tell whether any permission gives the action."""
        return any(permission.gives(action, data=data) for permission in self.permissions)


class Assignment(msgspec.Struct, frozen=True):
    """A role given to a principal at a scope, maybe under a condition."""

    id: str
    role: str
    principal: str
    scope: str
    condition: str = ""


class DenyAssignment(msgspec.Struct, frozen=True):
    """Actions refused to principals at a scope."""

    id: str
    permissions: tuple[Permission, ...]
    principals: tuple[str, ...]
    scope: str
    excluded: tuple[str, ...] = ()
    children: bool = True
    condition: str = ""


class AzureAnswer(msgspec.Struct, frozen=True):
    """Allow, deny (nothing gives it, or a deny assignment) or unknown, with what decided."""

    verdict: Verdict
    reason: str
    assignment: str = ""
    role: str = ""


class AzureAccess:
    """Roles and assignments of an estate.

    `ancestors` are the management groups above the subscription, lower case; None: not known, so that an
    assignment at a management group gives an unknown answer instead of a wrong one.
    """

    def __init__(
        self,
        definitions: Iterable[RoleDefinition] = (),
        assignments: Iterable[Assignment] = (),
        denials: Iterable[DenyAssignment] = (),
        ancestors: frozenset[str] | None = None,
    ) -> None:
        self.roles = dict(builtin_roles()) | {role.id.lower(): role for role in definitions}
        self.assignments = tuple(assignments)
        self.denials = tuple(denials)
        self.ancestors = ancestors
        self._conditions: dict[str, Condition | str] = {}

    def with_assignments(
        self, assignments: Iterable[Assignment], definitions: Iterable[RoleDefinition] = ()
    ) -> AzureAccess:
        """Return the same estate with other role assignments, and maybe more roles: a what-if."""
        return AzureAccess([*self.roles.values(), *definitions], assignments, self.denials, self.ancestors)

    def check(
        self,
        principals: frozenset[str],
        action: DataAction,
        scope: str,
        *,
        data: bool = True,
    ) -> AzureAnswer:
        """Decide one action for a principal (its own id and those of its groups, lower case) at a scope."""
        facts = Facts(action.id, action.attributes)
        unknown = ""
        for denial in self.denials:
            if not self._denies(denial, principals, action.id, scope, data):
                continue
            holds = self._holds(denial.condition, facts)
            if holds:
                return AzureAnswer(Verdict.DENY, f"deny assignment {denial.id}", denial.id)
            if holds is None:
                unknown = unknown or f"the condition of deny assignment {denial.id} cannot be decided here"
        if unknown:
            return AzureAnswer(Verdict.UNKNOWN, unknown)
        for assignment in self.assignments:
            if assignment.principal.lower() not in principals:
                continue
            covers = self.covers(assignment.scope, scope)
            if covers is False:
                continue
            role = self.roles.get(assignment.role.lower())
            if role is None:
                unknown = unknown or f"the role {assignment.role} of {assignment.id} is not known"
                continue
            for permission in role.permissions:
                if not permission.gives(action.id, data=data):
                    continue
                holds = _both(
                    self._holds(assignment.condition, facts), self._holds(permission.condition or "", facts)
                )
                if holds and covers:
                    return AzureAnswer(
                        Verdict.ALLOW,
                        f"role {role.name!r} at {assignment.scope or '/'}{_conditions(assignment, permission)}",
                        assignment.id,
                        role.name,
                    )
                if holds is not False:
                    unknown = unknown or self._doubt(assignment, covers)
        if unknown:
            return AzureAnswer(Verdict.UNKNOWN, unknown)
        return AzureAnswer(Verdict.DENY, f"no role assignment gives {action.id} at {scope}")

    def _doubt(self, assignment: Assignment, covers: bool | None) -> str:
        if covers is None:
            return f"whether {assignment.scope} is above the cluster is not known ({assignment.id})"
        compiled = self._conditions.get(assignment.condition)
        why = compiled if isinstance(compiled, str) else "asks for what is not known here"
        return f"the condition of {assignment.id} {why}"

    def _holds(self, text: str, facts: Facts) -> bool | None:
        if not text:
            return True
        compiled = self._conditions.get(text)
        if compiled is None:
            try:
                compiled = Condition(text)
            except InputError as error:
                # Azure would not have stored it; the rest is decided, this assignment is not.
                compiled = f"cannot be read: {error.message}"
            self._conditions[text] = compiled
        return None if isinstance(compiled, str) else compiled.holds(facts)

    def _denies(
        self, denial: DenyAssignment, principals: frozenset[str], action: str, scope: str, data: bool
    ) -> bool:
        named = {each.lower() for each in denial.principals}
        if not (EVERYONE in named or named & principals):
            return False
        if {each.lower() for each in denial.excluded} & principals:
            return False
        if denial.children:
            covered = self.covers(denial.scope, scope) is not False
        else:
            covered = _clean(denial.scope) == _clean(scope)
        return covered and any(permission.gives(action, data=data) for permission in denial.permissions)

    def covers(self, above: str, below: str) -> bool | None:
        """Tell whether a scope is another one or above it; None where management groups are not known."""
        parent, child = _clean(above), _clean(below)
        if not parent or child == parent or child.startswith(f"{parent}/"):
            return True
        if parent.startswith(MANAGEMENT_GROUP):
            return None if self.ancestors is None else parent in self.ancestors
        return False


def _conditions(assignment: Assignment, permission: Permission) -> str:
    """Return the conditions that held, so that an answer shows on what it hangs."""
    held = [each for each in (assignment.condition, permission.condition or "") if each]
    return f" under the condition {' and '.join(held)}" if held else ""


def _both(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _clean(scope: str) -> str:
    return "/" + scope.strip("/").lower() if scope.strip("/") else ""


@cache
def builtin_roles() -> dict[str, RoleDefinition]:
    """Return the built-in roles that touch containers, and the general ones (facts/azure-roles.json)."""
    data = files("seawall.access").joinpath("facts/azure-roles.json").read_bytes()
    facts = msgspec.json.decode(data, type=_RoleFacts)
    return {role.id.lower(): role for role in facts.roles}


class _RoleFacts(msgspec.Struct, frozen=True):
    source: str
    date: str
    roles: list[RoleDefinition]


def ancestors_of(rows: Iterable[dict[str, Any]], resource: str) -> frozenset[str] | None:
    """Return the management groups above a resource's subscription, None where no row says them.

    Resource Graph's subscriptions (`resourcecontainers`) carry the chain.
    """
    wanted = resource.lower().strip("/").split("/")[:2]
    for row in rows:
        kind, identity = (str(row.get(key) or "").lower() for key in ("type", "id"))
        if kind != "microsoft.resources/subscriptions" or identity.strip("/").split("/")[:2] != wanted:
            continue
        properties = row.get("properties")
        chain = properties.get("managementGroupAncestorsChain") if isinstance(properties, dict) else None
        if isinstance(chain, list):
            names = (each.get("name") for each in chain if isinstance(each, dict))
            return frozenset(f"{MANAGEMENT_GROUP}{str(name).lower()}" for name in names if name)
    return None


def read_azure(rows: Iterable[dict[str, Any]], ancestors: frozenset[str] | None = None) -> AzureAccess:
    """Read role definitions, role assignments and deny assignments from Azure resources (normal form).

    Rows of other types are passed over; an assignment without principal or role is left out.
    """
    definitions, assignments, denials = [], [], []
    for row in rows:
        properties = row.get("properties")
        kind = str(row.get("type") or "").lower()
        if not isinstance(properties, dict) or not kind.startswith("microsoft.authorization/"):
            continue
        identity = str(row.get("id") or "")
        if kind.endswith("/roledefinitions"):
            guid = str(row.get("name") or identity.rpartition("/")[2])
            name = str(properties.get("roleName") or guid)
            definitions.append(RoleDefinition(guid, name, _permissions(properties.get("permissions"))))
        elif kind.endswith("/roleassignments"):
            role = str(properties.get("roleDefinitionId") or "").rpartition("/")[2]
            principal = str(properties.get("principalId") or "")
            scope = str(
                properties.get("scope")
                or identity.lower().partition("/providers/microsoft.authorization/")[0]
            )
            if role and principal:
                condition = str(properties.get("condition") or "")
                assignments.append(Assignment(identity, role, principal, scope, condition))
        elif kind.endswith("/denyassignments"):
            denials.append(
                DenyAssignment(
                    identity,
                    _permissions(properties.get("permissions")),
                    _ids(properties.get("principals")),
                    str(properties.get("scope") or ""),
                    _ids(properties.get("excludePrincipals")),
                    properties.get("doNotApplyToChildScopes") is not True,
                    str(properties.get("condition") or ""),
                )
            )
    return AzureAccess(definitions, assignments, denials, ancestors)


def _permissions(given: Any) -> tuple[Permission, ...]:
    return tuple(
        Permission(
            _texts(item.get("actions")),
            _texts(item.get("notActions")),
            _texts(item.get("dataActions")),
            _texts(item.get("notDataActions")),
            item["condition"] if isinstance(item.get("condition"), str) else None,
        )
        for item in (given if isinstance(given, list) else ())
        if isinstance(item, dict)
    )


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(each for each in given if isinstance(each, str)) if isinstance(given, list) else ()


def _ids(given: Any) -> tuple[str, ...]:
    items = given if isinstance(given, list) else ()
    return tuple(str(item.get("id") or "") for item in items if isinstance(item, dict))
