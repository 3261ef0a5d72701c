"""Two policies of one tier and priority match the same packet: which wins is undefined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View
    from seawall.network.rules import Rule

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield policies of equal tier and priority that disagree about a packet, with that packet (specs b2)."""
    listed = list(view.policies("admin", "baseline"))
    for place, (left, raw) in enumerate(listed):
        for right, _ in listed[place + 1 :]:
            if (left.tier, left.priority) != (right.tier, right.priority):
                continue
            pods = [pod for pod in view.selected(left) if right.selects(pod, view.world.namespaces)]
            for direction in Direction if pods else ():
                for mine in left.rules(direction):
                    theirs = [
                        item
                        for item in right.rules(direction)
                        if item.action is not mine.action and _meet(view, mine, item)
                    ]
                    if theirs:
                        yield Found(
                            raw,
                            ("spec", "priority"),
                            f"{right.kind} {right.name} has priority {right.priority} too and says {theirs[0].action.value}",
                            f"{direction.value} of {pods[0].key}: rule {mine.index} here {mine.action.value}, rule {theirs[0].index} there {theirs[0].action.value}",
                        )
                        break


def _meet(view: View, left: Rule, right: Rule) -> bool:
    """Tell whether some end and some port are in both rules."""
    matrix = view.matrix
    if left.peers is not None and right.peers is not None:
        mine = matrix.membership[[matrix.place(item) for item in left.peers]].any(axis=0)
        theirs = matrix.membership[[matrix.place(item) for item in right.peers]].any(axis=0)
        if not (mine & theirs).any():
            return False
    return any(
        matrix.ports.mask(left.ports, names) & matrix.ports.mask(right.ports, names)
        for names in matrix.people.resolutions
    )
