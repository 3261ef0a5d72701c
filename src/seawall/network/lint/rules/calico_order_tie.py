"""Two Calico policies of one tier have the same order: their names decide which is asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield policies of equal order that are about one pod and disagree (felix: names break ties)."""
    listed = list(view.policies("calico"))
    for place, (left, raw) in enumerate(listed):
        for right, _ in listed[place + 1 :]:
            if (left.stage, left.priority) != (right.stage, right.priority):
                continue
            pods = [pod for pod in view.selected(left) if right.selects(pod, view.world.namespaces)]
            for direction in Direction if pods else ():
                mine = {rule.action for rule in left.rules(direction)}
                theirs = {rule.action for rule in right.rules(direction)}
                if mine and theirs and len(mine | theirs) > 1:
                    first = min((left, right), key=lambda item: item.tie)
                    yield Found(
                        raw,
                        ("spec", "order"),
                        f"{right.kind} {right.name} has the same order",
                        f"{direction.value} of {pods[0].key}: {first.name} is asked first, by its name alone",
                        "give them different orders",
                    )
                    break
