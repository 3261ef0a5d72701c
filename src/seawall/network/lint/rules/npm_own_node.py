"""Azure NPM does not filter what a pod sends to its own node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield policies that deny egress to the pods' own nodes on Azure NPM (azure-container-networking #2786)."""
    if not any(name.startswith("npm-") for name in view.engines):
        return
    for policy, raw in view.policies("networkpolicy"):
        if Direction.EGRESS not in policy.isolates:
            continue
        for pod in view.selected(policy):
            node = next(iter(pod.node_addresses), None)
            if node is not None and not view.reaches(pod, node, "TCP", 10_250):
                yield Found(
                    raw,
                    ("spec", "egress"),
                    "the pod's own node stays within reach",
                    f"{pod.key} -> {node} TCP 10250 is denied here and let through by NPM",
                )
                break
