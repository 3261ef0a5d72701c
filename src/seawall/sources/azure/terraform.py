"""Terraform plans (`terraform show -json`): what azurerm will write, in ARM's names.

`planned_values` hold what is known before the apply, `after_unknown` what is not: such a path goes to `unknown`
and never reads as absent. A computed attribute that is not set is unknown as well: the service chooses it.
"""

from __future__ import annotations

import functools
import importlib.resources
import itertools
from collections import Counter
from typing import Any, Final

import msgspec

from seawall.snapshot.model import AzureResource, Origin, Path, Unread
from seawall.snapshot.paths import dotted, parse_path
from seawall.sources.azure.casing import CLUSTER
from seawall.sources.azure.found import Found
from seawall.sources.azure.maintenance import in_week, window
from seawall.sources.azure.normal import PLACEHOLDER, normalise
from seawall.sources.azure.references import Configuration

_CRITICAL: Final = "CriticalAddonsOnly=true:NoSchedule"
_MAX_MODULES: Final = 64
_WINDOWS: Final = {
    "maintenance_window": "default",
    "maintenance_window_auto_upgrade": "aksManagedAutoUpgradeSchedule",
    "maintenance_window_node_os": "aksManagedNodeOSUpgradeSchedule",
}


@functools.cache
def _table() -> dict[str, Any]:
    data = importlib.resources.files("seawall.sources.azure").joinpath("terraform_names.json").read_bytes()
    table: dict[str, Any] = msgspec.json.decode(data)["resources"]
    return table


class _Planned(msgspec.Struct):
    """One resource of the plan, and where it stands."""

    address: str
    module: str
    body: dict[str, Any]
    at: Path
    unknown: Any


def read_plan(plan: dict[str, Any], origin: Origin) -> Found:
    """Read the resources of a plan's JSON."""
    unread: list[Unread] = []
    changes = {
        str(change.get("address")): change.get("change") or {}
        for change in plan.get("resource_changes") or []
        if isinstance(change, dict)
    }
    planned: list[_Planned] = []
    values = plan.get("planned_values")
    root = values.get("root_module") if isinstance(values, dict) else None
    if isinstance(root, dict):
        _collect(root, ("planned_values", "root_module"), "", changes, planned)
    if plan.get("errored") is True:
        unread.append(Unread(origin.file, "the plan ended with an error: it is not whole"))
    configuration = Configuration(plan.get("configuration"), {item.address for item in planned})
    ids: dict[str, str] = {}
    others: Counter[str] = Counter()
    found: list[AzureResource] = []
    for item in sorted(planned, key=_parents_first):
        kind = str(item.body.get("type"))
        if kind == "azapi_resource":
            resource = _azapi(item, origin)
            if resource is not None:
                ids[item.address] = resource.id
                found.append(resource)
            continue
        if kind not in _table():
            others[kind] += 1
            continue
        resources = _Reader(item, _table()[kind], origin, configuration, ids).read()
        ids[item.address] = resources[0].id
        found.extend(resources)
    reason = ""
    if others:
        names = ", ".join(sorted(others))
        reason = f"{others.total()} Terraform resources of types that no control reads: {names}"
    elif not found:
        reason = "a Terraform plan without resources"
    return Found(tuple(found), tuple(unread), reason)


def _collect(
    module: dict[str, Any],
    at: Path,
    name: str,
    changes: dict[str, Any],
    out: list[_Planned],
    *,
    depth: int = 0,
) -> None:
    for index, body in enumerate(module.get("resources") or []):
        if (
            isinstance(body, dict)
            and body.get("mode", "managed") == "managed"
            and isinstance(body.get("values"), dict)
        ):
            address = str(body.get("address"))
            unknown = changes.get(address, {}).get("after_unknown")
            out.append(_Planned(address, name, body, (*at, "resources", index), unknown))
    if depth < _MAX_MODULES:
        for index, child in enumerate(module.get("child_modules") or []):
            if isinstance(child, dict):
                _collect(
                    child,
                    (*at, "child_modules", index),
                    str(child.get("address")),
                    changes,
                    out,
                    depth=depth + 1,
                )


def _parents_first(item: _Planned) -> int:
    kind = str(item.body.get("type"))
    return (
        0
        if kind == "azurerm_kubernetes_cluster"
        else 2
        if kind == "azurerm_monitor_diagnostic_setting"
        else 1
    )


class _Reader:
    """Writes one resource of azurerm as ARM would hold it."""

    def __init__(
        self,
        item: _Planned,
        table: dict[str, Any],
        origin: Origin,
        configuration: Configuration,
        ids: dict[str, str],
    ) -> None:
        self._item = item
        self._table = table
        self._origin = origin
        self._configuration = configuration
        self._ids = ids
        self._body: dict[str, Any] = {}
        self._unknown: set[str] = set()
        self._origins: dict[str, Path] = {}
        self._values: dict[str, Any] = item.body["values"]

    def read(self) -> list[AzureResource]:
        """Return the resource, and those that azurerm writes inside of it (maintenance windows)."""
        unknown = self._item.unknown if isinstance(self._item.unknown, dict) else {}
        self._block(self._values, unknown, self._table["attributes"], (), "")
        self._computed()
        identity = self._values.get("identity")
        if isinstance(identity, list) and identity and isinstance(identity[0], dict):
            self._identity(identity[0])
        kind: str = self._table["type"]
        name = str(self._values.get("name") or "")
        if "name" not in self._values:
            self._unknown.add("name")
        self._body |= {"type": kind, "name": name, "id": self._id(kind, name)}
        if kind.lower() == CLUSTER:
            self._cluster()
        if "{subscriptionId}" in self._body["id"]:
            self._unknown.add("subscriptionId")
        if "{resourceGroupName}" in self._body["id"]:
            self._unknown.add("resourceGroup")
        at = (*self._item.at, "values")
        place = Origin(self._origin.file, self._origin.document, (*self._origin.path, *at))
        resource = normalise(self._body, place, "terraform", unknown=frozenset(self._unknown))
        resource = msgspec.structs.replace(resource, origins=self._origins | {"properties": ()})
        return [resource, *self._windows(resource.id, place)]

    def _id(self, kind: str, name: str) -> str:
        known = self._values.get("id")
        if isinstance(known, str) and known:
            return known
        for field, tail in (("parent", f"/agentPools/{name}"), ("scope", f"/providers/{kind}/{name}")):
            if field in self._table:
                attribute = self._table[field]
                owner = self._values.get(attribute)
                if not isinstance(owner, str):
                    address = self._configuration.target(self._item.address, attribute)
                    owner = self._ids.get(address or "")
                if owner is None:
                    self._unknown.add("id")
                    owner = f"{PLACEHOLDER}/providers/{{{attribute}}}"
                return owner + tail
        group = self._values.get("resource_group_name")
        scope = (
            PLACEHOLDER.replace("{resourceGroupName}", group)
            if isinstance(group, str) and group
            else PLACEHOLDER
        )
        return f"{scope}/providers/{kind}/{name}"

    def _cluster(self) -> None:
        sku = self._body.get("sku")
        if isinstance(sku, dict):
            sku.setdefault("name", "Base")
        pools = self._body.get("properties", {}).get("agentPoolProfiles")
        if isinstance(pools, list) and pools and isinstance(pools[0], dict):
            # The default pool is always a system pool of Linux; azurerm has no attributes for that.
            pools[0].setdefault("mode", "System")
            pools[0].setdefault("osType", "Linux")

    def _identity(self, block: dict[str, Any]) -> None:
        identity: dict[str, Any] = {"type": str(block.get("type")).replace(", ", ",").replace(",", ", ")}
        ids = block.get("identity_ids")
        if isinstance(ids, list) and ids:
            identity["userAssignedIdentities"] = {str(one): {} for one in ids}
        self._body["identity"] = identity
        self._origins["identity"] = ("identity", 0)

    def _block(self, values: Any, unknown: Any, table: dict[str, Any], at: Path, prefix: str) -> None:
        """Carry the attributes of one block over; `prefix` is the ARM path that relative targets start from."""
        values = values if isinstance(values, dict) else {}
        unknown = unknown if isinstance(unknown, dict) else {}
        for path, value in table.get("+", {}).items():
            self._set(prefix + path, value, at)
        for attribute, target in table.items():
            if attribute in {"+", "[]", "*"}:
                continue
            value, open_ = values.get(attribute), unknown.get(attribute)
            steps = (*at, attribute)
            if isinstance(target, dict):
                self._inner(value, open_, target, steps, prefix)
            elif open_ is True:
                self._unknown.update(_paths(target, prefix))
            elif value is not None and value != "":
                self._convert(target, value, steps, prefix)
                self._partly(target, open_, prefix)
        if "*" in table:
            for attribute, value in values.items():
                if value is not None:
                    words = attribute.split("_")
                    name = words[0] + "".join(word.title() for word in words[1:])
                    self._set(f"{prefix}{table['*']}.{name}", value, (*at, attribute))

    def _partly(self, target: str, open_: Any, prefix: str) -> None:
        """Note the unknown elements of a list and the unknown keys of a map."""
        if isinstance(open_, list):
            parts: list[tuple[str | int, Any]] = list(enumerate(open_))
        elif isinstance(open_, dict):
            parts = list(open_.items())
        else:
            return
        for path in _paths(target, prefix):
            for key, part in parts:
                if part is True:
                    self._unknown.add(dotted((*parse_path(path), key)))

    def _inner(self, value: Any, open_: Any, table: dict[str, Any], steps: Path, prefix: str) -> None:
        if open_ is True:
            self._unknown.update(_all_paths(table, prefix))
            return
        blocks = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        opens = open_ if isinstance(open_, list) else [open_] if isinstance(open_, dict) else []
        if "[]" in table:
            path = prefix + table["[]"]
            for index, block in enumerate(blocks):
                start = len(_get(self._body, parse_path(path)) or [])
                inner = opens[index] if index < len(opens) else None
                self._block(block, inner, table, (*steps, index), f"{path}[{start}].")
        elif blocks or opens:
            # AKS has at most one of each of these blocks.
            self._block(
                blocks[0] if blocks else None, opens[0] if opens else None, table, (*steps, 0), prefix
            )

    def _convert(self, target: str, value: Any, steps: Path, prefix: str) -> None:
        word, _, path = target.rpartition(":")
        path = prefix + path
        if word == "ignore":
            return
        if word == "not":
            value = not value
        elif word == "text":
            value = ("true" if value else "false") if isinstance(value, bool) else value
        elif word == "switch":
            value = "Enabled" if value else "Disabled"
        elif word == "status":
            value = "enabled" if value else "disabled"
        elif word == "critical":
            if value is not True:
                return
            taints = _get(self._body, parse_path(path)) or []
            value = [*taints, _CRITICAL]
        self._set(path, value, steps)

    def _set(self, path: str, value: Any, steps: Path) -> None:
        target = parse_path(path)
        _put(self._body, target, value)
        self._origins[path] = steps
        # What ARM nests deeper than azurerm stands at the block, or at the one attribute that makes it.
        holder = steps[:-1] or steps
        for length in range(len(target) - 1, 1, -1):
            self._origins.setdefault(dotted(target[:length]), holder)

    def _computed(self) -> None:
        """Mark what the service chooses where nothing is set (specs/posture.md b.11)."""
        for attribute in self._table.get("computed", ()):
            table: Any = self._table["attributes"]
            values: Any = self._values
            for step in attribute.split("."):
                if not isinstance(values, dict):
                    break
                table, values = table[step], values.get(step)
                if isinstance(values, list):
                    values = values[0] if values else None
            else:
                if values is None or values == "":
                    prefix = ""
                    paths = _all_paths(table, prefix) if isinstance(table, dict) else _paths(table, prefix)
                    if not any(_get(self._body, parse_path(path)) is not None for path in paths):
                        self._unknown.update(paths)

    def _windows(self, cluster: str, place: Origin) -> list[AzureResource]:
        found: list[AzureResource] = []
        for attribute, name in _WINDOWS.items():
            blocks = self._values.get(attribute)
            if not isinstance(blocks, list) or not blocks or not isinstance(blocks[0], dict):
                continue
            body = {
                "id": f"{cluster}/maintenanceConfigurations/{name}",
                "type": "Microsoft.ContainerService/managedClusters/maintenanceConfigurations",
                "properties": in_week(blocks[0])
                if name == "default"
                else {"maintenanceWindow": window(blocks[0])},
            }
            steps = Origin(place.file, place.document, (*place.path, attribute, 0))
            resource = normalise(body, steps, "terraform")
            found.append(msgspec.structs.replace(resource, origins={"properties": ()}))
        return found


def _azapi(item: _Planned, origin: Origin) -> AzureResource | None:
    """Read an `azapi_resource`, whose body is ARM JSON already."""
    values = item.body["values"]
    kind = str(values.get("type") or "").partition("@")[0]
    body = values.get("body")
    if isinstance(body, str):
        try:
            body = msgspec.json.decode(body)
        except msgspec.DecodeError:
            body = None
    if not kind or "/" not in kind:
        return None
    unknown: set[str] = set()
    open_ = item.unknown.get("body") if isinstance(item.unknown, dict) else None
    if open_ is True:
        unknown.add("properties")
    parent = values.get("parent_id")
    scope = parent if isinstance(parent, str) and parent else PLACEHOLDER
    name = str(values.get("name") or "")
    tail = kind.rpartition("/")[2]
    nested = "/providers/" in scope
    identity = f"{scope}/{tail}/{name}" if nested else f"{scope}/providers/{kind}/{name}"
    row = {**body} if isinstance(body, dict) else {}
    row |= {key: values[key] for key in ("location", "tags") if values.get(key)}
    row |= {"id": identity, "type": kind, "name": name}
    place = Origin(origin.file, origin.document, (*origin.path, *item.at, "values"))
    resource = normalise(row, place, "terraform", unknown=frozenset(unknown))
    origins: dict[str, Path] = {"properties": ("body", "properties"), "sku": ("body", "sku")}
    origins |= {key: ("body", *steps) for key, steps in resource.origins.items()}
    return msgspec.structs.replace(resource, origins=origins)


def _paths(target: str, prefix: str) -> list[str]:
    word, _, path = target.rpartition(":")
    return [] if word == "ignore" else [prefix + path]


def _all_paths(table: dict[str, Any], prefix: str) -> list[str]:
    """Return the ARM paths that a whole block would write; a shared head stands for them where there is one."""
    if "[]" in table:
        return [prefix + table["[]"]]
    found: list[str] = [prefix + path for path in table.get("+", {})]
    for attribute, target in table.items():
        if attribute in {"+", "[]"}:
            continue
        found.extend(_all_paths(target, prefix) if isinstance(target, dict) else _paths(target, prefix))
    heads = {".".join(path.split(".")[:2]) for path in found}
    if len(heads) == 1 and len(found) > 1 and "[" not in next(iter(heads)) and _whole(next(iter(heads))):
        return sorted(heads)
    return found


def _whole(head: str) -> bool:
    # These properties are written by one block alone, so that the block stands for all of them.
    return head in {"properties.networkProfile", "properties.aadProfile", "properties.autoScalerProfile",
                    "properties.storageProfile", "properties.httpProxyConfig"}  # fmt: skip


def _get(value: Any, steps: Path) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _put(target: dict[str, Any], steps: Path, value: Any) -> None:
    place: Any = target
    for step, following in itertools.pairwise(steps):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            while len(place) <= step:
                place.append({})
            place = place[step]
        else:
            place = place.setdefault(step, empty)
    last = steps[-1]
    place[last] = value
