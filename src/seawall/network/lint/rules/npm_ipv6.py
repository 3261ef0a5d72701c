"""Azure NPM does not know IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield IPv6 blocks on Azure NPM (specs b5)."""
    if any(name.startswith("npm-") for name in view.engines):
        for _, raw, match, path in view.peers():
            if match.block is not None and match.block.version == 6:
                yield Found(
                    raw,
                    (*path, "ipBlock"),
                    "IPv6 is not supported by Azure NPM",
                    f"{match.block} is not enforced",
                )
