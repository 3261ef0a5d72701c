"""A Service claims addresses of its own: whoever may write Services may catch traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield Services with externalIPs (specs b9; CVE-2020-8554)."""
    for service in view.services:
        addresses = (service.get("spec") or {}).get("externalIPs") or []
        if addresses:
            yield Found(
                service,
                ("spec", "externalIPs"),
                "traffic to these addresses is caught inside the cluster",
                ", ".join(map(str, addresses)),
            )
