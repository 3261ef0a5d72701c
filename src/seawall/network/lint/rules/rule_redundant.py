"""A rule allows nothing that other rules do not allow already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield rules of NetworkPolicies whose absence leaves every answer as it is."""
    for policy, raw in view.policies("networkpolicy"):
        if not view.selected(policy):
            continue
        for direction in Direction:
            rules = policy.rules(direction)
            if direction not in policy.isolates or len(rules) < 2:
                continue
            for rule in rules:
                if any(not view.matching(match) and match.block is None for match in rule.peers or ()):
                    continue  # a peer that means nobody is said by another rule
                left = tuple(item for item in rules if item is not rule)
                less = msgspec.structs.replace(policy, **{direction.value: left})
                if view.same(view.matrix.replace(policy, less)):
                    yield Found(
                        raw,
                        ("spec", direction.value, rule.index),
                        "without this rule every connection is the same",
                        "other rules allow all that it allows",
                    )
