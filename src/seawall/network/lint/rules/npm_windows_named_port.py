"""Azure NPM on Windows refuses named ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield named ports on npm-windows (specs b5; translatePolicy.go @cbd7560c)."""
    for policy, raw in view.policies("networkpolicy") if "npm-windows" in view.engines else ():
        for direction in Direction:
            for rule in policy.rules(direction):
                for place, port in enumerate(rule.ports or ()):
                    if port.name is not None:
                        yield Found(
                            raw,
                            ("spec", direction.value, rule.index, "ports", place),
                            f"the named port {port.name!r} is not supported on Windows",
                            "the whole policy is not applied there",
                            "write the number",
                        )
