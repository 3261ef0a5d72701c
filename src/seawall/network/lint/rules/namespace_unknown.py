"""A policy stands in, or names, a namespace that the estate does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.edits.terms import NAME_LABEL
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield policies of, and peers by name with, a namespace that was not read; only where namespaces were."""
    known = view.estate.namespaces
    if not known:
        return
    for policy, raw in view.policies("networkpolicy"):
        if policy.namespace not in known:
            yield Found(
                raw,
                ("metadata", "namespace"),
                f"namespace {policy.namespace} was not read",
                f"read: {', '.join(sorted(known)[:8])}",
            )
    for _, raw, match, path in view.peers():
        for key, value in match.namespaces.labels if match.namespaces is not None else ():
            if key == NAME_LABEL and value not in known:
                yield Found(
                    raw,
                    (*path, "namespaceSelector"),
                    f"namespace {value} was not read",
                    f"read: {', '.join(sorted(known)[:8])}",
                )
