"""A peer of a rule means no pod: the rule lets nobody through by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield selector peers that no pod of the estate meets."""
    for _, raw, match, path in view.peers():
        if match.block is None and match.known and view.pods and not view.matching(match):
            where = (
                f"namespace {match.namespace}" if match.namespace is not None else "the namespaces selected"
            )
            yield Found(
                raw, path, "no pod meets this peer", f"{len(view.pods)} pods looked at, none in {where}"
            )
