"""What a role really opens: the powers of the attack catalogue, decided by the engines (specs b7, hidden grants)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import Attributes, User
from seawall.access.azure.actions import DataAction, Operations, map_request
from seawall.access.azure.roles import AzureAccess, RoleDefinition, read_azure
from seawall.access.paths.catalogue import POWERS, Need, Power
from seawall.access.rbac.matching import rule_allows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seawall.access.world import AccessWorld

# Requests that the AKS map lets through because it drops the subresource; no documentation lists them.
_HIDDEN = (
    ("pod-log", Need(("get",), "", "pods/log"), "logs of pods are read"),
    ("pod-proxy", Need(("get", "create"), "", "pods/proxy"), "requests go through the API server into pods"),
    ("service-proxy", Need(("get", "create"), "", "services/proxy"), "requests go into services"),
    ("pod-port-forward", Need(("get", "create"), "", "pods/portforward"), "ports of pods are reached"),
)
_ENTRA = User("somebody", (), "", (("oid", ("00000000-0000-4000-8000-000000000001",)),))


def kubernetes_roles(world: AccessWorld, name: str = "") -> list[dict[str, Any]]:
    """Return what cluster roles and roles open, by name."""
    every = [*world.rbac.cluster_roles.values(), *world.rbac.roles.values()]
    found = []
    for role in sorted(every, key=lambda each: (each.kind, each.namespace, each.name)):
        if name and role.name != name:
            continue
        rules = role.rules

        def allows(asked: Attributes, rules: Any = rules) -> bool:
            return any(rule_allows(rule, asked) for rule in rules)

        opens = _opens(allows, namespaced=bool(role.namespace))
        if opens or name:
            shown = "/".join(part for part in (role.kind, role.namespace, role.name) if part)
            found.append({"role": shown, "rules": len(rules), "opens": opens})
    return found


def azure_roles(rows: Iterable[dict[str, Any]], name: str = "") -> list[dict[str, Any]]:
    """Return what Azure roles open in an AKS cluster with Azure RBAC, by the authorizer's own map."""
    access: AzureAccess = read_azure(rows)
    found = []
    for role in sorted(access.roles.values(), key=lambda each: each.name):
        if name and name.lower() not in (role.name.lower(), role.id.lower()):
            continue
        opens = data_powers(role)
        if opens or name:
            found.append({"role": role.name, "id": role.id, "opens": opens})
    return found


def data_powers(role: RoleDefinition) -> list[dict[str, str]]:
    """Return the powers of a role's data actions: the map drops subresources, so they are more than its words say."""

    def allows(asked: Attributes) -> bool:
        mapping = map_request(msgspec.structs.replace(asked, user=_ENTRA), Operations())
        actions: tuple[DataAction, ...] = mapping.actions
        return bool(actions) and all(role.gives(action.id) for action in actions)

    return _opens(allows, namespaced=False)


def _opens(allows: Callable[[Attributes], bool], *, namespaced: bool) -> list[dict[str, str]]:
    opened = []
    for power in POWERS:
        if power.cluster_only and namespaced:
            continue
        if all(_any(allows, need) for need in power.needs):
            opened.append(_shown(power))
    opened += [{"id": key, "why": why} for key, need, why in _HIDDEN if _any(allows, need)]
    return opened


def _any(allows: Callable[[Attributes], bool], need: Need) -> bool:
    resource, _, below = need.resource.partition("/")
    return any(allows(Attributes(User(), verb, "", need.group, "*", resource, below)) for verb in need.verbs)


def _shown(power: Power) -> dict[str, str]:
    return {"id": power.id, "why": power.why}
