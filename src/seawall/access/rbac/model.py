"""Roles and bindings as values. Unknown fields are left alone; an object of the wrong shape is left out, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.snapshot import Origin

GROUP = "rbac.authorization.k8s.io"
KINDS = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}
"""RBAC kind -> resource."""


class Rule(msgspec.Struct, frozen=True):
    """One rule of a role; `index` is its place in the role."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    index: int = 0

    def key(self) -> tuple[tuple[str, ...], ...]:
        """Return what makes two rules equal for the aggregation controller."""
        return self.verbs, self.groups, self.resources, self.names, self.urls


class Selector(msgspec.Struct, frozen=True):
    """A label selector of an aggregation rule: all of `labels` and all of `expressions`."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether the labels satisfy it. An empty selector matches everything (LabelSelectorAsSelector)."""
        return all(labels.get(key) == value for key, value in self.labels) and all(
            _expression(labels, key, operator, values) for key, operator, values in self.expressions
        )


def _expression(labels: dict[str, str], key: str, operator: str, values: tuple[str, ...]) -> bool:
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return labels.get(key) not in values if key in labels else True
    if operator == "Exists":
        return key in labels
    # Another operator is an error for the controller, which then matches nothing; the server stores none.
    return operator == "DoesNotExist" and key not in labels


class Role(msgspec.Struct, frozen=True):
    """A Role (with namespace) or ClusterRole (namespace empty)."""

    namespace: str
    name: str
    rules: tuple[Rule, ...] = ()
    labels: dict[str, str] = {}
    selectors: tuple[Selector, ...] = ()
    raw: dict[str, Any] | None = None
    origin: Origin | None = None

    @property
    def kind(self) -> str:
        """Role or ClusterRole."""
        return "Role" if self.namespace else "ClusterRole"


class Subject(msgspec.Struct, frozen=True):
    """A subject of a binding, as written."""

    kind: str
    name: str
    namespace: str = ""
    group: str = ""


class Binding(msgspec.Struct, frozen=True):
    """A RoleBinding (with namespace) or ClusterRoleBinding; `order` is its place in the world."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: tuple[Subject, ...] = ()
    role_group: str = GROUP
    order: int = 0
    raw: dict[str, Any] | None = None
    origin: Origin | None = None

    @property
    def kind(self) -> str:
        """RoleBinding or ClusterRoleBinding."""
        return "RoleBinding" if self.namespace else "ClusterRoleBinding"

    def subject_key(self, subject: Subject) -> tuple[str, str] | None:
        """Return ("User", name) or ("Group", name) that a subject stands for, None where it matches nobody.

        A service account is its user name; without a namespace it takes the RoleBinding's, and in a
        ClusterRoleBinding it matches nobody (rule.go: appliesToUser).
        """
        if subject.kind in ("User", "Group"):
            return subject.kind, subject.name
        if subject.kind != "ServiceAccount":
            return None
        namespace = subject.namespace or self.namespace
        return ("User", f"system:serviceaccount:{namespace}:{subject.name}") if namespace else None


class ShapeError(Exception):
    """An object is not of its kind's shape; the message says where."""


def _strings(holder: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = holder.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ShapeError(f"{where}.{key} is not a list of texts")
    return tuple(value)


def _text(holder: dict[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ShapeError(f"{where}.{key} is not a text")
    return value


def _items(holder: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ShapeError(f"{where}{key} is not a list of objects")
    return value


def read_rules(raw: dict[str, Any]) -> tuple[Rule, ...]:
    """Read `rules`. Raises ShapeError."""
    return tuple(
        Rule(
            _strings(item, "verbs", f"rules[{index}]"),
            _strings(item, "apiGroups", f"rules[{index}]"),
            _strings(item, "resources", f"rules[{index}]"),
            _strings(item, "resourceNames", f"rules[{index}]"),
            _strings(item, "nonResourceURLs", f"rules[{index}]"),
            index,
        )
        for index, item in enumerate(_items(raw, "rules", ""))
    )


def read_selectors(raw: dict[str, Any]) -> tuple[Selector, ...]:
    """Read `aggregationRule.clusterRoleSelectors`. Raises ShapeError."""
    rule = raw.get("aggregationRule")
    if rule is None:
        return ()
    if not isinstance(rule, dict):
        raise ShapeError("aggregationRule is not an object")
    found = []
    for index, item in enumerate(_items(rule, "clusterRoleSelectors", "aggregationRule.")):
        where = f"aggregationRule.clusterRoleSelectors[{index}]"
        labels = item.get("matchLabels") or {}
        if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
            raise ShapeError(f"{where}.matchLabels is not an object of texts")
        expressions = []
        for each in _items(item, "matchExpressions", f"{where}."):
            operator = _text(each, "operator", where)
            expressions.append((_text(each, "key", where), operator, _strings(each, "values", where)))
        found.append(Selector(tuple(labels.items()), tuple(expressions)))
    return tuple(found)


def metadata_of(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata. Raises ShapeError where it is no object."""
    metadata = raw.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise ShapeError("metadata is not an object")
    return metadata


def read_role(raw: dict[str, Any], origin: Origin | None = None) -> Role:
    """Read a Role or ClusterRole. Raises ShapeError."""
    metadata = metadata_of(raw)
    labels = metadata.get("labels") or {}
    if not isinstance(labels, dict):
        raise ShapeError("metadata.labels is not an object")
    # A manifest without a namespace is created in `default`, as kubectl does.
    namespace = (_text(metadata, "namespace", "metadata") or "default") if raw.get("kind") == "Role" else ""
    return Role(
        namespace,
        _text(metadata, "name", "metadata"),
        read_rules(raw),
        {str(key): str(value) for key, value in labels.items()},
        () if namespace else read_selectors(raw),
        raw,
        origin,
    )


def read_binding(raw: dict[str, Any], order: int = 0, origin: Origin | None = None) -> Binding:
    """Read a RoleBinding or ClusterRoleBinding. Raises ShapeError."""
    metadata = metadata_of(raw)
    reference = raw.get("roleRef")
    if not isinstance(reference, dict):
        raise ShapeError("roleRef is not an object")
    namespaced = raw.get("kind") == "RoleBinding"
    return Binding(
        (_text(metadata, "namespace", "metadata") or "default") if namespaced else "",
        _text(metadata, "name", "metadata"),
        _text(reference, "kind", "roleRef"),
        _text(reference, "name", "roleRef"),
        tuple(
            Subject(
                _text(item, "kind", f"subjects[{index}]"),
                _text(item, "name", f"subjects[{index}]"),
                _text(item, "namespace", f"subjects[{index}]"),
                _text(item, "apiGroup", f"subjects[{index}]"),
            )
            for index, item in enumerate(_items(raw, "subjects", ""))
        ),
        _text(reference, "apiGroup", "roleRef") or GROUP,
        order,
        raw,
        origin,
    )


def flatten(objects: Iterable[Any], depth: int = 0) -> Iterable[dict[str, Any]]:
    """Yield objects, Lists opened (a List in a List, too, up to a depth that no tool writes)."""
    for item in objects:
        if not isinstance(item, dict):
            continue
        kind = item.get("kind")
        items = item.get("items")
        if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list) and depth < 8:
            inherited = kind.removesuffix("List")
            for each in flatten(items, depth + 1):
                if inherited and "kind" not in each:
                    yield {"kind": inherited, "apiVersion": item.get("apiVersion"), **each}
                else:
                    yield each
        else:
            yield item
