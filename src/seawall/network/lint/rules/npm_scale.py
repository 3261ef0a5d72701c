"""The cluster is larger than Azure NPM supports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield clusters on Azure NPM past 250 nodes or 20,000 pods (specs b5; use-network-policies.md @025967d)."""
    if not any(name.startswith("npm-") for name in view.engines):
        return
    nodes, pods = len({id(raw) for _, raw in view.estate.nodes}), len(view.estate.pods)
    for cluster in view.clusters:
        pools = (cluster.get("properties") or {}).get("agentPoolProfiles") or []
        most = sum(
            int((pool.get("maxCount") if pool.get("enableAutoScaling") else pool.get("count")) or 0)
            for pool in pools
        )
        if max(nodes, most) > 250 or pods > 20_000:
            yield Found(
                cluster,
                ("properties", "networkProfile", "networkPolicy"),
                "Azure NPM is made for 250 nodes and 20,000 pods",
                f"{max(nodes, most)} nodes, {pods} pods",
                "move to Cilium",
            )
