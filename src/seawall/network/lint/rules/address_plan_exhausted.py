"""The subnet has fewer addresses than nodes, pods and surge need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.plan import plans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield subnets that an upgrade's surge exhausts (specs b8: usable are 2^k - 5)."""
    for plan in plans(view.resources, view.objects):
        if plan.free is not None and plan.needed > plan.free:
            yield Found(
                plan.cluster,
                ("properties", "agentPoolProfiles"),
                f"{plan.subnet} has {plan.free} addresses, {plan.needed} are needed",
                "; ".join(f"{part.pool}: {part.text}" for part in plan.parts),
                f"a /{plan.prefix} would do",
            )
