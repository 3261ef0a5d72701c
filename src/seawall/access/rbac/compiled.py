"""A role compiled once: which rules speak of a (group, resource), found by hash instead of by walking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.access.rbac.matching import url_matches

if TYPE_CHECKING:
    from seawall.access.rbac.model import Role, Rule

WIDE = 4096
"""A rule that names more (group, resource) pairs than this is walked: its pairs would fill the memory."""

Cell = tuple[frozenset[str] | None, frozenset[str] | None, int]
"""(verbs or None for all, names or None for any, index of the rule)."""
Key = tuple[str, str]


class CompiledRole:
    """A role's rules by (group, resource); `wide` are those too big for it, `urls` the non-resource ones."""

    __slots__ = ("cells", "role", "urls", "wide")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.cells: dict[Key, list[Cell]] = {}
        self.wide: list[tuple[frozenset[str], frozenset[str], Cell]] = []
        self.urls: list[tuple[str, Cell]] = []
        for rule in role.rules:
            self._add(rule)

    def _add(self, rule: Rule) -> None:
        verbs = None if "*" in rule.verbs else frozenset(rule.verbs)
        cell: Cell = (verbs, frozenset(rule.names) or None, rule.index)
        # A rule may hold both halves (validation refuses it, old objects have it); each counts for its own kind.
        self.urls += [(url, (verbs, None, rule.index)) for url in rule.urls]
        groups, resources = set(rule.groups), set(rule.resources)
        if len(groups) * len(resources) > WIDE:
            self.wide.append((frozenset(groups), frozenset(resources), cell))
            return
        for group in groups:
            for resource in resources:
                self.cells.setdefault((group, resource), []).append(cell)

    def find(self, keys: list[Key], verb: str, name: str) -> int | None:
        """Return the index of a rule that allows a resource request, or None."""
        cells = self.cells
        for key in keys:
            if key in cells:
                for verbs, names, index in cells[key]:
                    if (verbs is None or verb in verbs) and (names is None or name in names):
                        return index
        if self.wide:
            for groups, resources, (verbs, names, index) in self.wide:
                if (verbs is None or verb in verbs) and (names is None or name in names):
                    for group, resource in keys:
                        if group in groups and resource in resources:
                            return index
        return None

    def find_url(self, verb: str, path: str) -> int | None:
        """Return the index of a rule that allows a non-resource request, or None."""
        for url, (verbs, _, index) in self.urls:
            if (verbs is None or verb in verbs) and url_matches(url, path):
                return index
        return None


def keys_of(group: str, resource: str, subresource: str) -> list[Key]:
    """Return the pairs under which a rule that matches a request can be filed (specs b1.3)."""
    if subresource:
        combined, below = f"{resource}/{subresource}", f"*/{subresource}"
        return [
            (group, combined),
            ("*", "*"),
            (group, "*"),
            ("*", combined),
            (group, below),
            ("*", below),
        ]
    return [(group, resource), ("*", "*"), (group, "*"), ("*", resource)]
