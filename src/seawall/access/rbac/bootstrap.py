"""The roles and bindings that an API server makes at its start (facts of 1.34, facts/bootstrap-1.34.json)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from seawall.access.rbac.model import Binding, Role, Rule, Selector, Subject

LABEL = "kubernetes.io/bootstrapping"


class _RoleFact(msgspec.Struct, frozen=True):
    kind: str
    name: str
    namespace: str = ""
    labels: dict[str, str] = {}
    aggregates: list[dict[str, str]] = []
    rules: list[dict[str, list[str]]] = []


class _BindingFact(msgspec.Struct, frozen=True):
    kind: str
    name: str
    role: tuple[str, str]
    subjects: list[list[str]]
    namespace: str = ""


class _Facts(msgspec.Struct, frozen=True):
    source: str
    date: str
    roles: list[_RoleFact]
    bindings: list[_BindingFact]


@cache
def bootstrap() -> tuple[tuple[Role, ...], tuple[Binding, ...]]:
    """Return the default roles and bindings of Kubernetes 1.34."""
    data = files("seawall.access").joinpath("facts/bootstrap-1.34.json").read_bytes()
    facts = msgspec.json.decode(data, type=_Facts)
    mark = {LABEL: "rbac-defaults"}
    roles = tuple(
        Role(
            fact.namespace,
            fact.name,
            tuple(_rule(rule, index) for index, rule in enumerate(fact.rules)),
            {**mark, **fact.labels},
            tuple(Selector(tuple(labels.items())) for labels in fact.aggregates),
        )
        for fact in facts.roles
    )
    bindings = tuple(
        Binding(
            fact.namespace,
            fact.name,
            fact.role[0],
            fact.role[1],
            tuple(Subject(kind, name, rest[0] if rest else "") for kind, name, *rest in fact.subjects),
            order=index,
        )
        for index, fact in enumerate(facts.bindings)
    )
    return roles, bindings


def _rule(fact: dict[str, list[str]], index: int) -> Rule:
    def part(key: str) -> tuple[str, ...]:
        return tuple(fact.get(key, ()))

    return Rule(
        part("verbs"),
        part("apiGroups"),
        part("resources"),
        part("resourceNames"),
        part("nonResourceURLs"),
        index,
    )


def is_bootstrapped(raw: dict[str, Any]) -> bool:
    """Tell whether an object carries the API server's mark of its own defaults."""
    metadata = raw.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return isinstance(labels, dict) and LABEL in labels
