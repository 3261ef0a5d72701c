"""Azure NPM on Windows refuses NotIn and DoesNotExist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View
    from seawall.network.rules import PeerMatch

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield selectors with negative terms on npm-windows (specs b5)."""
    if "npm-windows" not in view.engines:
        return
    for policy, raw in view.policies("networkpolicy"):
        yield from _negative(raw, policy.subject, ("spec", "podSelector"))
    for _, raw, match, path in view.peers():
        yield from _negative(raw, match, path)


def _negative(raw: dict[str, Any], match: PeerMatch, path: tuple[str | int, ...]) -> Iterator[Found]:
    for selector in (match.pods, match.namespaces):
        for key, operator, _ in selector.expressions if selector is not None else ():
            if operator in {"NotIn", "DoesNotExist"}:
                yield Found(
                    raw,
                    path,
                    f"{operator} is not supported on Windows",
                    f"{key} {operator}: the whole policy is not applied there",
                )
