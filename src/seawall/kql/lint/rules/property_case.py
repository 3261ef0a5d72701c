"""Keys of a dynamic are case-sensitive: a property in another casing is null everywhere (specs A2: 5f3cbd68)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find paths that are in the table in another casing only."""
    table = schema()
    for read in flow.reads:
        for size in range(2, len(read.path) + 1):
            steps = read.path[:size]
            near = table.near(steps)
            if near is not None and table.find(steps) is None:
                yield Found(
                    read.pos,
                    f"{dotted(steps)} is spelt {near.path}: this path is null everywhere",
                    f"write {near.path}",
                )
                break
