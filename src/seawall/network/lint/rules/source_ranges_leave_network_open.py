"""Source ranges do not hold back the virtual network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.load_balancer import read_access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield Services whose ranges stand without deny-all: default rule 65000 lets the network in (Azure/AKS 1696)."""
    for service in view.services:
        if (service.get("spec") or {}).get("type") != "LoadBalancer":
            continue
        access = read_access(service)
        if access.ranges and not access.deny_all and not access.from_internet and not access.error:
            yield Found(
                service,
                ("spec", "loadBalancerSourceRanges"),
                "the virtual network and its peers still get in",
                "rule 65000 AllowVnetInBound comes after the ranges and allows",
                "annotation azure-deny-all-except-load-balancer-source-ranges: 'true'",
            )
