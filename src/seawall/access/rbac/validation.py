"""Why the API server would call an RBAC object invalid (pkg/apis/rbac/validation, 1.34), texts included."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from seawall.access.names import (
    label_key_errors,
    label_value_errors,
    path_segment_errors,
    subdomain_errors,
)
from seawall.access.rbac.model import GROUP
from seawall.access.text import aggregate, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


def invalid_message(kind: str, name: str, errors: list[str]) -> str:
    """Return the text of a 422 (NewInvalid)."""
    return f"{kind}.{GROUP} {quote(name)} is invalid: {aggregate(errors)}"


def object_errors(kind: str, raw: Json, old: Json | None) -> list[str]:
    """Return what is wrong with an object, in the server's order; `old` for an update."""
    errors = list(_metadata(raw))
    if kind in ("Role", "ClusterRole"):
        for index, rule in enumerate(raw.get("rules") or []):
            errors += _rule(rule, f"rules[{index}]", kind == "Role")
        errors += _aggregation(raw) if kind == "ClusterRole" else []
        return errors
    reference = raw["roleRef"]
    if reference["apiGroup"] != GROUP:
        errors.append(_unsupported("roleRef.apiGroup", reference["apiGroup"], (GROUP,)))
    kinds = ("Role", "ClusterRole") if kind == "RoleBinding" else ("ClusterRole",)
    if reference["kind"] not in kinds:
        errors.append(_unsupported("roleRef.kind", reference["kind"], kinds))
    if not reference["name"]:
        errors.append("roleRef.name: Required value")
    errors += [
        _invalid("roleRef.name", reference["name"], each) for each in path_segment_errors(reference["name"])
    ]
    for index, subject in enumerate(raw.get("subjects") or []):
        errors += _subject(subject, f"subjects[{index}]", kind == "RoleBinding")
    if old is not None and old["roleRef"] != reference:
        written = {
            "APIGroup": reference["apiGroup"],
            "Kind": reference["kind"],
            "Name": reference["name"],
        }
        errors.append(f"roleRef: Invalid value: {_json(written)}: cannot change roleRef")
    return errors


def _json(value: Any) -> str:
    # Go's encoder writes the three signs of HTML escaped.
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _invalid(where: str, value: str, text: str) -> str:
    return f"{where}: Invalid value: {quote(value)}: {text}"


def _unsupported(where: str, value: str, valid: tuple[str, ...]) -> str:
    supported = ", ".join(quote(each) for each in valid)
    return f"{where}: Unsupported value: {quote(value)}: supported values: {supported}"


def _metadata(raw: Json) -> Iterator[str]:
    metadata = raw.get("metadata") or {}
    name = metadata.get("name") or ""
    if not name and not metadata.get("generateName"):
        yield "metadata.name: Required value: name or generateName is required"
    for text in path_segment_errors(name):
        yield _invalid("metadata.name", name, text)
    labels = metadata.get("labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        for text in label_key_errors(key):
            yield _invalid("metadata.labels", key, text)
        for text in label_value_errors(str(value)):
            yield _invalid("metadata.labels", str(value), text)


def _rule(rule: Json, where: str, namespaced: bool) -> Iterator[str]:
    if not rule.get("verbs"):
        yield f"{where}.verbs: Required value: verbs must contain at least one value"
    urls = rule.get("nonResourceURLs")
    if urls:
        place = f"{where}.nonResourceURLs: Invalid value: {_json(urls)}:"
        if namespaced:
            yield f"{place} namespaced rules cannot apply to non-resource URLs"
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            yield f"{place} rules cannot apply to both regular resources and non-resource URLs"
        return
    if not rule.get("apiGroups"):
        yield f"{where}.apiGroups: Required value: resource rules must supply at least one api group"
    if not rule.get("resources"):
        yield f"{where}.resources: Required value: resource rules must supply at least one resource"


def _aggregation(raw: Json) -> Iterator[str]:
    rule = raw.get("aggregationRule")
    if rule is None:
        return
    where = "aggregationRule.clusterRoleSelectors"
    selectors = rule.get("clusterRoleSelectors") or []
    if not selectors:
        yield f"{where}: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
    for index, selector in enumerate(selectors):
        for key, value in (selector.get("matchLabels") or {}).items():
            for text in label_key_errors(key):
                yield _invalid(f"{where}[{index}].matchLabels", key, text)
            for text in label_value_errors(value):
                yield _invalid(f"{where}[{index}].matchLabels", value, text)


def _subject(subject: Json, where: str, namespaced: bool) -> Iterator[str]:
    name, kind, group = subject.get("name") or "", subject.get("kind") or "", subject.get("apiGroup") or ""
    if not name:
        yield f"{where}.name: Required value"
    if kind == "ServiceAccount":
        if name:
            for text in subdomain_errors(name):
                yield _invalid(f"{where}.name", name, text)
        if group:
            yield _unsupported(f"{where}.apiGroup", group, ("",))
        if not namespaced and not subject.get("namespace"):
            yield f"{where}.namespace: Required value"
    elif kind in ("User", "Group"):
        if group != GROUP:
            yield _unsupported(f"{where}.apiGroup", group, (GROUP,))
    else:
        yield _unsupported(f"{where}.kind", kind, ("ServiceAccount", "User", "Group"))
