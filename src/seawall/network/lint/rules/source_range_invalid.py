"""A source range that AKS cannot read: the Service is closed to everyone not listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.load_balancer import read_access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield Services with a range that has host bits or is a bare address (specs b7.1, b7.2: fails closed)."""
    for service in view.services:
        if (service.get("spec") or {}).get("type") == "LoadBalancer":
            access = read_access(service)
            bad = [item for item in access.events if item.startswith("Invalid")]
            if bad:
                ranges = (service.get("spec") or {}).get("loadBalancerSourceRanges") or []
                yield Found(
                    service,
                    ("spec", "loadBalancerSourceRanges"),
                    "a range cannot be read",
                    f"{', '.join(bad)}: {', '.join(map(str, ranges)) or 'in the annotation'}; AKS adds deny-all",
                    "write network/prefix with the host bits cut: 10.0.0.0/8",
                )
