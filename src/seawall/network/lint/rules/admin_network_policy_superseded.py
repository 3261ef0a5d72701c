"""AdminNetworkPolicy of v1alpha1: ClusterNetworkPolicy of v1alpha2 takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield AdminNetworkPolicies and BaselineAdminNetworkPolicies (network-policy-api v1alpha2)."""
    for policy, raw in view.policies("admin", "baseline"):
        if policy.kind != "ClusterNetworkPolicy":
            tier = "Admin" if policy.tier == "admin" else "Baseline"
            yield Found(
                raw,
                ("apiVersion",),
                f"{policy.kind} has a successor",
                f"ClusterNetworkPolicy with tier {tier}, Accept for Allow, protocols for ports",
            )
