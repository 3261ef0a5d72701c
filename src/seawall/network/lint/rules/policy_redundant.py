"""A policy could go and no connection of today would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield policies that select pods and whose absence leaves every answer as it is: both were worked out."""
    for policy, raw in view.policies():
        if (
            len(view.estate.policies) > 1
            and view.selected(policy)
            and view.same(view.matrix.replace(policy, None))
        ):
            yield Found(
                raw,
                ("spec",),
                "without this policy every connection is the same",
                f"{view.matrix.classes} classes of ends compared, on every port",
            )
