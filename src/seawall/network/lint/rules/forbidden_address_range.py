"""The cluster's own ranges overlap what AKS keeps for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.plan import clashes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield pod, service and subnet ranges that overlap each other or a forbidden one (specs b8)."""
    for cluster, path, message, witness in clashes(view.resources):
        yield Found(cluster, path, message, witness)
