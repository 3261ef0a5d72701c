"""Properties are shown as evidence, and the verdict hangs on another one (specs A2: ca324d71)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "warning"


def check(flow: Flow) -> Iterator[Found]:
    """Find queries that read two or more properties besides the one that all predicates look at."""
    if flow.verdict:
        return
    decided = {path for path in flow.decided() if path[0] == "properties"}
    if len(decided) != 1:
        return
    chosen = next(iter(decided))
    others = {
        read.path: read.pos
        for read in reversed(flow.reads)
        if read.path[0] == "properties" and "[]" not in read.path
    }
    spare = [
        path
        for path in others
        if path != chosen and path[: len(chosen)] != chosen and chosen[: len(path)] != path
    ]
    if len(spare) > 1:
        names = ", ".join(dotted(path) for path in sorted(spare))
        yield Found(
            others[min(spare)],
            f"{names} are read and decide nothing: only {dotted(chosen)} does",
            "is that the property this query is about?",
        )
