"""Label expressions of Calico and Cilium: boolean terms over what a pod, its namespace and its account are called.

Both engines see a pod as one set of labels, in which those of its namespace have a prefix of their own. Here each term
says whose label it asks for, so that pods keep their labels as they were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seawall.network.model import Pod

POD, SPACE, NAMESPACE, ACCOUNT, ACCOUNT_KEY = "pod", "space", "namespace", "account", "account-key"
"""Whose value a term asks for: a pod's label, its namespace's label, the namespace's name, the service account's name,
and the account as namespace/name."""

IN, HAS, CONTAINS, STARTS, ENDS = "in", "has", "contains", "starts", "ends"


class Term(msgspec.Struct, frozen=True):
    """One question about one value; a value that is not there answers no."""

    source: str
    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, value: str | None) -> bool:
        """Tell whether the value, None for none, satisfies the term."""
        if value is None:
            return False
        if self.operator == IN:
            return value in self.values
        if self.operator == HAS:
            return True
        (part,) = self.values
        if self.operator == CONTAINS:
            return part in value
        return value.startswith(part) if self.operator == STARTS else value.endswith(part)


class Every(msgspec.Struct, frozen=True):
    """All parts hold; without parts it holds of everybody."""

    parts: tuple[Expression, ...] = ()


class Some(msgspec.Struct, frozen=True):
    """One of the parts holds; without parts it holds of nobody."""

    parts: tuple[Expression, ...] = ()


class Non(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: Expression


Expression = Term | Every | Some | Non

EVERYBODY = Every()
NOBODY = Some()


def both(*parts: Expression) -> Expression:
    """Join expressions by "and", the ones that say nothing left out."""
    kept = tuple(part for part in parts if part != EVERYBODY)
    return kept[0] if len(kept) == 1 else Every(kept)


def value_of(source: str, key: str, pod: Pod, namespaces: Mapping[str, dict[str, str]]) -> str | None:
    """Return what a term of that source asks for, None where the pod has none."""
    if source == POD:
        return pod.labels.get(key)
    if source == SPACE:
        return space_labels(namespaces, pod.namespace).get(key)
    if source == NAMESPACE:
        return pod.namespace
    return pod.account if source == ACCOUNT else f"{pod.namespace}/{pod.account}"


def space_labels(namespaces: Mapping[str, dict[str, str]], name: str) -> dict[str, str]:
    """Return a namespace's labels; the API server gives every namespace its name as a label (specs b1.14)."""
    return namespaces.get(name) or {"kubernetes.io/metadata.name": name}


def matches(expression: Expression, pod: Pod, namespaces: Mapping[str, dict[str, str]]) -> bool:
    """Tell whether an expression holds of a pod."""
    if isinstance(expression, Term):
        return expression.holds(value_of(expression.source, expression.key, pod, namespaces))
    if isinstance(expression, Every):
        return all(matches(part, pod, namespaces) for part in expression.parts)
    if isinstance(expression, Some):
        return any(matches(part, pod, namespaces) for part in expression.parts)
    return not matches(expression.part, pod, namespaces)


def terms(expression: Expression) -> Iterator[Term]:
    """Yield the terms of an expression."""
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, Non):
        yield from terms(expression.part)
    else:
        for part in expression.parts:
            yield from terms(part)


def holds_without_labels(expression: Expression) -> bool:
    """Tell whether an expression holds of what has no labels at all: nodes and addresses, as Cilium sees them."""
    if isinstance(expression, Term):
        return False
    if isinstance(expression, Every):
        return all(map(holds_without_labels, expression.parts))
    if isinstance(expression, Some):
        return any(map(holds_without_labels, expression.parts))
    return not holds_without_labels(expression.part)
