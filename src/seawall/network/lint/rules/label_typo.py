"""A selector asks for a label that is nearly one that pods have."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield terms of selectors that select nothing and are a letter or two from a label that exists."""
    have: dict[str, set[str]] = {}
    for pod, _ in view.pods:
        for key, value in pod.labels.items():
            have.setdefault(key, set()).add(value)
    for policy, raw in view.policies("networkpolicy"):
        if not view.selected(policy) and policy.subject.pods is not None:
            for found in _near(policy.subject.pods.labels, have):
                yield Found(raw, ("spec", "podSelector", "matchLabels"), *found)
    for _, raw, match, path in view.peers():
        if match.pods is not None and not view.matching(match):
            for found in _near(match.pods.labels, have):
                yield Found(raw, (*path, "podSelector", "matchLabels"), *found)


def _near(labels: tuple[tuple[str, str], ...], have: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    for key, value in labels:
        if key not in have:
            near = difflib.get_close_matches(key, have, n=1, cutoff=0.75)
            if near:
                yield f"no pod has the label {key!r}", f"pods have {near[0]!r}"
        elif value not in have[key]:
            near = difflib.get_close_matches(value, have[key], n=1, cutoff=0.75)
            if near:
                yield f"no pod has {key}={value}", f"pods have {key}={near[0]}"
