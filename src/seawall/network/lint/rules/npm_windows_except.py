"""Azure NPM on Windows refuses exceptions of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield blocks with `except` on npm-windows (specs b5)."""
    for _, raw, match, path in view.peers() if "npm-windows" in view.engines else ():
        if match.excepted:
            yield Found(
                raw,
                (*path, "ipBlock", "except"),
                "except is not supported on Windows",
                f"{', '.join(map(str, match.excepted))}: the whole policy is not applied there",
            )
