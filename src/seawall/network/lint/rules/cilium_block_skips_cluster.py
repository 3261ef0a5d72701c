"""On Cilium a block never means pods or nodes: this rule cuts them off."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield blocks that hold addresses of the cluster, on Cilium (specs b1.8)."""
    if "cilium" not in view.engines:
        return
    inside = [address for pod, _ in view.pods for address in (*pod.addresses, *pod.node_addresses)]
    for _, raw, match, path in view.peers():
        if match.block is None:
            continue
        block = match.block
        hit = next((item for item in inside if item.version == block.version and item in block), None)
        private = block.version == 4 and any(
            block.overlaps(ipaddress.ip_network(text))
            for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
        )
        if hit is not None or private:
            yield Found(
                raw,
                (*path, "ipBlock"),
                f"{block} means no pod and no node on Cilium",
                f"{hit or 'a pod of the cluster'} is not let through by it",
                "add a namespaceSelector peer for pods; nodes need a CiliumNetworkPolicy with entities",
            )
