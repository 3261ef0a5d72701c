"""A Service of type NodePort listens on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield NodePort Services: a way to pods that passes no load balancer and no gateway (specs b9)."""
    for service in view.services:
        spec = service.get("spec") or {}
        if spec.get("type") == "NodePort":
            ports = [str(item.get("nodePort") or "(given at creation)") for item in spec.get("ports") or []]
            yield Found(
                service,
                ("spec", "type"),
                "reached on the address of every node",
                f"node ports {', '.join(ports)}",
            )
