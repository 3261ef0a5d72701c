"""What the aggregation controller would write: rules of roles with an aggregationRule (specs b1.10).

Source: kubernetes pkg/controller/clusterroleaggregation. It overwrites the rules with the union of the rules of
the roles that a selector matches: selector by selector, by name within one, itself skipped, equal rules once.
One pass is not recursive; the controller runs again after every change, so a fixpoint is what a cluster shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seawall.access.rbac.model import Role, Rule


def aggregate(roles: Mapping[str, Role]) -> dict[str, Role]:
    """Return the cluster roles with aggregated ones filled, by name.

    Cycles end: a pass that changes no set of rules is the last, and each pass but the last makes one grow. What
    stood in a manifest's `rules` of an aggregated role is overwritten, as the controller does.
    """
    names = sorted(roles)
    sources = {
        name: [
            [other for other in names if other != name and selector.matches(roles[other].labels)]
            for selector in roles[name].selectors
        ]
        for name in names
        if roles[name].selectors
    }
    found: dict[str, dict[tuple[tuple[str, ...], ...], Rule]] = {
        name: {} if name in sources else {rule.key(): rule for rule in roles[name].rules} for name in names
    }
    changed = bool(sources)
    while changed:
        changed = False
        for name, selected in sources.items():
            union: dict[tuple[tuple[str, ...], ...], Rule] = {}
            for group in selected:
                for other in group:
                    # Not sorted again: the order is the order of appearance.
                    for key, rule in found[other].items():
                        union.setdefault(key, rule)
            if union.keys() != found[name].keys():
                changed = True
            found[name] = union
    return {
        name: msgspec.structs.replace(
            role,
            rules=tuple(
                msgspec.structs.replace(rule, index=index) for index, rule in enumerate(found[name].values())
            ),
        )
        if name in sources
        else role
        for name, role in roles.items()
    }
