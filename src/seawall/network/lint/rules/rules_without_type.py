"""A policy has rules for a direction that its policyTypes leave out: they are ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield directions with rules that the policy does not speak for."""
    for policy, raw in view.policies("networkpolicy"):
        for direction in Direction:
            if policy.rules(direction) and direction not in policy.isolates:
                yield Found(
                    raw,
                    ("spec", direction.value),
                    f"{len(policy.rules(direction))} {direction.value} rules are ignored",
                    f"policyTypes: {', '.join((raw['spec'].get('policyTypes')) or [])}",
                    f"add {direction.value.capitalize()} to policyTypes",
                )
