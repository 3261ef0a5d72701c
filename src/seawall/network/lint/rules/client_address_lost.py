"""A block of client addresses behind a Service that hides them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield ingress blocks over pods of a Service with externalTrafficPolicy Cluster (specs b1.13: SNAT)."""
    for service in view.services:
        spec = service.get("spec") or {}
        if (
            spec.get("type") not in {"LoadBalancer", "NodePort"}
            or spec.get("externalTrafficPolicy") == "Local"
        ):
            continue
        behind = {pod.key for pod in view.behind(service)}
        for policy, raw, match, path in view.peers():
            if (
                path[1] == "ingress"
                and match.block is not None
                and behind & {pod.key for pod in view.selected(policy)}
            ):
                name = (service.get("metadata") or {}).get("name")
                yield Found(
                    raw,
                    (*path, "ipBlock"),
                    f"Service {name} replaces the client's address by a node's",
                    f"{match.block} is compared with the node's address",
                    "externalTrafficPolicy: Local, or loadBalancerSourceRanges on the Service",
                )
