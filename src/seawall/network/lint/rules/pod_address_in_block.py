"""A block is the address of one pod, which the next restart changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield blocks of one address that is a pod's."""
    for _, raw, match, path in view.peers():
        if match.block is not None and match.block.num_addresses == 1:
            pod = view.world.by_address.get(match.block.network_address)
            if pod is not None:
                yield Found(
                    raw,
                    (*path, "ipBlock"),
                    f"{match.block} is pod {pod.key}",
                    "a pod's address goes with the pod",
                    "select it by its labels",
                )
