"""On a Cilium of one IP family a block of everything of the other family is the whole world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield blocks of ::/0 where no IPv6 is, and of 0.0.0.0/0 where no IPv4 is (cilium pkg/policy/api cidr.go)."""
    family = view.estate.family
    if "cilium" not in view.engines or not family:
        return
    for raw, path, block in view.blocks():
        cidr = str(block.get("cidr") or "")
        if cidr.endswith("/0") and (6 if ":" in cidr else 4) != family:
            yield Found(
                raw,
                (*path, "cidr"),
                f"{cidr} lets in every address of IPv{family} too",
                "Cilium has one label for the world here, and every /0 is it: an exception beside this block is undone",
                f"leave the block of IPv{10 - family} out",
            )
