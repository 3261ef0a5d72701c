"""A Calico or Cilium policy of its own kind, on an engine or in a form that AKS does not support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield policies of Calico's and Cilium's own APIs where another engine runs (specs b3, b4)."""
    owners = {"crd.projectcalico.org": "calico", "projectcalico.org": "calico", "cilium.io": "cilium"}
    for raw in view.objects:
        owner = owners.get(str(raw.get("apiVersion") or "").partition("/")[0])
        if owner is None or not str(raw.get("kind")).endswith("NetworkPolicy"):
            continue
        if view.engines and owner not in view.engines:
            yield Found(
                raw,
                ("apiVersion",),
                f"{owner} does not run here",
                f"engines: {', '.join(view.engines)}; the policy does nothing",
            )
        elif owner == "calico":
            yield Found(
                raw,
                ("apiVersion",),
                "AKS supports Kubernetes policies alone on Calico",
                "this one is neither blocked nor supported",
            )
