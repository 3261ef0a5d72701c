"""Two rules of a group share direction and priority: Azure refuses the group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield rules of equal direction and priority (specs b6: unique per direction)."""
    for group in view.groups:
        seen: dict[tuple[str, int], str] = {}
        for place, rule in enumerate((group.get("properties") or {}).get("securityRules") or []):
            body = rule.get("properties") or rule
            key = (str(body.get("direction")).lower(), int(body.get("priority") or 0))
            if key in seen:
                yield Found(
                    group,
                    ("properties", "securityRules", place),
                    f"{rule.get('name')} and {seen[key]} have priority {key[1]}",
                    f"both {key[0]}",
                )
            seen.setdefault(key, str(rule.get("name")))
