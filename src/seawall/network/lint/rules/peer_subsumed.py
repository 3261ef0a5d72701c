"""A peer of a rule is contained in another of the same rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield peers whose every end another peer of the rule means too: the classes of the matrix show it."""
    for policy, raw in view.policies("networkpolicy"):
        for direction, field, rules in (("ingress", "from", policy.ingress), ("egress", "to", policy.egress)):
            for rule in rules:
                peers = rule.peers or ()
                rows = [view.matrix.membership[view.matrix.place(match)] for match in peers]
                for number, mine in enumerate(rows):
                    for other, theirs in enumerate(rows):
                        if (
                            number != other
                            and mine.any()
                            and not (mine & ~theirs).any()
                            and ((mine != theirs).any() or other < number)
                        ):
                            yield Found(
                                raw,
                                ("spec", direction, rule.index, field, number),
                                f"peer {other} of the rule means all of these already",
                                f"{int(mine.sum())} classes of ends, all within the {int(theirs.sum())} of peer {other}",
                            )
                            break
