"""AKS opened a port on its group and a group of yours on the subnet still denies it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.edge import blocked_services
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield Services that the subnet's group keeps closed (specs b7.9; Azure/AKS issues 674, 1485)."""
    for service, group, port, stop, source in blocked_services(view):
        name = (service.get("metadata") or {}).get("name")
        yield Found(
            group,
            ("properties", "securityRules"),
            f"AKS opened {port} for Service {name}, this group still denies it",
            f"{source} -> {name}:{port} is denied by {stop.rule} ({stop.priority})",
            "add an allow rule for the Service's address to this group",
        )
