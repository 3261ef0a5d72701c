"""Access gained and lost between two worlds, decided over all requests, each with an example.

Requests fall into classes: what no rule names behaves alike. So it is enough to try the words that stand in the rules
of the two worlds and one word that stands in none, for each subject and scope whose rules differ.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec

from seawall.access.attributes import Attributes, User
from seawall.access.rbac.matching import rule_allows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.access.rbac.model import Rule
    from seawall.access.world import AccessWorld

OTHER = "any-other"
LIMIT = 200_000
"""Requests tried for one subject and scope; beyond it the difference is reported as not decided."""


class Difference(msgspec.Struct, frozen=True):
    """A subject's access that differs in a scope; `request` is an example that one world allows and the other not."""

    change: str
    subject: str
    namespace: str
    verb: str
    group: str
    resource: str
    name: str = ""
    path: str = ""
    decided: bool = True


def differences(old: AccessWorld, new: AccessWorld) -> Iterator[Difference]:
    """Yield what is gained and lost, by subject, scope and request class, in stable order.

    A subject is judged by its own bindings: a user by its name, a group by its own.
    """
    for kind, name in sorted(_subjects(old) | _subjects(new)):
        user = User(name) if kind == "User" else User("", (name,))
        spaces = sorted(_namespaces(old, user) | _namespaces(new, user))
        wide_old, wide_new = old.rbac.rules_for(user, "")[0], new.rbac.rules_for(user, "")[0]
        shown = f"{kind}/{name}"
        if _keys(wide_old) != _keys(wide_new):
            yield from _compare(shown, "", user, wide_old, wide_new)
        for namespace in spaces:
            before, after = old.rbac.rules_for(user, namespace)[0], new.rbac.rules_for(user, namespace)[0]
            # What the cluster-wide rules changed has been said; here only what differs in this namespace.
            if _keys(before) - _keys(wide_old) != _keys(after) - _keys(wide_new):
                yield from _compare(shown, namespace, user, before, after)


def _subjects(world: AccessWorld) -> set[tuple[str, str]]:
    keys = (binding.subject_key(each) for binding in world.rbac.bindings for each in binding.subjects)
    return {key for key in keys if key is not None}


def _namespaces(world: AccessWorld, user: User) -> set[str]:
    return {
        namespace
        for namespace, scope in world.rbac.namespaces.items()
        if user.name in scope.users or any(group in scope.groups for group in user.groups)
    }


def _keys(rules: Iterable[Rule]) -> frozenset[tuple[tuple[str, ...], ...]]:
    return frozenset(rule.key() for rule in rules)


def _compare(
    subject: str, namespace: str, user: User, before: list[Rule], after: list[Rule]
) -> Iterator[Difference]:
    old_keys, new_keys = _keys(before), _keys(after)
    changed = [rule for rule in before if rule.key() not in new_keys]
    changed += [rule for rule in after if rule.key() not in old_keys]
    every = [*before, *after]
    seen: set[Attributes] = set()
    for rule in changed:
        for asked in _classes(rule, every, user, namespace):
            if asked in seen:
                continue
            seen.add(asked)
            if len(seen) > LIMIT:
                yield Difference("unknown", subject, namespace, "", "", "", decided=False)
                return
            held = any(rule_allows(each, asked) for each in before)
            holds = any(rule_allows(each, asked) for each in after)
            if held != holds:
                yield Difference(
                    "gained" if holds else "lost",
                    subject,
                    namespace,
                    asked.verb,
                    asked.group,
                    asked.combined,
                    asked.name,
                    asked.path,
                )


def _classes(rule: Rule, every: list[Rule], user: User, namespace: str) -> Iterator[Attributes]:
    """Yield one request for each class that the rule allows and some rule tells apart."""
    verbs = _words(rule.verbs, (each.verbs for each in every))
    if rule.resources:
        groups = _words(rule.groups, (each.groups for each in every))
        names = [*rule.names] or ["", *{name for each in every for name in each.names}, OTHER]
        resources = _resources(rule, every)
        for verb, group, resource, name in product(verbs, groups, resources, sorted(names)):
            plain, _, below = resource.partition("/")
            yield Attributes(user, verb, namespace, group, "*", plain, below, name)
    if rule.urls and not namespace:
        paths = {
            url.rstrip("*") + (OTHER if url.endswith("*") else "") for each in every for url in each.urls
        }
        paths |= {url.rstrip("*") for each in every for url in each.urls if url.rstrip("*")}
        for verb, path in product(verbs, sorted(paths)):
            yield Attributes(user, verb, path=path, is_resource=False)


def _words(own: tuple[str, ...], others: Iterable[tuple[str, ...]]) -> list[str]:
    if "*" not in own:
        return sorted(set(own))
    named = {word for words in others for word in words if word != "*"}
    return [*sorted(named), OTHER]


def _resources(rule: Rule, every: list[Rule]) -> list[str]:
    # `pods/*` is no pattern: it names a subresource called `*`, which no API has.
    named = {word for each in every for word in each.resources if word != "*" and not word.endswith("/*")}
    plain = {word for word in named if not word.startswith("*/")}
    below = {word.partition("/")[2] for word in named if "/" in word}
    found: set[str] = set()
    for resource in rule.resources:
        if resource == "*":
            found |= plain | {OTHER} | {f"{OTHER}/{each}" for each in below} | {f"{OTHER}/{OTHER}"}
        elif resource.endswith("/*"):
            continue
        elif resource.startswith("*/"):
            sub = resource.partition("/")[2]
            found |= {f"{each}/{sub}" for each in plain if "/" not in each} | {f"{OTHER}/{sub}"}
        else:
            found.add(resource)
    return sorted(found)
