"""A pod reaches the metadata endpoint of its node, over all policies together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import IMDS, Found
from seawall.snapshot.tables.index import SYSTEM_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield pods that reach 169.254.169.254 port 80 (specs b1.9: the union counts, not one policy)."""
    for pod, raw in view.pods:
        if pod.namespace not in SYSTEM_NAMESPACES and view.reaches(pod, IMDS, "TCP", 80):
            yield Found(
                raw,
                (),
                f"{pod.key} reaches the metadata endpoint",
                f"{pod.key} -> {IMDS} TCP 80 is allowed",
                "seawall network isolate-metadata writes the policies",
            )
