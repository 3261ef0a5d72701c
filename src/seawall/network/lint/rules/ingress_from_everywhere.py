"""A rule lets every address of the Internet in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield ingress peers that are 0.0.0.0/0 or ::/0 without an exception."""
    for _, raw, match, path in view.peers():
        if (
            path[1] == "ingress"
            and match.block is not None
            and not match.block.prefixlen
            and not match.excepted
        ):
            yield Found(raw, path, f"{match.block} is every address", "203.0.113.9 gets in")
