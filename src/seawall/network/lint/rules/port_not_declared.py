"""A rule opens a port that no container of the pods declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.lint.model import Found
from seawall.network.workloads import template_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield numbers of ingress rules that no selected pod listens on, by what its containers declare."""
    declared = {pod.key: _numbers(template_of(raw) or raw) for pod, raw in view.pods}
    for policy, raw in view.policies("networkpolicy"):
        pods = [pod for pod in view.selected(policy) if declared[pod.key]]
        numbers = {number for pod in pods for number in declared[pod.key]}
        for rule in policy.ingress if pods else ():
            for place, port in enumerate(rule.ports or ()):
                if port.low is None or port.name is not None:
                    continue
                high = port.high if port.high is not None else port.low
                if not any(
                    port.low <= number <= high and protocol == port.protocol for number, protocol in numbers
                ):
                    shown = ", ".join(f"{protocol} {number}" for number, protocol in sorted(numbers))
                    yield Found(
                        raw,
                        ("spec", "ingress", rule.index, "ports", place),
                        f"nothing declares {port.protocol} {port.low}",
                        f"the pods declare {shown}",
                    )


def _numbers(holder: dict[str, Any]) -> set[tuple[int, str]]:
    spec = holder.get("spec") or {}
    return {
        (port["containerPort"], str(port.get("protocol") or "TCP"))
        for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
        for port in container.get("ports") or []
        if isinstance(port.get("containerPort"), int)
    }
