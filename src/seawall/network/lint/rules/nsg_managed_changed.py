"""The group that AKS manages was changed by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.edge import drift
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield rules of the managed group that AKS did not write, and rules of its own that were changed (specs b7.8)."""
    for group, place, message, witness in drift(view):
        yield Found(
            group,
            ("properties", "securityRules", place),
            message,
            witness,
            "put rules of yours on the group of the subnet",
        )
