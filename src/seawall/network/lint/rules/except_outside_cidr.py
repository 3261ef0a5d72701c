"""An exception lies outside its block: the API server refuses the policy."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield exceptions that are no strict subset of their cidr (specs b1.7)."""
    for raw, path, block in view.blocks():
        excepted = block.get("except")
        for place, item in enumerate(excepted if isinstance(excepted, list) else ()):
            if _outside(str(block.get("cidr")), str(item)):
                message = f"{item} is no strict part of {block.get('cidr')}"
                yield Found(
                    raw, (*path, "except", place), message, "no address of it is in the block, or all are"
                )


def _outside(cidr: str, inner: str) -> bool:
    try:
        outer, part = ipaddress.ip_network(cidr, strict=False), ipaddress.ip_network(inner, strict=False)
    except ValueError:
        return False
    return outer.version != part.version or outer == part or not part.subnet_of(outer)  # type: ignore[arg-type]
