"""`agentPoolProfiles[0]` looks at one pool; the others are not judged (specs A2: 902c82ff, aks-003)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find fixed indexes into lists of bags."""
    table = schema()
    for path, index, pos in flow.indexed:
        known = table.near(path)
        if path in flow.single:
            continue  # the query looks how many there are
        if known is not None and known.collection == "list" and known.kind == "bag":
            yield Found(
                pos,
                f"{dotted(path)}[{index}] is one of possibly many: the others are not looked at",
                f"mv-expand {dotted(path)} and judge each",
            )
