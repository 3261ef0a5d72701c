"""Pods of a namespace are held inwards and open outwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.model import Pod
from seawall.network.rules import Direction
from seawall.snapshot.tables.index import SYSTEM_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield namespaces where a new pod would be isolated inwards and not outwards."""
    first = {pod.namespace: raw for pod, raw in reversed(view.pods)}
    for name, raw in sorted(first.items()):
        new = Pod(name, "new", {})
        if (
            name not in SYSTEM_NAMESPACES
            and view.isolated(new, Direction.INGRESS)
            and not view.isolated(new, Direction.EGRESS)
        ):
            yield Found(
                raw,
                (),
                f"namespace {name} is held inwards only",
                "a pod that is taken over may call anything outside",
            )
