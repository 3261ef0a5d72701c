"""A container takes a port of its node: it is reached past Services and gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.workloads import template_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield pods with hostPort and without hostNetwork (specs b9)."""
    for pod, raw in view.pods:
        spec = (template_of(raw) or raw).get("spec") or {}
        for container in spec.get("containers") or [] if not pod.host else ():
            for port in container.get("ports") or []:
                if port.get("hostPort"):
                    yield Found(
                        raw,
                        ("spec",),
                        f"port {port['hostPort']} of the node leads to {pod.key}",
                        f"container {container.get('name')}: {port.get('containerPort')} on host port {port['hostPort']}",
                    )
