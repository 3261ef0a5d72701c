"""The API server refuses the policy: it does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield policies that the API server would not take, with its words and the form that works."""
    for problem in view.estate.problems:
        raw = view.raws.get((problem.kind, problem.namespace, problem.name))
        if raw is None or not problem.refused:
            continue
        hint = ""
        if "#" in problem.reason:
            # The documentation's own metadata policy: a YAML comment starts after a space only.
            hint = (
                "put a space before #, or leave the comment out: 0.0.0.0/0 with except [169.254.169.254/32]"
            )
        yield Found(raw, ("spec",), "the API server refuses this policy", problem.reason, hint)
