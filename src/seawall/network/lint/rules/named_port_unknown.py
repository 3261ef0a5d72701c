"""A rule names a port that no destination pod has: it matches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield named ports that no pod the rule may lead to gives a number (specs b1.6)."""
    for policy, raw in view.policies("networkpolicy"):
        for direction in Direction:
            for rule in policy.rules(direction):
                named = [
                    (place, port) for place, port in enumerate(rule.ports or ()) if port.name is not None
                ]
                if not named:
                    continue
                if direction is Direction.INGRESS:
                    targets = view.selected(policy)
                else:
                    targets = (
                        [pod for pod, _ in view.pods]
                        if rule.peers is None
                        else [pod for match in rule.peers for pod in view.matching(match)]
                    )
                for place, port in named:
                    if targets and not any((port.name, port.protocol) in pod.ports for pod in targets):
                        names = sorted(
                            {f"{name}/{protocol}" for pod in targets for name, protocol in pod.ports}
                        )
                        yield Found(
                            raw,
                            ("spec", direction.value, rule.index, "ports", place, "port"),
                            f"no destination pod has a port called {port.name!r} for {port.protocol}",
                            f"they have: {', '.join(names) or 'no named ports'}",
                        )
