"""One policy keeps the metadata endpoint out and another opens it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import IMDS, Found
from seawall.network.model import Packet, Peer
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield policies with an exception for the endpoint over pods that reach it all the same (specs b1.9)."""
    for policy, raw in view.policies("networkpolicy"):
        for rule in policy.egress:
            for number, match in enumerate(rule.peers or ()):
                if (
                    match.block is None
                    or IMDS not in match.block
                    or not any(item.version == 4 and IMDS in item for item in match.excepted)
                ):
                    continue
                for pod in view.selected(policy):
                    answer = view.world.direction(
                        Direction.EGRESS, Packet(Peer(pod=pod), Peer(address=IMDS), "TCP", 80)
                    )
                    if answer.policy is not None and answer.verdict.value == "allow":
                        other = answer.policy
                        yield Found(
                            raw,
                            ("spec", "egress", rule.index, "to", number, "ipBlock", "except"),
                            f"{other.kind} {other.namespace}/{other.name} opens the endpoint again",
                            f"{pod.key} -> {IMDS} TCP 80 is allowed by its rule {answer.rule.index if answer.rule else ''}",
                        )
                        break
