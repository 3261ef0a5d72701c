"""A policy selects no pod: it does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"
_FIELD = {"networkpolicy": "podSelector", "calico": "selector", "cilium": "endpointSelector"}


def check(view: View) -> Iterator[Found]:
    """Yield policies of a namespace whose selector no pod of that namespace meets."""
    spaces = {pod.namespace for pod, _ in view.pods}
    for policy, raw in view.policies("networkpolicy", "calico", "cilium"):
        if policy.namespace in spaces and not view.selected(policy):
            labels = sorted(
                {
                    f"{k}={v}"
                    for pod, _ in view.pods
                    if pod.namespace == policy.namespace
                    for k, v in pod.labels.items()
                }
            )
            yield Found(
                raw,
                ("spec", _FIELD[policy.tier.partition("/")[0]]),
                "no pod of this namespace is selected",
                f"labels there: {', '.join(labels[:8]) or 'none'}",
            )
