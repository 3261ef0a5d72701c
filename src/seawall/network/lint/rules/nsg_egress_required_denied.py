"""A group keeps nodes from what AKS needs outside."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from seawall.network.lint.edge import cluster_subnet_groups, required_egress
from seawall.network.lint.model import Found
from seawall.network.nsg import Flow, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield groups of node subnets that deny required egress (specs b8: outbound-rules-control-egress.md)."""
    outside = ipaddress.ip_address("20.42.0.1")
    for group, nsg, topology, (node, _) in cluster_subnet_groups(view):
        for name, protocol, port in required_egress(view):
            stop = decide(nsg, Flow("outbound", protocol.lower(), node, 50_000, outside, port), topology)
            if stop.verdict == "deny":
                yield Found(
                    group,
                    ("properties", "securityRules"),
                    f"{stop.rule} denies {protocol} {port}, which nodes need for {name}",
                    f"{node} -> {outside} {protocol} {port} is denied by {stop.rule} ({stop.priority})",
                )
