"""The cluster enforces no network policies: these are accepted and do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield clusters without a policy engine where policies were read."""
    policies = sum(1 for _ in view.policies())
    for cluster in view.clusters:
        profile = (cluster.get("properties") or {}).get("networkProfile") or {}
        name = str(profile.get("networkPolicy") or "none").lower()
        if policies and name == "none" and str(profile.get("networkDataplane") or "").lower() != "cilium":
            yield Found(
                cluster,
                ("properties", "networkProfile", "networkPolicy"),
                "no engine enforces policies",
                f"{policies} policies were read",
            )
