"""A rule without peers and ports: it allows everything from everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield rules that are `{}`: all peers, inside and outside, all ports (specs b1.3)."""
    for policy, raw in view.policies("networkpolicy"):
        for direction in Direction:
            for rule in policy.rules(direction):
                if rule.peers is None and rule.ports is None and direction in policy.isolates:
                    yield Found(
                        raw,
                        ("spec", direction.value, rule.index),
                        f"this rule allows all {direction.value}",
                        "every other rule of every policy over these pods is void in this direction",
                    )
