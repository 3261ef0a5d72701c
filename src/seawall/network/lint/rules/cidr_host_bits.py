"""A block has host bits: it means another range than it seems to."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield blocks such as 10.10.0.0/0, which is read as 0.0.0.0/0 (specs b1.7)."""
    for raw, path, block in view.blocks():
        yield from _bits(raw, (*path, "cidr"), str(block.get("cidr")))
        excepted = block.get("except")
        for place, item in enumerate(excepted if isinstance(excepted, list) else ()):
            yield from _bits(raw, (*path, "except", place), str(item))


def _bits(raw: dict[str, Any], path: tuple[str | int, ...], text: str) -> Iterator[Found]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return
    if (
        str(network) != text
        and "/" in text
        and network.network_address != ipaddress.ip_address(text.partition("/")[0])
    ):
        yield Found(raw, path, f"{text} has host bits", f"it is read as {network}", f"write {network}")
