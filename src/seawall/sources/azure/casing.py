"""The spelling of ARM: property names, add-on keys and locations, whatever case they were written in."""

from __future__ import annotations

import functools
import importlib.resources
from typing import Any, Final

import msgspec

from seawall.snapshot.model import Path  # noqa: TC001 - used in a signature that msgspec-free readers look up
from seawall.snapshot.paths import dotted, parse_path

Tree = dict[str, Any]

CLUSTER: Final = "microsoft.containerservice/managedclusters"
POOL: Final = "microsoft.containerservice/managedclusters/agentpools"

_ADDONS: Final = {
    name.lower(): name
    for name in (
        "omsagent", "azurepolicy", "httpApplicationRouting", "azureKeyvaultSecretsProvider", "kubeDashboard",
        "aciConnectorLinux", "ingressApplicationGateway", "ACCSGXDevicePlugin", "openServiceMesh", "gitops",
        "extensionManager",
    )
}  # fmt: skip
"""Add-on names as the AKS service writes them: the keys are free text, and all cases occur in templates."""

_ADDON_CONFIG: Final = {
    name.lower(): name
    for name in (
        "logAnalyticsWorkspaceResourceID", "enableSecretRotation", "rotationPollInterval", "useAADAuth", "version",
        "HTTPApplicationRoutingZoneName", "applicationGatewayId", "applicationGatewayName", "subnetCIDR", "subnetId",
        "SubnetName", "effectiveApplicationGatewayId",
    )
}  # fmt: skip
_FREE: Final = ""
_ANY: Final = "*"


@functools.cache
def properties_tree(resource_type: str) -> Tree | None:
    """Return the names of a type's `properties`, level by level; None for a type that has no table."""
    if resource_type not in {CLUSTER, POOL}:
        return None
    table = importlib.resources.files("seawall.sources.azure").joinpath("aks_properties.json").read_bytes()
    tree: Tree = msgspec.json.decode(table)["properties"]
    if resource_type == POOL:
        pool: Tree = tree["agentPoolProfiles"]
        return pool
    return tree


@functools.cache
def _by_folded_name(names: frozenset[str]) -> dict[str, str]:
    # az writes `scan-interval` as `scanInterval`.
    return {name.replace("-", "").lower(): name for name in names}


class Folder:
    """Rewrites one value to ARM's spelling, and notes where the spelling of the file is another one."""

    def __init__(self) -> None:
        self.origins: dict[str, Path] = {}

    def fold(self, value: Any, tree: Tree | None, at: Path, source: Path) -> Any:
        """Return the value in the normal form; `at` are its normal steps, `source` its steps in the file.

        A property that is null is left out: az prints every unset property, ARM none of them.
        """
        if isinstance(value, dict):
            return self._map(value, tree, at, source)
        if isinstance(value, list):
            return [self.fold(part, tree, (*at, index), (*source, index)) for index, part in enumerate(value)]
        return value

    def _map(self, value: dict[str, Any], tree: Tree | None, at: Path, source: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, part in value.items():
            if part is None:
                continue
            if key == "resourceGroup" and "id" in value and at and at != ("properties",):
                continue  # az adds the group of every id that it prints
            name, inner = self._name(key, tree, at)
            if name in found and key != name:
                continue  # both spellings are there: ARM's own wins
            if name != key:
                self.origins[dotted((*at, name))] = (*source, key)
            found[name] = self.fold(part, inner, (*at, name), (*source, key))
        return found

    def _name(self, key: str, tree: Tree | None, at: Path) -> tuple[str, Tree | None]:
        if tree is None:
            return key, None
        if _FREE in tree:
            if len(at) == 4 and at[1] == "addonProfiles" and at[3] == "config":
                return _ADDON_CONFIG.get(key.lower(), key), None
            return key, None
        if _ANY in tree:
            name = _ADDONS.get(key.lower(), key) if at == ("properties", "addonProfiles") else key
            return name, tree[_ANY]
        if key in tree:
            return key, tree[key]
        known = _by_folded_name(frozenset(tree)).get(key.replace("-", "").lower())
        return (known, tree[known]) if known else (key, None)


def fold_path(path: str, resource_type: str) -> str:
    """Rewrite a dotted path below a resource (`properties.aadProfile.enableAzureRbac`) to ARM's spelling."""
    steps = parse_path(path)
    if not steps or steps[0] != "properties":
        return path
    tree = properties_tree(resource_type)
    folder = Folder()
    done: list[str | int] = ["properties"]
    for step in steps[1:]:
        if isinstance(step, int):
            done.append(step)
            continue
        name, tree = folder._name(step, tree, tuple(done))  # noqa: SLF001 - the same module
        done.append(name)
    return dotted(done)


def location(text: str) -> str:
    """Return a location as Resource Graph does: `Australia East` is `australiaeast`."""
    return text.replace(" ", "").lower()
