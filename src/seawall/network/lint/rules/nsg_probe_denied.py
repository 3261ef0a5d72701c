"""A group keeps the load balancer's health probes out: every backend looks dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.ask import WIRE_SERVER
from seawall.network.lint.edge import inbound, is_managed
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield groups that deny 168.63.129.16 inwards (specs b6, g: deny-all forgets the probes of 65001)."""
    if not any((service.get("spec") or {}).get("type") == "LoadBalancer" for service in view.services):
        return
    for group in view.groups:
        stop = inbound(view, group, WIRE_SERVER, 30_000)
        if stop.verdict == "deny" and not is_managed(stop.rule):
            yield Found(
                group,
                ("properties", "securityRules"),
                f"{stop.rule} keeps health probes out",
                f"AzureLoadBalancer -> TCP 30000 is denied by {stop.rule} ({stop.priority})",
                "allow the tag AzureLoadBalancer before it",
            )
