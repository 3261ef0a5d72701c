"""Two list items where one was meant: namespace OR pods, not namespace AND pods."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield rules with a namespaceSelector alone right before a podSelector alone (specs b1.4)."""
    for policy, raw in view.policies("networkpolicy"):
        for direction, field, rules in (("ingress", "from", policy.ingress), ("egress", "to", policy.egress)):
            for rule in rules:
                peers = rule.peers or ()
                for number, (left, right) in enumerate(pairwise(peers)):
                    alone = left.namespaces is not None and left.pods is None
                    if alone and right.block is None and right.namespaces is None and right.pods is not None:
                        more = [pod.key for pod in view.matching(left) if not right.pods.matches(pod.labels)]
                        if more:
                            yield Found(
                                raw,
                                ("spec", direction, rule.index, field, number),
                                "the namespace alone is a peer, whatever the pod's labels",
                                f"{more[0]} is meant too",
                                "without the second dash both selectors must hold",
                            )
