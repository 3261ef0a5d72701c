"""Pods of a namespace are open inwards: nothing holds a pod by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.model import Pod
from seawall.network.rules import Direction
from seawall.snapshot.tables.index import SYSTEM_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield namespaces with pods where a new pod without labels would not be isolated inwards."""
    first = {pod.namespace: (pod, raw) for pod, raw in reversed(view.pods)}
    for name, (pod, raw) in sorted(first.items()):
        if name not in SYSTEM_NAMESPACES and not view.isolated(Pod(name, "new", {}), Direction.INGRESS):
            yield Found(
                raw,
                (),
                f"namespace {name} has no policy that holds every pod inwards",
                f"a new pod beside {pod.key} would take every connection",
                "add a NetworkPolicy with an empty podSelector and policyTypes [Ingress, Egress]",
            )
