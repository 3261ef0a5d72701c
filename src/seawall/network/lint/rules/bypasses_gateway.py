"""Pods behind an Ingress are also open to the Internet by a Service of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.load_balancer import read_access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield LoadBalancer Services open to the Internet over pods that an Ingress serves (specs b9: past the WAF)."""
    served: dict[tuple[str, str], str] = {}
    for raw in view.objects:
        if raw.get("kind") != "Ingress":
            continue
        namespace = str((raw.get("metadata") or {}).get("namespace") or "default")
        for rule in (raw.get("spec") or {}).get("rules") or []:
            for path in ((rule or {}).get("http") or {}).get("paths") or []:
                name = (((path or {}).get("backend") or {}).get("service") or {}).get("name")
                served[namespace, str(name)] = str((raw.get("metadata") or {}).get("name"))
    fronted = {
        pod.key: served[key]
        for service in view.services
        if (
            key := (
                str((service.get("metadata") or {}).get("namespace") or "default"),
                str((service.get("metadata") or {}).get("name")),
            )
        )
        in served
        for pod in view.behind(service)
    }
    for service in view.services:
        metadata = service.get("metadata") or {}
        own = (str(metadata.get("namespace") or "default"), str(metadata.get("name")))
        if (
            (service.get("spec") or {}).get("type") == "LoadBalancer"
            and own not in served
            and read_access(service).from_internet
        ):
            pods = [pod.key for pod in view.behind(service) if pod.key in fronted]
            if pods:
                yield Found(
                    service,
                    ("spec", "type"),
                    f"a way past Ingress {fronted[pods[0]]}",
                    f"Internet -> {own[1]} -> {pods[0]}",
                    "azure-load-balancer-internal, or the gateway's addresses as source ranges",
                )
