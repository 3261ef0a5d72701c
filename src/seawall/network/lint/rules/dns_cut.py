"""Pods may call out and cannot ask the cluster's DNS for names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.model import Peer, Pod
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield policies that hold pods outwards, allow some egress, and leave DNS over UDP out."""
    servers = [
        pod
        for pod, _ in view.pods
        if pod.namespace == "kube-system" and pod.labels.get("k8s-app") == "kube-dns"
    ]
    server = servers[0] if servers else Pod("kube-system", "kube-dns", {"k8s-app": "kube-dns"})
    for policy, raw in view.policies("networkpolicy"):
        if Direction.EGRESS not in policy.isolates or not policy.egress:
            continue
        cut = [
            pod
            for pod in view.selected(policy)
            if not pod.host and not view.allows(Peer(pod=pod), Peer(pod=server), "UDP", 53)
        ]
        if cut:
            yield Found(
                raw,
                ("spec", "egress"),
                f"{len(cut)} pods cannot ask DNS",
                f"{cut[0].key} -> {server.key} UDP 53 is denied",
                "allow UDP and TCP 53 to k8s-app=kube-dns in kube-system",
            )
