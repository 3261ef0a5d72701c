"""A rule of an ordered policy is never reached: earlier rules decide all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield rules of ordered policies whose absence leaves every answer as it is (specs b2: first match)."""
    for policy, raw in view.policies("admin", "baseline", "calico"):
        if not view.selected(policy):
            continue
        for direction in Direction:
            rules = policy.rules(direction)
            for rule in {item.index: item for item in rules[1:]}.values():
                # A rule that names a Service stands for one of each of its ports.
                left = tuple(item for item in rules if item.index != rule.index)
                less = msgspec.structs.replace(policy, **{direction.value: left})
                if view.same(view.matrix.replace(policy, less)):
                    yield Found(
                        raw,
                        ("spec", direction.value, rule.index),
                        f"{rule.action.value} rule {rule.index} changes nothing",
                        "earlier rules, or what follows the tier, decide all that it speaks of",
                    )
