"""Which of the Azure forms a document is, and the resources that it holds."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from seawall.snapshot.model import AzureResource, Origin, Path, Unread
from seawall.sources.azure.found import Found
from seawall.sources.azure.normal import looks_like_resource, normalise

_GRAPH: Final = frozenset({"count", "totalrecords", "total_records", "skip_token", "skiptoken", "$skiptoken",
                           "resulttruncated", "facets", "nextlink", "value", "data"})  # fmt: skip


def read_azure(value: Any, origin: Origin) -> Found:
    """Recognise the form of a document that is no Kubernetes object, and read its resources.

    Never raises for odd content: what cannot be read is in `unread`, what is nothing of ours has a `reason`.
    """
    if isinstance(value, list):
        return _list(value, origin, ())
    if not isinstance(value, dict):
        return Found(reason="neither Kubernetes nor Azure: a single value")
    schema = str(value.get("$schema") or "").lower()
    if "deploymentparameters.json" in schema:
        return Found(reason="parameters of an ARM template: read with the template that they belong to")
    if "deploymenttemplate.json" in schema or _is_template(value):
        from seawall.sources.azure.template import read_template  # noqa: PLC0415 - only where there is one

        return read_template(value, origin)
    if "planned_values" in value or ("resource_changes" in value and "format_version" in value):
        from seawall.sources.azure.terraform import read_plan  # noqa: PLC0415 - as above

        return read_plan(value, origin)
    if looks_like_resource(value):
        return Found(resources=(_one(value, origin, ()),))
    for key in ("data", "value"):
        inner = value.get(key)
        if {name.lower() for name in value} <= _GRAPH:
            if isinstance(inner, list) and inner:
                return _list(inner, origin, (key,))
            if isinstance(inner, list):
                return Found(reason="an empty list of Azure resources")
            if isinstance(inner, dict) and isinstance(inner.get("columns"), list):
                return _table(inner, origin, (key,))
    if isinstance(value.get("data"), dict) and isinstance(value["data"].get("columns"), list):
        return _table(value["data"], origin, ("data",))
    return Found(reason=_what(value))


def _is_template(value: dict[str, Any]) -> bool:
    resources = value.get("resources")
    parts = list(resources.values()) if isinstance(resources, dict) else resources
    return (
        isinstance(parts, list)
        and "type" not in value
        and any(
            isinstance(part, dict) and "/" in str(part.get("type")) and "apiVersion" in part for part in parts
        )
    )


def _list(values: list[Any], origin: Origin, path: Path) -> Found:
    resources: list[AzureResource] = []
    unread: list[Unread] = []
    odd = 0
    for index, value in enumerate(values):
        if isinstance(value, list):
            found = _list(value, origin, (*path, index))
            resources.extend(found.resources)
            unread.extend(found.unread)
        elif looks_like_resource(value):
            resources.append(_one(value, origin, (*path, index)))
        else:
            odd += 1
    if resources and odd:
        unread.append(Unread(origin.file, f"{odd} of {len(values)} entries are no Azure resources"))
    if not resources:
        return Found(unread=tuple(unread), reason="a list of neither Kubernetes nor Azure resources")
    return Found(tuple(resources), tuple(unread))


def _one(value: dict[str, Any], origin: Origin, path: Path) -> AzureResource:
    place = Origin(origin.file, origin.document, (*origin.path, *path))
    has_bag = any(key.lower() == "properties" and isinstance(part, dict) for key, part in value.items())
    row = "subscriptionId" in value and "tenantId" in value
    return normalise(value, place, "arg" if row else "arm" if has_bag else "az")


def _table(table: dict[str, Any], origin: Origin, path: Path) -> Found:
    names = [str(column.get("name")) for column in table["columns"] if isinstance(column, dict)]
    resources: list[AzureResource] = []
    odd = 0
    for index, values in enumerate(table.get("rows") or []):
        row = dict(zip(names, values, strict=False)) if isinstance(values, list) else {}
        if not looks_like_resource(row):
            odd += 1
            continue
        steps = (*origin.path, *path, "rows", index)
        resource = normalise(row, Origin(origin.file, origin.document, steps), "arg")
        places = {name: (place,) for place, name in enumerate(names)}
        origins: dict[str, Path] = {name: places[name] for name in resource.row if name in places}
        for normal, steps_in_row in resource.origins.items():
            head = steps_in_row[:1]
            if head and head[0] in places:
                origins[normal] = (*places[str(head[0])], *steps_in_row[1:])
        resources.append(msgspec.structs.replace(resource, origins=origins))
    unread = (Unread(origin.file, f"{odd} rows have no id and type"),) if odd else ()
    if not resources:
        return Found(unread=unread, reason="a table without Azure resources")
    return Found(tuple(resources), unread)


def _what(value: dict[str, Any]) -> str:
    """Name well-known files that are neither, so that the list of what was passed over reads well."""
    keys = value.keys()
    if {"apiVersion", "name", "version"} <= keys:
        return "a Helm chart's description"
    if "services" in keys and ("version" in keys or "volumes" in keys or "networks" in keys):
        return "a Compose file"
    if "jobs" in keys and ("on" in keys or "true" in keys):
        return "a GitHub workflow"
    if {"name", "dependencies"} <= keys or {"name", "scripts"} <= keys:
        return "a package description"
    if "trigger" in keys or "stages" in keys or "pool" in keys:
        return "an Azure Pipelines file"
    if "$schema" in keys and "contentVersion" in keys:
        return "an ARM document without resources"
    return "neither Kubernetes nor Azure"
