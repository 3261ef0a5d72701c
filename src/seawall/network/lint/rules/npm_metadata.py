"""Azure NPM does not keep pods from the metadata endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import IMDS, Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield exceptions for the endpoint on Azure NPM (specs b9; Azure/AKS issue 3170)."""
    if not any(name.startswith("npm-") for name in view.engines):
        return
    for _, raw, match, path in view.peers():
        if path[1] == "egress" and any(item.version == 4 and IMDS in item for item in match.excepted):
            yield Found(
                raw,
                (*path, "ipBlock", "except"),
                "Azure NPM could not enforce this",
                f"{IMDS} stays within reach (Azure/AKS issue 3170)",
                "move to Cilium, and look with curl from a pod",
            )
