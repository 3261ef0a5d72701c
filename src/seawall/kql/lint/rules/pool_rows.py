"""After mv-expand a cluster is there once for each pool; without the pool's name the rows look the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "info"


def check(flow: Flow) -> Iterator[Found]:
    """Find expansions of pools whose name is neither read nor grouped away."""
    if flow.grouped:
        return
    for path, pos in flow.expanded:
        if path[-1:] == ("agentPoolProfiles",) and not any(
            read.path == (*path, "[]", "name") for read in flow.reads
        ):
            yield Found(
                pos,
                f"each cluster appears once for each element of {dotted(path)}",
                "show the pool's name, or summarize by id: any pool, or all pools?",
            )
