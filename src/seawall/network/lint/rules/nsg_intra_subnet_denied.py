"""A group of the nodes' subnet cuts nodes and pods off from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.edge import INSIDE, cluster_subnet_groups
from seawall.network.lint.model import Found
from seawall.network.nsg import Flow, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield groups of node subnets that deny traffic within the network (specs b8: not supported)."""
    for group, nsg, topology, (one, two) in cluster_subnet_groups(view):
        for direction in ("inbound", "outbound"):
            stop = decide(nsg, Flow(direction, "tcp", one, 50_000, two, 10_250), topology)
            if stop.verdict == "deny":
                yield Found(
                    group,
                    ("properties", "securityRules"),
                    f"{stop.rule} cuts nodes off from each other",
                    f"{one} -> {two} TCP 10250 {direction} is denied by {stop.rule} ({stop.priority})",
                    INSIDE,
                )
