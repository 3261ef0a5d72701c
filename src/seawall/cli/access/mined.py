"""What `seawall access mine` says of one user: the roles, their proof, and what is not held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.access.attributes import User
    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.mine import Atom
    from seawall.access.world import AccessWorld


def mined_kubernetes(user: str, used: set[Atom], world: AccessWorld | None) -> dict[str, Any]:
    """Return roles and bindings for a user."""
    from seawall.access.mine import documents, not_held, roles_for, uncovered
    from seawall.access.resources import person

    made = roles_for(user, used)
    entry: dict[str, Any] = {
        "user": user,
        "objects": documents(made),
        "uncovered": [list(atom) for atom in uncovered(user, used, made)],
    }
    if world is not None:
        entry["notHeld"] = [list(atom) for atom in not_held(world, person(user), used)]
    return entry


def mined_azure(
    user: User, used: set[Atom], azure: AzureCluster, world: AccessWorld | None
) -> dict[str, Any]:
    """Return a custom Azure role for an Entra user, where to assign it, and what it opens beyond its words."""
    from seawall.access.azure.roles import Permission, RoleDefinition
    from seawall.access.mine import azure_role, azure_scopes, azure_uncovered, not_held
    from seawall.access.opened import data_powers

    role = azure_role(f"mined for {user.name}", user, used, azure)
    definition = RoleDefinition("mined", role["Name"], (Permission(data_actions=tuple(role["DataActions"])),))
    entry: dict[str, Any] = {
        "user": user.name,
        "objects": [role],
        "scopes": azure_scopes(used, azure),
        "uncovered": [list(atom) for atom in azure_uncovered(user, used, role, azure)],
        "opens": data_powers(definition),
    }
    if world is not None:
        entry["notHeld"] = [list(atom) for atom in not_held(world, user, used, azure)]
    return entry
