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
    for (kind, _, _), raw in view.raws.items():
        if kind != "NetworkPolicy":
            continue
        for direction, field in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate((raw.get("spec") or {}).get(direction) or []):
                for number, peer in enumerate((rule or {}).get(field) or []):
                    block = (peer or {}).get("ipBlock") or {}
                    for step, text in [
                        (("cidr",), block.get("cidr")),
                        *((("except", n), item) for n, item in enumerate(block.get("except") or [])),
                    ]:
                        yield from _bits(
                            raw, ("spec", direction, index, field, number, "ipBlock", *step), str(text)
                        )


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
