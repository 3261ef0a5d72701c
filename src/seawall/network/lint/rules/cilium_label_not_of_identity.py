"""A selector asks for a label that Cilium does not make part of an identity: it selects nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.cilium.labels import of_identity
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View
    from seawall.network.rules import PeerMatch

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield selectors over labels that the default label filter drops (cilium pkg/labelsfilter)."""
    if "cilium" not in view.engines:
        return
    matches: list[tuple[dict[str, Any], tuple[str | int, ...], PeerMatch]] = [
        (raw, ("spec", "podSelector"), policy.subject) for policy, raw in view.policies("networkpolicy")
    ]
    matches += [(raw, path, match) for _, raw, match, path in view.peers()]
    for raw, path, match in matches:
        if match.pods is None:
            continue
        keys = [*(key for key, _ in match.pods.labels), *(key for key, _, _ in match.pods.expressions)]
        for key in dict.fromkeys(keys):
            if not of_identity(key):
                yield Found(
                    raw,
                    path,
                    f"Cilium does not see the label {key}",
                    "its default filter leaves the label out of the identity, so no pod has it",
                    "select by another label, or add it to the labels of the Cilium configuration",
                )
