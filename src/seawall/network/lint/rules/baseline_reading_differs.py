"""An admin policy speaks one way only: implementations disagree about the baseline the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield policies without rules in a direction that a baseline policy decides for the same pods (specs b2)."""
    baseline = list(view.policies("baseline"))
    for policy, raw in view.policies("admin"):
        for direction in Direction:
            other = Direction.INGRESS if direction is Direction.EGRESS else Direction.EGRESS
            if policy.rules(direction) or not policy.rules(other):
                continue
            for later, _ in baseline:
                pods = [pod for pod in view.selected(policy) if later.selects(pod, view.world.namespaces)]
                if later.rules(direction) and pods:
                    yield Found(
                        raw,
                        ("spec",),
                        f"{later.kind} {later.name} decides {direction.value} of the same pods",
                        f"{pods[0].key}: kube-network-policies skips the baseline here, others do not",
                    )
                    break
