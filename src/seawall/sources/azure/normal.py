"""From one resource in any spelling to its Resource Graph row (specs/posture.md b.6 and b.8)."""

from __future__ import annotations

import re
from typing import Any, Final

from seawall.snapshot.model import AzureResource, Origin, Path
from seawall.sources.azure.casing import Folder, location, properties_tree

COLUMNS: Final = (
    "id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy", "sku",
    "plan", "properties", "tags", "identity", "zones", "extendedLocation", "apiVersion",
)  # fmt: skip
_BY_CASE: Final = {name.lower(): name for name in COLUMNS} | {"resourceid": "id", "resourcetype": "type"}
_NOT_PROPERTIES: Final = frozenset({"etag", "systemdata", "resourceuid", "resourcename", "resources", "dependson",
                                    "condition", "comments", "copy", "scope", "parent", "existing"})  # fmt: skip
_ID: Final = re.compile(
    r"(?:/subscriptions/(?P<subscription>[^/]+))?(?:/resourceGroups/(?P<group>[^/]+))?(?:/providers/.*)?",
    re.IGNORECASE,
)
PLACEHOLDER: Final = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
"""The scope of what a template deploys: subscription and group are chosen only when it is deployed."""


def looks_like_resource(value: Any) -> bool:
    """Say whether a value is an Azure resource of any form: it has a type with a slash, and an id or a body."""
    if not isinstance(value, dict):
        return False
    folded = {key.lower(): part for key, part in value.items()} if len(value) < 200 else {}
    kind = folded.get("type")
    if not (isinstance(kind, str) and "/" in kind):
        kind = folded.get("resourcetype")
    identity = folded.get("id") or folded.get("resourceid")
    if isinstance(kind, str) and "/" in kind and "." in kind.partition("/")[0]:
        return isinstance(identity, str) or "properties" in folded or "name" in folded
    # The body of a GET need not have its type: the id says it.
    return (
        isinstance(identity, str)
        and bool(type_of_id(identity))
        and ("properties" in folded or "name" in folded)
    )


def type_of_id(identity: str) -> str:
    """Return the type that an id names, lower case: `microsoft.insights/diagnosticsettings`; empty if none."""
    head, found, tail = identity.lower().rpartition("/providers/")
    if not found:
        parts = identity.lower().strip("/").split("/")
        if len(parts) == 4 and parts[0] == "subscriptions" and parts[2] == "resourcegroups":
            return "microsoft.resources/subscriptions/resourcegroups"
        return ""
    del head
    parts = tail.split("/")
    return "/".join([parts[0], *parts[1::2]]) if len(parts) >= 3 else ""


def normalise(
    body: dict[str, Any],
    origin: Origin,
    form: str,
    *,
    unknown: frozenset[str] = frozenset(),
    source: Path = (),
) -> AzureResource:
    """Bring one resource to its row.

    `body` may be ARM JSON, a Resource Graph row, or flat as az prints it; `source` are the steps from `origin`
    to it. `unknown` are dotted paths of the body whose value is not known.
    """
    row: dict[str, Any] = {}
    origins: dict[str, Path] = {}
    flat: dict[str, Any] = {}
    for key, value in body.items():
        folded = key.lower()
        name = _BY_CASE.get(folded)
        if name is not None:
            if value is not None and value != "" and (name not in row or key == name):
                row[name] = value
                if key != name or source:
                    origins[name] = (*source, key)
        elif folded not in _NOT_PROPERTIES:
            flat[key] = value
    kind = _type(row, body)
    row["type"] = kind
    bag = row.get("properties")
    steps: Path = origins.get("properties", (*source, "properties"))
    pool_type = kind.endswith("/agentpools")
    if not isinstance(bag, dict):
        bag, steps = flat, source
        origins["properties"] = source
        if pool_type:
            # az prints the pool's own `type` under this name, because `type` is the resource's.
            for own in ("typePropertiesType", "type_properties_type"):
                if own in bag:
                    bag = {**{key: value for key, value in bag.items() if key != own}, "type": bag[own]}
                    origins["properties.type"] = (*source, own)
    folder = Folder()
    row["properties"] = folder.fold(bag, properties_tree(kind), ("properties",), steps)
    origins.update({key: steps for key, steps in folder.origins.items() if key not in origins})
    for name in ("sku", "identity", "plan", "tags", "extendedLocation"):
        if isinstance(row.get(name), dict):
            row[name] = {key: value for key, value in row[name].items() if value is not None}
    if isinstance(row.get("location"), str):
        row["location"] = location(row["location"])
    _identify(row)
    return AzureResource(row={name: row[name] for name in COLUMNS if name in row}, origin=origin, form=form,
                         unknown=unknown, origins=origins)  # fmt: skip


def _type(row: dict[str, Any], body: dict[str, Any]) -> str:
    kind = row.get("type")
    if not (isinstance(kind, str) and "/" in kind):
        kind = next((body[key] for key in body if key.lower() == "resourcetype"), "")
    if not (isinstance(kind, str) and "/" in kind):
        kind = type_of_id(str(row.get("id") or ""))
    return str(kind).lower()


def _identify(row: dict[str, Any]) -> None:
    """Derive subscription, group and name from the id, which is the authority for them."""
    identity = row.get("id")
    if isinstance(identity, str) and identity and (match := _ID.fullmatch(identity)):
        if match["subscription"] and "{" not in match["subscription"]:
            row["subscriptionId"] = match["subscription"].lower()
        if match["group"] and "{" not in match["group"]:
            row["resourceGroup"] = match["group"].lower()
        row["name"] = identity.rstrip("/").rpartition("/")[2] or row.get("name")
    if isinstance(row.get("name"), str):
        row["name"] = row["name"].rpartition("/")[2]
    if isinstance(row.get("resourceGroup"), str):
        row["resourceGroup"] = row["resourceGroup"].lower()
