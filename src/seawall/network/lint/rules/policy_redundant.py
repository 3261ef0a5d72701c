"""A policy could go and no connection of today would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View
    from seawall.network.rules import Policy

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield policies that select pods and whose absence leaves every answer as it is: both were worked out."""
    # A policy may be read as several: what it denies, what it allows, each of its specs. They go together.
    parts: dict[int, tuple[dict[str, Any], list[Policy]]] = {}
    for policy, raw in view.policies():
        parts.setdefault(id(raw), (raw, []))[1].append(policy)
    for raw, policies in parts.values():
        if len(parts) < 2 or not any(view.selected(policy) for policy in policies):
            continue
        matrix = view.matrix
        for policy in policies:
            matrix = matrix.replace(policy, None)
        if view.same(matrix):
            yield Found(
                raw,
                ("spec",),
                "without this policy every connection is the same",
                f"{view.matrix.classes} classes of ends compared, on every port",
            )
