"""A group lets the Internet at remote desktop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.edge import opened
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield groups that let a public address at TCP 3389 (specs b9)."""
    for group, rule, place in opened(view, 3389):
        yield Found(
            group,
            ("properties", "securityRules", place),
            f"{rule} lets the Internet at remote desktop",
            "8.8.8.8 -> TCP 3389 is allowed",
            "a bastion's subnet as the only source",
        )
