"""`egress: []` without policyTypes: egress is not held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield policies that seem to deny all egress and isolate ingress alone (specs b1.2)."""
    for policy, raw in view.policies("networkpolicy"):
        spec = raw.get("spec") or {}
        if "egress" in spec and not spec["egress"] and not spec.get("policyTypes"):
            pods = view.selected(policy)
            yield Found(
                raw,
                ("spec", "egress"),
                "an empty egress list without policyTypes holds nothing",
                f"{pods[0].key if pods else 'a pod'} may call everything",
                "write policyTypes: [Ingress, Egress]",
            )
