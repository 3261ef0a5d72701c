"""The types of custom resources, from their CustomResourceDefinition (kube-openapi `schemaconv`)."""

from __future__ import annotations

from typing import Any

from seawall.policy.admission.typed.model import BUILTIN, ListType, MapType, Reference

Json = dict[str, Any]
_SCALARS = {"string": "s", "integer": "n", "number": "n", "boolean": "b"}


def custom(crd: Json, version: str) -> tuple[Reference, Json] | None:
    """Return the type of a version of a custom resource, and its schema; None where it has no such version."""
    for item in (crd.get("spec") or {}).get("versions") or ():
        if item.get("name") == version:
            schema = ((item.get("schema") or {}).get("openAPIV3Schema")) or {}
            made = _convert(schema)
            if isinstance(made, MapType):
                # Every object has these; the CRD's schema says nothing of them (apiextensions: builder).
                meta = {"apiVersion": "s", "kind": "s", "metadata": "apis.meta.v1.ObjectMeta"}
                made = made._replace(fields={**made.fields, **meta})
            return made, schema
    return None


def _convert(schema: Json) -> Reference:
    if schema.get("x-kubernetes-int-or-string"):
        return "u"
    kind = schema.get("type")
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "array":
        items = schema.get("items")
        of = _convert(items) if isinstance(items, dict) else "*"
        rule = schema.get("x-kubernetes-list-type", "atomic")
        return ListType(rule, of, tuple(schema.get("x-kubernetes-list-map-keys") or ()))
    if kind == "object" or "properties" in schema:
        if schema.get("x-kubernetes-embedded-resource") and "properties" not in schema:
            return "*"
        fields = {name: _convert(each) for name, each in (schema.get("properties") or {}).items()}
        more = schema.get("additionalProperties")
        item: Reference = _convert(more) if isinstance(more, dict) else None
        if schema.get("x-kubernetes-preserve-unknown-fields") or more is True:
            item = "*"
        defaults = {
            name: each["default"]
            for name, each in (schema.get("properties") or {}).items()
            if isinstance(each, dict) and "default" in each
        }
        return MapType(fields, item, schema.get("x-kubernetes-map-type") == "atomic", defaults, item is None)
    return "*"


def with_defaults(value: Any, schema: Json) -> Any:
    """Return a value with the defaults of its schema (apiextensions `schema/defaulting`)."""
    if isinstance(value, dict):
        found = dict(value)
        properties = schema.get("properties") or {}
        for name, each in properties.items():
            if not isinstance(each, dict):
                continue
            # A null is as good as absent where the field has a default and is not nullable.
            if "default" in each and (
                name not in found or (found[name] is None and not each.get("nullable"))
            ):
                found[name] = each["default"]
            if name in found:
                found[name] = with_defaults(found[name], each)
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            for name in found.keys() - properties.keys():
                found[name] = with_defaults(found[name], more)
        return found
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [with_defaults(item, schema["items"]) for item in value]
    return value


__all__ = ["BUILTIN", "custom", "with_defaults"]
