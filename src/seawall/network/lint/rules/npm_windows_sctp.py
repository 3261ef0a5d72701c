"""Azure NPM on Windows refuses SCTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield SCTP ports on npm-windows (specs b5)."""
    for policy, raw in view.policies("networkpolicy") if "npm-windows" in view.engines else ():
        for direction in Direction:
            for rule in policy.rules(direction):
                for place, port in enumerate(rule.ports or ()):
                    if port.protocol == "SCTP":
                        yield Found(
                            raw,
                            ("spec", direction.value, rule.index, "ports", place),
                            "SCTP is not supported on Windows",
                            "the whole policy is not applied there",
                        )
