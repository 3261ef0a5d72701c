"""A property that a managed cluster does not have is null everywhere: the query flags everyone, or no one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find the shortest prefix of each path that is not in the table, in any casing."""
    table = schema()
    for read in flow.reads:
        for size in range(2, len(read.path) + 1):
            steps = read.path[:size]
            if table.near(steps) is not None:
                continue
            if not table.open(steps[:-1]):
                names = table.below(steps[:-1])
                close = difflib.get_close_matches(steps[-1], names, n=1)
                yield Found(
                    read.pos,
                    f"a managed cluster has no property {dotted(steps)}",
                    f"did you mean {close[0]!r}?" if close else "",
                )
            break
