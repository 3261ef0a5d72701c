"""A rule of a group is never reached: an earlier one decides all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.nsg import covers, read_nsg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "warning"


def check(view: View) -> Iterator[Found]:
    """Yield rules that one earlier rule covers in every field."""
    for group in view.groups:
        places = {
            str(item.get("name")): n
            for n, item in enumerate((group.get("properties") or {}).get("securityRules") or [])
        }
        nsg = read_nsg(group)
        for rules in (nsg.inbound, nsg.outbound):
            for number, rule in enumerate(rules):
                earlier = next((item for item in rules[:number] if covers(item, rule)), None)
                if earlier is not None and rule.name in places:
                    yield Found(
                        group,
                        ("properties", "securityRules", places[rule.name]),
                        f"{rule.name} is never reached",
                        f"{earlier.name} ({earlier.priority}, {'Allow' if earlier.allow else 'Deny'}) takes all of it",
                    )
