"""How many addresses a cluster needs of each subnet: nodes, pods, surge, front ends (specs b8).

Source: azure-aks-docs concepts-network-ip-address-planning.md @546865d (2026-11-20).
"""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CLUSTER = "microsoft.containerservice/managedclusters"
_VNET = "microsoft.network/virtualnetworks"
RESERVED = 5
"""Addresses of every subnet that Azure keeps."""
POD_BLOCK = 16
"""Pods of a subnet of their own take addresses a /28 at a time."""
OVERLAY_PER_NODE = 24
"""An overlay gives each node a /24 of the pod range."""
DEFAULT_PODS = {"overlay": 250, "pod-subnet": 110, "node-subnet": 30, "kubenet": 110}
"""maxPods where a pool says nothing, by the way pods get addresses."""
FORBIDDEN = tuple(
    ipaddress.ip_network(text)
    for text in ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
)
"""Ranges that AKS keeps for itself."""
_INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"


class Part(msgspec.Struct, frozen=True):
    """What one pool takes of a subnet; `text` says how it was worked out."""

    pool: str
    addresses: int
    text: str


class Plan(msgspec.Struct, frozen=True):
    """What one subnet must hold. `free` is None where the subnet was not read; `prefix` is what would do."""

    cluster: dict[str, Any]
    subnet: str
    use: str
    parts: tuple[Part, ...]
    needed: int
    free: int | None
    prefix: int


def plans(resources: Iterable[dict[str, Any]], objects: Iterable[dict[str, Any]] = ()) -> list[Plan]:
    """Return a plan for every subnet and overlay range of every cluster, in the order of the clusters."""
    rows = list(resources)
    sizes = dict(_subnet_sizes(rows))
    clusters = [row for row in rows if str(row.get("type") or "").lower() == _CLUSTER]
    internal = sum(_is_internal(raw) for raw in objects) if len(clusters) == 1 else 0
    found: list[Plan] = []
    for cluster in clusters:
        found += _cluster_plans(cluster, sizes, internal)
    return found


def _cluster_plans(cluster: dict[str, Any], sizes: dict[str, int], internal: int) -> Iterator[Plan]:
    properties = cluster.get("properties") or {}
    profile = properties.get("networkProfile") or {}
    nodes: dict[str, list[Part]] = {}
    pods: dict[str, list[Part]] = {}
    overlay: list[Part] = []
    for pool in properties.get("agentPoolProfiles") or []:
        name = str(pool.get("name") or "")
        subnet = str(pool.get("vnetSubnetID") or "").lower()
        way = way_of(profile, pool)
        count, surge = pool_size(pool)
        most = int(pool.get("maxPods") or DEFAULT_PODS[way])
        all_nodes = count + surge
        if way == "node-subnet":
            text = f"({count} nodes + {surge} surge) x (1 + {most} pods)"
            nodes.setdefault(subnet, []).append(Part(name, all_nodes * (1 + most), text))
            continue
        nodes.setdefault(subnet, []).append(Part(name, all_nodes, f"{count} nodes + {surge} surge"))
        if way == "pod-subnet":
            blocks = math.ceil(most / POD_BLOCK)
            text = f"({count} nodes + {surge} surge) x {blocks} blocks of {POD_BLOCK}"
            where = str(pool.get("podSubnetID")).lower()
            pods.setdefault(where, []).append(Part(name, all_nodes * blocks * POD_BLOCK, text))
        elif way == "overlay":
            text = f"({count} nodes + {surge} surge) x a /{OVERLAY_PER_NODE}"
            overlay.append(Part(name, all_nodes << (32 - OVERLAY_PER_NODE), text))
    for place, (subnet, parts) in enumerate(nodes.items()):
        more = [Part("", internal, f"{internal} internal front ends")] if internal and not place else []
        yield _plan(cluster, subnet or "(managed by AKS)", "nodes", [*parts, *more], sizes.get(subnet))
    for subnet, parts in pods.items():
        yield _plan(cluster, subnet, "pods", parts, sizes.get(subnet))
    if overlay:
        text = str(profile.get("podCidr") or "10.244.0.0/16")
        free = ipaddress.ip_network(text, strict=False).num_addresses
        yield _plan(cluster, text, "overlay", overlay, free, reserved=0)


def _plan(
    cluster: dict[str, Any],
    subnet: str,
    use: str,
    parts: list[Part],
    free: int | None,
    reserved: int = RESERVED,
) -> Plan:
    needed = sum(part.addresses for part in parts)
    return Plan(cluster, subnet, use, tuple(parts), needed, free, smallest_prefix(needed, reserved))


def smallest_prefix(needed: int, reserved: int = RESERVED) -> int:
    """Return the longest IPv4 prefix whose usable addresses are enough (2^k less what is reserved)."""
    return 32 - max(needed + reserved - 1, 1).bit_length()


def way_of(profile: dict[str, Any], pool: dict[str, Any]) -> str:
    """Return how a pool's pods get addresses: overlay, pod-subnet, node-subnet or kubenet."""
    plugin = str(profile.get("networkPlugin") or "").lower()
    if str(profile.get("networkPluginMode") or "").lower() == "overlay":
        return "overlay"
    if plugin == "kubenet":
        return "kubenet"
    return "pod-subnet" if pool.get("podSubnetID") else "node-subnet"


def pool_size(pool: dict[str, Any]) -> tuple[int, int]:
    """Return the most nodes of a pool and the nodes that an upgrade adds; a percentage is rounded up."""
    scaled = pool.get("enableAutoScaling") is True
    count = int((pool.get("maxCount") if scaled else pool.get("count")) or 0)
    text = str((pool.get("upgradeSettings") or {}).get("maxSurge") or "1")
    if text.endswith("%"):
        return count, math.ceil(count * int(text[:-1]) / 100)
    return count, int(text)


def _subnet_sizes(rows: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for row in rows:
        if str(row.get("type") or "").lower() != _VNET:
            continue
        for item in (row.get("properties") or {}).get("subnets") or []:
            body = item.get("properties") or {}
            texts = body.get("addressPrefixes") or [body.get("addressPrefix")]
            v4 = [
                ipaddress.ip_network(str(text), strict=False)
                for text in texts
                if text and ":" not in str(text)
            ]
            if v4:
                identity = str(item.get("id") or f"{row.get('id')}/subnets/{item.get('name')}").lower()
                yield identity, sum(network.num_addresses - RESERVED for network in v4)


def _is_internal(raw: dict[str, Any]) -> bool:
    annotations = (raw.get("metadata") or {}).get("annotations") or {}
    return (
        raw.get("kind") == "Service"
        and (raw.get("spec") or {}).get("type") == "LoadBalancer"
        and str(annotations.get(_INTERNAL)).lower() == "true"
    )


def clashes(
    resources: Iterable[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...], str, str]]:
    """Yield (cluster, path, message, witness) for ranges that overlap each other or a forbidden one."""
    for row in resources:
        if str(row.get("type") or "").lower() != _CLUSTER:
            continue
        profile = (row.get("properties") or {}).get("networkProfile") or {}
        ranges = [
            (name, ipaddress.ip_network(str(profile[name]), strict=False))
            for name in ("podCidr", "serviceCidr")
            if profile.get(name)
        ]
        for place, (name, network) in enumerate(ranges):
            path = ("properties", "networkProfile", name)
            for forbidden in FORBIDDEN:
                if network.version == 4 and network.overlaps(forbidden):
                    yield row, path, f"{name} {network} overlaps a range that AKS keeps", str(forbidden)
            for other, second in ranges[place + 1 :]:
                if network.version == second.version and network.overlaps(second):
                    yield row, path, f"{name} and {other} overlap", f"{network} and {second}"
        service = next((network for name, network in ranges if name == "serviceCidr"), None)
        if service is not None and service.version == 4:
            path = ("properties", "networkProfile", "serviceCidr")
            if service.prefixlen <= 12:
                yield row, path, "serviceCidr must be smaller than a /12", str(service)
            address = str(profile.get("dnsServiceIP") or "")
            if address and ipaddress.ip_address(address) == service.network_address + 1:
                dns = ("properties", "networkProfile", "dnsServiceIP")
                yield row, dns, "dnsServiceIP must not be the first address of serviceCidr", address
