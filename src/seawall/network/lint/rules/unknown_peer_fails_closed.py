"""A peer of a kind that nobody knows: an Accept is void, a Deny denies all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield rules of cluster policies with a peer without a known field (specs b2)."""
    for _, raw in view.policies("admin", "baseline"):
        for direction, field in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate((raw.get("spec") or {}).get(direction) or []):
                for number, peer in enumerate(rule.get(field) or []):
                    if not any(
                        (peer or {}).get(key) is not None
                        for key in ("namespaces", "pods", "networks", "nodes", "domainNames")
                    ):
                        what = (
                            "matches nothing"
                            if rule.get("action") in {"Accept", "Allow"}
                            else "denies everything"
                        )
                        yield Found(
                            raw,
                            ("spec", direction, index, field, number),
                            f"this peer is unknown, so the rule {what}",
                            f"fields: {', '.join(peer or {}) or 'none'}",
                        )
