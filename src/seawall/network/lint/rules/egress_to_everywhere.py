"""A rule lets pods call every address, on every port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield egress rules to 0.0.0.0/0 or ::/0 without ports."""
    for policy, raw, match, path in view.peers():
        if (
            path[1] == "egress"
            and match.block is not None
            and not match.block.prefixlen
            and policy.egress[int(path[2])].ports is None
        ):
            yield Found(
                raw, path, f"{match.block} on every port", "whoever holds the pod may send data anywhere"
            )
