"""A pod that no policy isolates stands among pods that are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield pods without a policy inwards in namespaces where other pods have one."""
    held = {pod.namespace for pod, _ in view.pods if not pod.host and view.isolated(pod, Direction.INGRESS)}
    for pod, raw in view.pods:
        if pod.namespace in held and not pod.host and not view.isolated(pod, Direction.INGRESS):
            yield Found(
                raw, (), f"no policy isolates {pod.key} inwards", "other pods of the namespace are isolated"
            )
