"""A pod in the host's network: no policy holds it, whatever it selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield pods with hostNetwork whose labels a policy of their namespace asks for (specs b1.11)."""
    for pod, raw in view.pods:
        if not pod.host:
            continue
        for policy, _ in view.policies("networkpolicy"):
            selector = policy.subject.pods
            if policy.namespace == pod.namespace and (selector is None or selector.matches(pod.labels)):
                ways = ", ".join(way.value for way in Direction if way in policy.isolates)
                yield Found(
                    raw,
                    ("spec",),
                    f"NetworkPolicy {policy.namespace}/{policy.name} seems to hold {pod.key} and does not",
                    f"hostNetwork: true; {ways} stays open, the metadata endpoint too",
                )
                break
