"""What Calico's labels mean of a pod: its own, and by prefix those of its namespace and of its service account.

Sources: libcalico-go conversion and updateprocessors (a0db560f): `pcns.` and `pcsa.` prefix inherited labels, and
every workload has labels for its namespace, orchestrator and service account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.expressions import (
    ACCOUNT,
    ACCOUNT_KEY,
    EVERYBODY,
    HAS,
    IN,
    NAMESPACE,
    NOBODY,
    SPACE,
    Every,
    Expression,
    Non,
    Some,
    Term,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SPACE_PREFIX, ACCOUNT_PREFIX = "pcns.", "pcsa."
NAME = "projectcalico.org/name"
NAMESPACE_LABEL = "projectcalico.org/namespace"
ACCOUNT_LABEL = "projectcalico.org/serviceaccount"
_ORCHESTRATOR = "projectcalico.org/orchestrator"

Accounts = dict[str, dict[str, str]]
"""namespace/name of a service account -> its labels."""


def prefixed(expression: Expression, prefix: str) -> Expression:
    """Return an expression over the labels that are inherited under a prefix."""
    return _mapped(expression, lambda term: Term(term.source, prefix + term.key, term.operator, term.values))


def bind(expression: Expression, accounts: Accounts) -> Expression:
    """Return an expression about pods: each label is asked of what it is a label of."""
    return _mapped(expression, lambda term: _of_pod(term, accounts))


def on_labels(expression: Expression, labels: Mapping[str, str]) -> bool:
    """Tell whether an expression, not bound, holds of plain labels: those of a network set."""
    if isinstance(expression, Term):
        return expression.holds(labels.get(expression.key))
    if isinstance(expression, Every):
        return all(on_labels(part, labels) for part in expression.parts)
    if isinstance(expression, Some):
        return any(on_labels(part, labels) for part in expression.parts)
    return not on_labels(expression.part, labels)


def _mapped(expression: Expression, change: Callable[[Term], Expression]) -> Expression:
    if isinstance(expression, Term):
        return change(expression)
    if isinstance(expression, Every):
        return Every(tuple(_mapped(part, change) for part in expression.parts))
    if isinstance(expression, Some):
        return Some(tuple(_mapped(part, change) for part in expression.parts))
    return Non(_mapped(expression.part, change))


def _of_pod(term: Term, accounts: Accounts) -> Expression:
    key = term.key
    if key in {NAMESPACE_LABEL, SPACE_PREFIX + NAME}:
        return Term(NAMESPACE, "", term.operator, term.values)
    if key in {ACCOUNT_LABEL, ACCOUNT_PREFIX + NAME}:
        return Term(ACCOUNT, "", term.operator, term.values)
    if key == _ORCHESTRATOR:
        return EVERYBODY if term.holds("k8s") else NOBODY
    if key.startswith(SPACE_PREFIX):
        return Term(SPACE, key.removeprefix(SPACE_PREFIX), term.operator, term.values)
    if key.startswith(ACCOUNT_PREFIX):
        # Accounts are few and all were read: those whose label satisfies the term are named one by one.
        asked = Term(term.source, key.removeprefix(ACCOUNT_PREFIX), term.operator, term.values)
        good = frozenset(name for name, labels in accounts.items() if asked.holds(labels.get(asked.key)))
        return Term(ACCOUNT_KEY, "", IN, good)
    return term


__all__ = [
    "ACCOUNT_LABEL",
    "ACCOUNT_PREFIX",
    "HAS",
    "NAMESPACE_LABEL",
    "SPACE_PREFIX",
    "Accounts",
    "bind",
    "on_labels",
    "prefixed",
]
