"""A selector asks for a label that the next rollout changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.edits.terms import FLEETING
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield selectors that name pod-template-hash and its like."""
    for policy, raw in view.policies("networkpolicy"):
        for key, value in policy.subject.pods.labels if policy.subject.pods is not None else ():
            if key in FLEETING:
                yield Found(
                    raw,
                    ("spec", "podSelector"),
                    f"{key} is written by a controller",
                    f"{value} is of one rollout",
                )
    for _, raw, match, path in view.peers():
        for key, value in match.pods.labels if match.pods is not None else ():
            if key in FLEETING:
                yield Found(raw, path, f"{key} is written by a controller", f"{value} is of one rollout")
