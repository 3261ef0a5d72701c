"""A Calico policy that went past the API server of Calico says no types: it closes both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.engines import owner_of
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield policies of crd.projectcalico.org without types (felix: no types means ingress and egress)."""
    for _, raw in view.policies("calico"):
        spec = raw.get("spec") or {}
        direct = owner_of(raw) == "calico" and str(raw.get("apiVersion")).startswith("crd.")
        if direct and not spec.get("types") and not (spec.get("ingress") and spec.get("egress")):
            given = "ingress" if spec.get("ingress") else "egress" if spec.get("egress") else "neither"
            yield Found(
                raw,
                ("spec", "types"),
                "without types it governs ingress and egress",
                f"rules of {given} are written; what they do not speak of is denied",
                "write types, or apply it as projectcalico.org/v3",
            )
