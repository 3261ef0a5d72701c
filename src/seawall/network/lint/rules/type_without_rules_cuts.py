"""A policy isolates a direction and has no rule for it, among rules for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View
    from seawall.network.model import Pod

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield policies with rules one way whose other way is isolated and closed by every policy."""
    for policy, raw in view.policies("networkpolicy"):
        for direction in Direction:
            other = Direction.INGRESS if direction is Direction.EGRESS else Direction.EGRESS
            if direction in policy.isolates and not policy.rules(direction) and policy.rules(other):
                pods = [pod for pod in view.selected(policy) if not _opened(view, pod, direction)]
                if pods:
                    yield Found(
                        raw,
                        ("spec", "policyTypes"),
                        f"{direction.value} is isolated and nothing opens it",
                        f"{pods[0].key} has no {direction.value} at all",
                    )


def _opened(view: View, pod: Pod, direction: Direction) -> bool:
    return any(
        direction in policy.isolates
        and policy.rules(direction)
        and policy.selects(pod, view.world.namespaces)
        for policy in view.world.by_namespace.get(pod.namespace, ())
    )
