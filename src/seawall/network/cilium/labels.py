"""What Cilium's label selectors mean of a pod (pkg/labels, pkg/labelsfilter and pkg/policy/api, v1.18.4).

A pod is known by its identity labels: its own, those of its namespace under a prefix, and its namespace and service
account by name. Some labels are no part of the identity by default; no selector sees them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from seawall.core import InputError
from seawall.network.expressions import (
    ACCOUNT,
    EVERYBODY,
    HAS,
    IN,
    NAMESPACE,
    NOBODY,
    POD,
    SPACE,
    Expression,
    Non,
    Term,
    both,
)
from seawall.network.model import read_selector

NAMESPACE_KEY = "io.kubernetes.pod.namespace"
SPACE_KEY = "io.cilium.k8s.namespace.labels"
ACCOUNT_KEY = "io.cilium.k8s.policy.serviceaccount"
CLUSTER_KEY = "io.cilium.k8s.policy.cluster"
RESERVED = "reserved:"
_KEPT = tuple(
    re.compile(re.escape(text))
    for text in (NAMESPACE_KEY, SPACE_KEY, "app.kubernetes.io", CLUSTER_KEY, ACCOUNT_KEY)
)
_DROPPED = tuple(
    re.compile(text)
    for text in (
        r"io\.kubernetes",
        r"kubernetes\.io",
        re.escape("statefulset.kubernetes.io/pod-name"),
        re.escape("apps.kubernetes.io/pod-index"),
        re.escape("batch.kubernetes.io/job-completion-index"),
        re.escape("batch.kubernetes.io/controller-uid"),
        r".*beta\.kubernetes\.io",
        r"k8s\.io",
        r"pod-template-generation",
        r"pod-template-hash",
        r"controller-revision-hash",
        r"controller-uid",
        r"annotation.*",
        r"etcd_node",
    )
)


@cache
def of_identity(key: str) -> bool:
    """Tell whether a label is part of the identity under Cilium's default filter: the longest keeping beats."""
    kept = max((hit.end() for hit in (item.match(key) for item in _KEPT) if hit), default=0)
    dropped = min((hit.end() for hit in (item.match(key) for item in _DROPPED) if hit), default=0)
    return not dropped or kept > dropped


def split_key(key: str) -> tuple[str, str]:
    """Return source and name of a label key: `k8s:app` is one of Kubernetes, a key without a source is of any."""
    source, colon, name = key.partition(":")
    return (source, name) if colon else ("any", key)


def keys_of(raw: dict[str, Any]) -> list[str]:
    """Return the label keys of a selector as written."""
    terms = raw.get("matchExpressions") or []
    return [
        *(raw.get("matchLabels") or {}),
        *(str(item.get("key")) for item in terms if isinstance(item, dict)),
    ]


def read_labels(raw: Any, where: str, skip: str = "") -> Expression:
    """Read a label selector as an expression about pods; `skip` is a key of matchLabels that does not count.

    Raises:
        InputError: it is none, or a term that is not decided, by its field.
    """
    if not isinstance(raw, dict):
        raise InputError(f"{where}: a label selector is an object")
    kept = {key: value for key, value in (raw.get("matchLabels") or {}).items() if key != skip}
    selector = read_selector({**raw, "matchLabels": kept}, where)
    parts: list[Expression] = [_term(key, IN, frozenset({value}), where) for key, value in selector.labels]
    for key, operator, values in selector.expressions:
        if operator in {"In", "NotIn"}:
            found = _term(key, IN, values, where)
        else:
            found = _term(key, HAS, frozenset(), where)
        parts.append(Non(found) if operator in {"NotIn", "DoesNotExist"} else found)
    return both(*parts)


def _term(key: str, operator: str, values: frozenset[str], where: str) -> Expression:
    source, name = split_key(key)
    if source not in {"any", "k8s"}:
        # Labels of other sources are none of a pod's.
        return NOBODY
    if name == NAMESPACE_KEY:
        return Term(NAMESPACE, "", operator, values)
    if name == ACCOUNT_KEY:
        return Term(ACCOUNT, "", operator, values)
    if name == CLUSTER_KEY:
        if operator == HAS:
            return EVERYBODY
        raise InputError(f"{where}: {key}: the name of the cluster is not known, so this is not decided")
    if not of_identity(name):
        return NOBODY
    if name.startswith(f"{SPACE_KEY}."):
        return Term(SPACE, name.removeprefix(f"{SPACE_KEY}."), operator, values)
    return Term(POD, name, operator, values)


def names_namespace(raw: dict[str, Any]) -> bool:
    """Tell whether a selector says by name which namespaces it means."""
    return any(split_key(key) in {("k8s", NAMESPACE_KEY), ("any", NAMESPACE_KEY)} for key in keys_of(raw))


def names_namespace_labels(raw: dict[str, Any]) -> bool:
    """Tell whether a selector says by labels which namespaces it means."""
    return any(
        source in {"k8s", "any"} and name.startswith(SPACE_KEY)
        for source, name in map(split_key, keys_of(raw))
    )
