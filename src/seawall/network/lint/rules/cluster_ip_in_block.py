"""A block is the address of a Service: no packet carries it when policies look."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield blocks of one address that is a Service's ClusterIP (specs b1.13: policies see pods, after DNAT)."""
    services: dict[str, str] = {}
    for service in view.services:
        spec = service.get("spec") or {}
        for text in [spec.get("clusterIP"), *(spec.get("clusterIPs") or [])]:
            if text and text != "None":
                services[str(ipaddress.ip_address(text))] = str((service.get("metadata") or {}).get("name"))
    for _, raw, match, path in view.peers():
        if (
            match.block is not None
            and match.block.num_addresses == 1
            and str(match.block.network_address) in services
        ):
            name = services[str(match.block.network_address)]
            yield Found(
                raw,
                (*path, "ipBlock"),
                f"{match.block} is Service {name}",
                "the packet is addressed to a pod before a policy sees it",
                "select the pods of the Service by their labels",
            )
