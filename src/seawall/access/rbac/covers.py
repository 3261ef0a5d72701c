"""Does what a user holds cover what is to be granted? Source: component-helpers auth/rbac/validation, specs b2.

Each wanted rule is broken into atoms; each atom must be covered by ONE rule that the user holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.access.rbac.model import Rule
from seawall.access.text import quote_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ATOMS = 200_000
"""More atoms than this cannot stand in an object that etcd takes (1.5 MB) unless it is made to do harm."""


class TooManyAtomsError(Exception):
    """The rules to be granted are a product too big to be compared one by one."""


def atoms(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Break rules into atoms: one group, resource, verb and at most one name; or one URL and verb."""
    for rule in rules:
        for group in rule.groups:
            for resource in rule.resources:
                for verb in rule.verbs:
                    if rule.names:
                        for name in rule.names:
                            yield Rule((verb,), (group,), (resource,), (name,))
                    else:
                        yield Rule((verb,), (group,), (resource,))
        for url in rule.urls:
            for verb in rule.verbs:
                yield Rule((verb,), urls=(url,))


class _Owner:
    """A rule that the user holds, with sets instead of lists."""

    __slots__ = ("groups", "names", "resources", "urls", "verbs")

    def __init__(self, rule: Rule) -> None:
        self.verbs, self.groups = set(rule.verbs), set(rule.groups)
        self.resources, self.names, self.urls = set(rule.resources), set(rule.names), rule.urls

    def covers(self, atom: Rule) -> bool:
        if "*" not in self.verbs and atom.verbs[0] not in self.verbs:
            return False
        if atom.urls:
            return any(_url_covers(url, atom.urls[0]) for url in self.urls) and not self.names
        if "*" not in self.groups and atom.groups[0] not in self.groups:
            return False
        resource = atom.resources[0]
        if "*" not in self.resources and resource not in self.resources:
            _, slash, below = resource.partition("/")
            if not slash or f"*/{below}" not in self.resources:
                return False
        return not self.names or bool(atom.names and atom.names[0] in self.names)


def _url_covers(owner: str, wanted: str) -> bool:
    return owner == wanted or (owner.endswith("*") and wanted.startswith(owner.rstrip("*")))


def uncovered(held: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """Return the atoms of `wanted` that no single held rule covers, in order.

    Raises:
        TooManyAtomsError: the product is too big.
    """
    owners = [_Owner(rule) for rule in {rule.key(): rule for rule in held}.values()]
    # A holder of everything covers any product, without counting it.
    missing = []
    known: dict[tuple[tuple[str, ...], ...], bool] = {}
    for count, atom in enumerate(atoms(wanted)):
        if count >= ATOMS:
            raise TooManyAtomsError
        key = atom.key()
        if key not in known:
            known[key] = any(owner.covers(atom) for owner in owners)
        if not known[key]:
            missing.append(atom)
    return missing


def compact(missing: Iterable[Rule]) -> list[Rule]:
    """Merge atoms of the same (group, resource, name): verbs in order of appearance (CompactRules)."""
    simple: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    rest = []
    for atom in missing:
        if atom.urls:
            rest.append(atom)
        else:
            key = (atom.groups[0], atom.resources[0], atom.names)
            simple.setdefault(key, []).extend(atom.verbs)
    return rest + [
        Rule(tuple(verbs), (group,), (resource,), names) for (group, resource, names), verbs in simple.items()
    ]


def compact_text(rule: Rule) -> str:
    """Write a rule as `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}` (CompactString)."""
    parts = (
        ("APIGroups", rule.groups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.urls),
        ("ResourceNames", rule.names),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{quote_list(values)}" for name, values in parts if values) + "}"
