"""Ranges in the spec and in the annotation: AKS changes nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.load_balancer import BOTH_LISTS, read_access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield Services with both lists (specs b7.1)."""
    for service in view.services:
        if (service.get("spec") or {}).get("type") == "LoadBalancer" and read_access(
            service
        ).error == BOTH_LISTS:
            yield Found(
                service,
                ("spec", "loadBalancerSourceRanges"),
                "two lists of ranges",
                BOTH_LISTS,
                "keep one of them",
            )
