"""Why the API server would call an RBAC object invalid (pkg/apis/rbac/validation, 1.34), texts included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.fields import invalid, required, shown, unsupported
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
        errors += _aggregation(raw, old) if kind == "ClusterRole" else []
        return errors
    reference = raw["roleRef"]
    if reference["apiGroup"] != GROUP:
        errors.append(unsupported("roleRef.apiGroup", reference["apiGroup"], (GROUP,)))
    kinds = ("Role", "ClusterRole") if kind == "RoleBinding" else ("ClusterRole",)
    if reference["kind"] not in kinds:
        errors.append(unsupported("roleRef.kind", reference["kind"], kinds))
    if not reference["name"]:
        errors.append("roleRef.name: Required value")
    errors += [
        invalid("roleRef.name", reference["name"], each) for each in path_segment_errors(reference["name"])
    ]
    for index, subject in enumerate(raw.get("subjects") or []):
        errors += _subject(subject, f"subjects[{index}]", kind == "RoleBinding")
    if old is not None and old["roleRef"] != reference:
        written = {
            "APIGroup": reference["apiGroup"],
            "Kind": reference["kind"],
            "Name": reference["name"],
        }
        errors.append(f"roleRef: Invalid value: {shown(written)}: cannot change roleRef")
    return errors


ANNOTATIONS = 256 << 10
"""Bytes of keys and values of annotations at most."""
FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
"""The finalizers without a slash that there are."""


def _metadata(raw: Json) -> Iterator[str]:
    """Yield what is wrong with metadata (apimachinery: ValidateObjectMeta, in its order)."""
    metadata = raw.get("metadata") or {}
    name, prefix = metadata.get("name") or "", metadata.get("generateName") or ""
    for text in path_segment_errors(prefix):
        yield invalid("metadata.generateName", prefix, text)
    if not name and not prefix:
        yield required("metadata.name", "name or generateName is required")
    for text in path_segment_errors(name):
        yield invalid("metadata.name", name, text)
    yield from _labels(metadata.get("labels"), "metadata.labels")
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        for key in annotations:
            for text in label_key_errors(key.lower()):
                yield invalid("metadata.annotations", key, text)
        if sum(len(str(each).encode()) for pair in annotations.items() for each in pair) > ANNOTATIONS:
            yield f"metadata.annotations: Too long: may not be more than {ANNOTATIONS} bytes"
    yield from _owners(metadata.get("ownerReferences"), "metadata.ownerReferences")
    yield from _finalizers(metadata.get("finalizers"), "metadata.finalizers")


def _labels(labels: Any, where: str) -> Iterator[str]:
    for key, value in labels.items() if isinstance(labels, dict) else ():
        for text in label_key_errors(key):
            yield invalid(where, key, text)
        for text in label_value_errors(str(value)):
            yield invalid(where, str(value), text)


def _owners(references: Any, where: str) -> Iterator[str]:
    first = ""
    for each in references if isinstance(references, list) else ():
        if not isinstance(each, dict):
            continue
        version = str(each.get("apiVersion") or "")
        if not version.rpartition("/")[2]:
            yield invalid(f"{where}.apiVersion", version, "version must not be empty")
        for key in ("kind", "name", "uid"):
            if not each.get(key):
                yield invalid(f"{where}.{key}", "", "must not be empty")
        if version == "v1" and each.get("kind") == "Event":
            yield invalid(where, each, "/v1, Kind=Event is disallowed from being an owner")
        if each.get("controller") is True:
            found = f"{each.get('kind') or ''}/{each.get('name') or ''}"
            if first:
                text = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{first} and {found}"
                )
                yield invalid(where, references, text)
            else:
                first = found


def _finalizers(names: Any, where: str) -> Iterator[str]:
    texts = [str(each) for each in names] if isinstance(names, list) else []
    for each in texts:
        for text in label_key_errors(each):
            yield invalid(where, each, text)
    if {"orphan", "foregroundDeletion"} <= set(texts):
        yield invalid(where, texts, "finalizer orphan and foregroundDeletion cannot be both set")
    for index, each in enumerate(texts):
        if "/" not in each and each not in FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"{where}[{index}]", each, text)


def _rule(rule: Json, where: str, namespaced: bool) -> Iterator[str]:
    if not rule.get("verbs"):
        yield f"{where}.verbs: Required value: verbs must contain at least one value"
    urls = rule.get("nonResourceURLs")
    if urls:
        place = f"{where}.nonResourceURLs: Invalid value: {shown(urls)}:"
        if namespaced:
            yield f"{place} namespaced rules cannot apply to non-resource URLs"
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            yield f"{place} rules cannot apply to both regular resources and non-resource URLs"
        return
    if not rule.get("apiGroups"):
        yield f"{where}.apiGroups: Required value: resource rules must supply at least one api group"
    if not rule.get("resources"):
        yield f"{where}.resources: Required value: resource rules must supply at least one resource"


def _aggregation(raw: Json, old: Json | None) -> Iterator[str]:
    rule = raw.get("aggregationRule")
    if rule is None:
        return
    where = "aggregationRule.clusterRoleSelectors"
    selectors = rule.get("clusterRoleSelectors") or []
    if not selectors:
        yield f"{where}: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
    before = ((old or {}).get("aggregationRule") or {}).get("clusterRoleSelectors") or []
    # Values that were stored before they were looked at may stay (AllowInvalidLabelValueInSelector).
    lenient = any(list(_selector(each, "", values=True)) for each in before)
    for index, selector in enumerate(selectors):
        yield from _selector(selector, f"{where}[{index}]", values=not lenient)
        if any(_selector(selector, "", values=True)):
            yield f"{where}[{index}]: Invalid value: null: invalid label selector."


def _selector(selector: Json, where: str, *, values: bool) -> Iterator[str]:
    """Yield what is wrong with a label selector (meta/v1/validation: ValidateLabelSelector)."""
    yield from _labels(selector.get("matchLabels"), f"{where}.matchLabels")
    for index, each in enumerate(selector.get("matchExpressions") or []):
        place = f"{where}.matchExpressions[{index}]"
        operator, listed = each.get("operator") or "", each.get("values") or []
        if operator in ("In", "NotIn"):
            if not listed:
                yield required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if listed:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                yield f"{place}.values: Forbidden: {text}"
        else:
            yield invalid(f"{place}.operator", operator, "not a valid selector operator")
        for text in label_key_errors(each.get("key") or ""):
            yield invalid(f"{place}.key", each.get("key") or "", text)
        for number, value in enumerate(listed if values else ()):
            for text in label_value_errors(value):
                yield invalid(f"{place}.values[{number}]", value, text)


def _subject(subject: Json, where: str, namespaced: bool) -> Iterator[str]:
    name, kind, group = subject.get("name") or "", subject.get("kind") or "", subject.get("apiGroup") or ""
    if not name:
        yield f"{where}.name: Required value"
    if kind == "ServiceAccount":
        if name:
            for text in subdomain_errors(name):
                yield invalid(f"{where}.name", name, text)
        if group:
            yield unsupported(f"{where}.apiGroup", group, ("",))
        if not namespaced and not subject.get("namespace"):
            yield f"{where}.namespace: Required value"
    elif kind in ("User", "Group"):
        if group != GROUP:
            yield unsupported(f"{where}.apiGroup", group, (GROUP,))
    else:
        yield unsupported(f"{where}.kind", kind, ("ServiceAccount", "User", "Group"))
