"""A Service lets the whole Internet in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.load_balancer import read_access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield LoadBalancer Services for which AKS opens its group to the Internet (specs b7.3)."""
    for service in view.services:
        if (service.get("spec") or {}).get("type") != "LoadBalancer":
            continue
        access = read_access(service)
        if access.from_internet and not access.error:
            ports = [str(item.get("port")) for item in (service.get("spec") or {}).get("ports") or []]
            yield Found(
                service,
                ("spec", "loadBalancerSourceRanges"),
                "the Internet may call this Service",
                f"AKS writes k8s-azure-lb_allow_* from Internet to ports {', '.join(ports)}",
                "loadBalancerSourceRanges, azure-allowed-service-tags, or azure-load-balancer-internal",
            )
