"""Small estates for the labelled examples of controls: a few words stand for a whole snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from seawall.snapshot import AzureResource, KubernetesObject, Origin, Snapshot

NOW = datetime(2026, 11, 21, tzinfo=UTC)
"""The day that the examples are judged at: calendars and image ages are theirs of that day."""

CLUSTER_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/aks"
)


def snapshot_of(given: dict[str, Any]) -> Snapshot:
    """Make the snapshot that an example describes: cluster, pool, pools, resources, objects."""
    resources: list[dict[str, Any]] = list(given.get("resources", ()))
    objects: list[dict[str, Any]] = list(given.get("objects", ()))
    if "cluster" in given:
        resources.append(_cluster(given["cluster"]))
    pools = [given["pool"]] if "pool" in given else given.get("pools")
    if pools is not None:
        profiles = [{"name": "pool", **pool} for pool in pools]
        properties: dict[str, Any] = {"agentPoolProfiles": profiles}
        if "version" in given:
            properties["kubernetesVersion"] = given["version"]
        resources.append(_cluster({"properties": properties}))
    return Snapshot(
        objects=tuple(KubernetesObject(raw, Origin("example.yaml", n)) for n, raw in enumerate(objects)),
        resources=tuple(AzureResource(row, Origin("example.json", n)) for n, row in enumerate(resources)),
    )


def _cluster(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": CLUSTER_ID,
        "name": "aks",
        "type": "microsoft.containerservice/managedclusters",
        "location": "westeurope",
        "resourceGroup": "rg",
        "subscriptionId": "00000000-0000-0000-0000-000000000000",
        "properties": {},
        **body,
    }
