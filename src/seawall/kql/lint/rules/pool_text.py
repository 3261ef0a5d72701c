"""A search in the text of all pools says that some pool has it, or that none has: never that all have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "warning"


def check(flow: Flow) -> Iterator[Found]:
    """Find searches in the list of pools as one text."""
    for compared in flow.compared:
        if compared.path[-1:] == ("agentPoolProfiles",) and compared.op not in ("==", "!="):
            which = "no pool" if compared.op.startswith("!") else "some pool"
            yield Found(
                compared.pos,
                f"this says of {which} what it says: the pools of {dotted(compared.path)} are one text here",
                "mv-expand the pools and judge each; a text also holds names and labels",
            )
