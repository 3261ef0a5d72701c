"""The Azure tables: Resource Graph's own, pools one by one, and the sub-resources Resource Graph lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.snapshot.tables.schema import Rows, Table, columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.snapshot.tables.index import Estate

CLUSTER = "microsoft.containerservice/managedclusters"
POOL = "microsoft.containerservice/managedclusters/agentpools"

RESOURCE_COLUMNS = columns("""
id          string   the resource id
name        string   the name
type        string   the type, lower case: `microsoft.containerservice/managedclusters`
tenantId    string   the tenant
kind        string   the kind, where the type has one
location    string   the region, lower case and without spaces
resourceGroup string the resource group, lower case
subscriptionId string the subscription
managedBy   string   the resource that manages this one
sku         dynamic  the SKU
plan        dynamic  the marketplace plan
properties  dynamic  the properties, in ARM's spelling
tags        dynamic  the tags
identity    dynamic  the managed identity
zones       dynamic  the zones
extendedLocation dynamic the extended location
apiVersion  string   the API version of the input, where it names one
""")

_STRINGS = frozenset(column.name for column in RESOURCE_COLUMNS if column.type == "string")
_NAMES = tuple(column.name for column in RESOURCE_COLUMNS)

_PREFIXES: tuple[tuple[str, str], ...] = (
    ("microsoft.insights/diagnosticsettings", "diagnosticsettings"),
    ("microsoft.containerservice/managedclusters/maintenanceconfigurations", "maintenanceconfigurations"),
    (POOL, "agentpools"),
    ("microsoft.authorization/", "authorizationresources"),
    ("microsoft.security/", "securityresources"),
    ("microsoft.policyinsights/", "policyresources"),
    ("microsoft.resources/subscriptions", "resourcecontainers"),
    ("microsoft.management/managementgroups", "resourcecontainers"),
)
"""Which table of Resource Graph holds which type; every other type is in `resources`.

Diagnostic settings and maintenance configurations are not in Resource Graph at all (specs b.6): they are
tables of our own and the controls that read them are not portable. Pools as resources of their own are in
`pools`.
"""


def table_of(resource_type: str) -> str:
    """Return the table that holds resources of this (lower-case) type."""
    for prefix, table in _PREFIXES:
        if resource_type.startswith(prefix):
            return table
    return "resources"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _resources(table: str) -> Rows:
    def rows(estate: Estate) -> Iterator[tuple[Any, ...]]:
        for subject, resource in estate.resources:
            if table_of(resource.type) != table:
                continue
            row = resource.row
            values = [_text(row.get(name)) if name in _STRINGS else row.get(name) for name in _NAMES]
            values[0] = subject.id
            yield tuple(values)

    return rows


def _target(resource_id: str) -> str:
    """Return the resource that an extension or child resource belongs to, lower case."""
    lowered = resource_id.lower()
    cut = lowered.rfind("/providers/microsoft.insights/")
    if cut < 0:
        cut = lowered.rfind("/maintenanceconfigurations/")
    return lowered[:cut] if cut > 0 else ""


def _attached(table: str) -> Rows:
    source = _resources(table)

    def rows(estate: Estate) -> Iterator[tuple[Any, ...]]:
        for row in source(estate):
            yield (row[0], row[1], _target(row[0]), row[_NAMES.index("properties")])

    return rows


def _pools(estate: Estate) -> Iterator[tuple[Any, ...]]:
    for pool in estate.pools():
        properties = pool.properties
        cluster = pool.cluster.row if pool.cluster is not None else {}
        yield (
            pool.subject.id,
            pool.subject.name,
            pool.cluster_id,
            _text(cluster.get("name")),
            _text(pool.resource.row.get("resourceGroup")),
            _text(pool.resource.row.get("subscriptionId")),
            _text(properties.get("mode")),
            # Service defaults: a pool without osType is Linux (ARM reference, agentPools).
            _text(properties.get("osType") or "Linux"),
            _text(properties.get("vmSize")),
            pool.path,
            properties,
        )


_ATTACHED = """
id          string   the resource id
name        string   the name
targetId    string   the resource it belongs to, lower case
properties  dynamic  the properties
"""

AZURE_TABLES: tuple[Table, ...] = (
    Table(
        "resources",
        "Azure resources, one row each, as Resource Graph shows them.",
        RESOURCE_COLUMNS,
        _resources("resources"),
    ),
    Table(
        "pools",
        "Node pools: those inside a cluster and those given as resources of their own, one row each.",
        columns("""
id          string   the resource id of the pool
name        string   the name
clusterId   string   the resource id of its cluster, as the cluster's row writes it
clusterName string   the name of its cluster
resourceGroup string the resource group, lower case
subscriptionId string the subscription
mode        string   System or User
osType      string   Linux or Windows
vmSize      string   the VM size
path        string   where the pool stands in its resource: `properties.agentPoolProfiles[0]`
properties  dynamic  the pool's properties
"""),
        _pools,
    ),
    Table(
        "diagnosticsettings",
        "Diagnostic settings (an ARM sub-resource that Resource Graph does not have).",
        columns(_ATTACHED),
        _attached("diagnosticsettings"),
    ),
    Table(
        "maintenanceconfigurations",
        "Maintenance configurations of clusters (an ARM sub-resource that Resource Graph does not have).",
        columns(_ATTACHED),
        _attached("maintenanceconfigurations"),
    ),
    *(
        Table(name, meaning, RESOURCE_COLUMNS, _resources(name))
        for name, meaning in (
            ("authorizationresources", "Role assignments and definitions."),
            ("securityresources", "Defender plans and assessments."),
            ("policyresources", "Policy assignments and states."),
            ("resourcecontainers", "Subscriptions, resource groups and management groups."),
        )
    ),
)
