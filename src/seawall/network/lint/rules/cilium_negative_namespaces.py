"""On Cilium a peer that only says which labels namespaces lack means nodes and the world too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield peers that nothing confines to pods: no label is asked for, only the absence of some."""
    if "cilium" not in view.engines:
        return
    for _, raw, match, path in view.peers():
        spaces = match.namespaces
        if spaces is None or not spaces.expressions or not spaces.matches({}):
            continue
        if match.pods is None or match.pods.matches({}):
            yield Found(
                raw,
                (*path, "namespaceSelector"),
                "nodes and addresses outside meet this peer on Cilium",
                "they have no labels of a namespace, and the peer asks for none",
                "add matchExpressions {key: kubernetes.io/metadata.name, operator: Exists}",
            )
