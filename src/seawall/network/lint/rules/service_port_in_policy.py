"""A rule opens the port of a Service where packets carry the port of the pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield ingress rules that open a Service's port and not its targetPort (specs b1.13: after DNAT)."""
    for policy, raw in view.policies("networkpolicy"):
        chosen = {pod.key for pod in view.selected(policy)}
        for service in view.services if chosen else ():
            if not chosen & {pod.key for pod in view.behind(service)}:
                continue
            for port in (service.get("spec") or {}).get("ports") or []:
                number, target = port.get("port"), port.get("targetPort")
                if not isinstance(target, int) or target == number:
                    continue
                for rule in policy.ingress:
                    ports = rule.ports or ()
                    if any(item.low == number for item in ports) and not any(
                        item.low is not None and item.low <= target <= (item.high or item.low)
                        for item in ports
                    ):
                        name = (service.get("metadata") or {}).get("name")
                        yield Found(
                            raw,
                            ("spec", "ingress", rule.index, "ports"),
                            f"{number} is the port of Service {name}; its pods are reached on {target}",
                            f"a packet to {name}:{number} arrives at the pod on {target}",
                            f"open {target}",
                        )
