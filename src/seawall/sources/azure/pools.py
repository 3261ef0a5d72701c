"""The node pools of clusters: inline profiles and child resources are two ways to write the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.snapshot.model import AzureResource  # noqa: TC001 - msgspec reads the annotation
from seawall.sources.azure.casing import CLUSTER, POOL

if TYPE_CHECKING:
    from seawall.snapshot.model import Snapshot


class Pool(msgspec.Struct, frozen=True):
    """One node pool. `properties` are ARM's names; `path` is where they stand in `resource`, dotted.

    `cluster` is None for a pool whose cluster was not read; `unknown` are dotted paths below the pool.
    """

    name: str
    properties: dict[str, Any]
    resource: AzureResource
    path: str
    cluster: AzureResource | None
    unknown: frozenset[str] = frozenset()


def pools_of(snapshot: Snapshot) -> list[Pool]:
    """Return every pool once, clusters in their order, inline profiles before child resources.

    A pool that is written both ways is one pool: the child resource says more, and wins.
    """
    clusters = {item.id.lower(): item for item in snapshot.resources if item.type == CLUSTER}
    children: dict[str, dict[str, AzureResource]] = {}
    for item in snapshot.resources:
        if item.type == POOL:
            parent = item.id.lower().rpartition("/agentpools/")[0]
            children.setdefault(parent, {})[str(item.row.get("name") or "").lower()] = item
    pools: list[Pool] = []
    for parent, cluster in clusters.items():
        own = children.pop(parent, {})
        profiles = cluster.row.get("properties", {}).get("agentPoolProfiles")
        for index, profile in enumerate(profiles if isinstance(profiles, list) else ()):
            if not isinstance(profile, dict):
                continue
            name = str(profile.get("name") or "")
            if name and name.lower() in own:
                pools.append(_child(own.pop(name.lower()), cluster))
                continue
            path = f"properties.agentPoolProfiles[{index}]"
            properties = {key: value for key, value in profile.items() if key != "name"}
            pools.append(Pool(name, properties, cluster, path, cluster, _below(cluster.unknown, path)))
        pools.extend(_child(item, cluster) for item in own.values())
    for rest in children.values():
        pools.extend(_child(item, None) for item in rest.values())
    return pools


def _child(item: AzureResource, cluster: AzureResource | None) -> Pool:
    properties = item.row.get("properties")
    return Pool(
        str(item.row.get("name") or ""),
        properties if isinstance(properties, dict) else {},
        item,
        "properties",
        cluster,
        _below(item.unknown, "properties"),
    )


def _below(unknown: frozenset[str], path: str) -> frozenset[str]:
    return frozenset(
        name[len(path) :].lstrip(".")
        for name in unknown
        if name == path or name.startswith((path + ".", path + "["))
    )
