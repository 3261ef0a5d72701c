"""A pod reaches the platform's wire server, which hands out the node's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import WIRE_SERVER, Found
from seawall.network.rules import Direction
from seawall.snapshot.tables.index import SYSTEM_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield pods that policies hold outwards and that still reach 168.63.129.16 by TCP 80 (specs a, g)."""
    for pod, raw in view.pods:
        if (
            pod.namespace not in SYSTEM_NAMESPACES
            and view.isolated(pod, Direction.EGRESS)
            and view.reaches(pod, WIRE_SERVER, "TCP", 80)
        ):
            yield Found(
                raw,
                (),
                f"{pod.key} reaches the wire server",
                f"{pod.key} -> {WIRE_SERVER} TCP 80 is allowed",
                "except 168.63.129.16/32 too; DNS of the node does not go this way for pods",
            )
