"""Pods reach DNS over UDP and not over TCP: long answers fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.model import Peer, Pod
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "info"


def check(view: View) -> Iterator[Found]:
    """Yield policies over pods that ask DNS by UDP 53 and not by TCP 53."""
    servers = [
        pod
        for pod, _ in view.pods
        if pod.namespace == "kube-system" and pod.labels.get("k8s-app") == "kube-dns"
    ]
    server = Peer(pod=servers[0] if servers else Pod("kube-system", "kube-dns", {"k8s-app": "kube-dns"}))
    for policy, raw in view.policies("networkpolicy"):
        if Direction.EGRESS in policy.isolates and policy.egress:
            for pod in view.selected(policy):
                if (
                    not pod.host
                    and view.allows(Peer(pod=pod), server, "UDP", 53)
                    and not view.allows(Peer(pod=pod), server, "TCP", 53)
                ):
                    yield Found(
                        raw,
                        ("spec", "egress"),
                        "DNS over TCP is denied",
                        f"{pod.key} -> kube-dns: UDP 53 allowed, TCP 53 denied",
                    )
                    break
