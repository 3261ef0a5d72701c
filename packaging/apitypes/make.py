"""Make src/seawall/policy/admission/typed/kubernetes.json: the fields of the API's types, and how lists merge.

    kubectl get --raw /openapi/v2 > openapi.json        # of a server of the same version
    python packaging/apitypes/make.py ~/go/pkg/mod/k8s.io/client-go@v0.34.4 openapi.json > .../kubernetes.json

Reads the schema that client-go carries for structured merge (applyconfigurations/internal/internal.go), and from
the server's own description the kinds that client-go has not (EXTRA). It keeps names, kinds of value, merge rules and the defaults of list keys: facts, in a form of our own. A type
reference is `s` (string), `n` (number), `b` (boolean), `u` (any scalar), `*` (anything), a type's name,
`[rule, reference, keys]` for a list (rule: atomic, set, map) or `{reference}` for a map. `formats` are fields that
hold bytes, 64-bit integers or doubles.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

SCALARS = {"string": "s", "numeric": "n", "boolean": "b", "untyped": "u"}
GROUPS = {
    "core": "", "apps": "apps", "batch": "batch", "autoscaling": "autoscaling", "policy": "policy",
    "networking": "networking.k8s.io", "rbac": "rbac.authorization.k8s.io", "storage": "storage.k8s.io",
    "scheduling": "scheduling.k8s.io", "node": "node.k8s.io", "coordination": "coordination.k8s.io",
    "discovery": "discovery.k8s.io", "events": "events.k8s.io", "certificates": "certificates.k8s.io",
    "admissionregistration": "admissionregistration.k8s.io", "flowcontrol": "flowcontrol.apiserver.k8s.io",
    "resource": "resource.k8s.io", "apiserverinternal": "internal.apiserver.k8s.io",
    "storagemigration": "storagemigration.k8s.io",
}  # fmt: skip
PREFIX = "io.k8s.api."
# Kinds of the API server that client-go has no apply configuration for, and which a policy may change.
EXTRA = {
    "v1/Binding": "io.k8s.api.core.v1.Binding",
    "autoscaling/v1/Scale": "io.k8s.api.autoscaling.v1.Scale",
    "authentication.k8s.io/v1/TokenRequest": "io.k8s.api.authentication.v1.TokenRequest",
    "apiextensions.k8s.io/v1/CustomResourceDefinition": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    "apiregistration.k8s.io/v1/APIService": "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
}
PLAIN = {"string": "s", "integer": "n", "number": "n", "boolean": "b"}


def reference(given: dict) -> object:
    """Return the short form of a type reference."""
    if "namedType" in given:
        return short(given["namedType"])
    if {"scalar", "list", "map"} <= given.keys():
        return "*"
    if "scalar" in given:
        return SCALARS[given["scalar"]]
    if "list" in given:
        rule = given["list"].get("elementRelationship", "associative")
        keys = given["list"].get("keys", [])
        rule = {"atomic": "atomic"}.get(rule, "map" if keys else "set")
        return [rule, reference(given["list"]["elementType"]), *keys]
    found: dict = {"of": reference(given["map"]["elementType"])}
    if given["map"].get("elementRelationship") == "atomic":
        found["atomic"] = True
    return found


def short(name: str) -> str:
    """Return a type's name without what all have in common."""
    return name.removeprefix(PREFIX).removeprefix("io.k8s.apimachinery.pkg.")


def main() -> None:
    """Print the table."""
    source = Path(sys.argv[1])
    text = (source / "applyconfigurations/internal/internal.go").read_text()
    text = text.partition("schemaYAML = typed.YAMLObject(`")[2].partition("`)")[0]
    given = {item["name"]: item for item in yaml.load(text, Loader=yaml.CSafeLoader)["types"]}
    types: dict = {}
    kinds: dict = {}
    for name, item in given.items():
        fields = {each["name"]: each for each in item.get("map", {}).get("fields", [])}
        if {"apiVersion", "kind", "metadata"} <= fields.keys() and name.startswith(PREFIX):
            group, version, kind = name.removeprefix(PREFIX).split(".")
            if group in GROUPS:
                kinds["/".join(filter(None, (GROUPS[group], version, kind)))] = short(name)
    waiting = [*kinds.values(), "__untyped_deduced_"]
    full = {short(name): item for name, item in given.items()}
    while waiting:
        name = waiting.pop()
        if name in types:
            continue
        item = full[name]
        if "scalar" in item and "map" not in item:
            types[name] = SCALARS[item["scalar"]]
            continue
        if "scalar" in item:
            types[name] = "*"
            continue
        made: dict = {}
        if "fields" in item["map"] or not item["map"]:
            made["fields"] = {each["name"]: reference(each["type"]) for each in item["map"].get("fields", [])}
            scalars = {
                each["name"]: each["default"]
                for each in item["map"].get("fields", [])
                if each.get("default") not in ({}, None)
            }
            if scalars:
                made["defaults"] = scalars
        if "elementType" in item["map"]:
            made["of"] = reference(item["map"]["elementType"])
        if item["map"].get("elementRelationship") == "atomic":
            made["atomic"] = True
        types[name] = made
        waiting += [each for each in names(made) if each in full]
    described = json.loads(Path(sys.argv[2]).read_text())["definitions"]
    for kind, name in EXTRA.items():
        kinds[kind] = short(name)
        describe(name, described, types)
    formats = {
        short(name): found for name in described if short(name) in types and (found := wide(described[name]))
    }
    about = f"{source.name} applyconfigurations/internal, and the same server's /openapi/v2, 2026-11-21"
    sys.stdout.write(
        json.dumps(
            {"source": about, "formats": formats, "kinds": kinds, "types": types},
            separators=(",", ":"),
            sort_keys=True,
        )
    )


def describe(name: str, described: dict, types: dict) -> None:
    """Add a type of the server's own description, and all it refers to (kube-openapi `schemaconv`)."""
    if short(name) in types:
        return
    given = described[name]
    types[short(name)] = made = {}
    found = schema(given, described, types)
    if isinstance(found, dict):
        made.update(found)
    else:
        types[short(name)] = found


def schema(given: dict, described: dict, types: dict) -> object:
    """Return the short form of a schema."""
    if "$ref" in given:
        name = given["$ref"].removeprefix("#/definitions/")
        describe(name, described, types)
        return short(name)
    if given.get("format") == "int-or-string":
        return "u"
    kind = given.get("type")
    if kind in PLAIN:
        return PLAIN[kind]
    if kind == "array":
        rule = given.get("x-kubernetes-list-type", "atomic")
        return [rule, schema(given["items"], described, types), *given.get("x-kubernetes-list-map-keys", ())]
    if kind == "object":
        made: dict = {}
        if "properties" in given:
            made["fields"] = {
                key: schema(each, described, types) for key, each in given["properties"].items()
            }
        if isinstance(given.get("additionalProperties"), dict):
            made["of"] = schema(given["additionalProperties"], described, types)
        if given.get("x-kubernetes-map-type") == "atomic":
            made["atomic"] = True
        return made
    return "*"


def wide(given: dict) -> dict[str, str]:
    """Return which fields of a type, or items of which, are bytes or no 32-bit numbers."""
    found = {}
    for name, each in given.get("properties", {}).items():
        within = [each, each.get("items"), each.get("additionalProperties")]
        for item in within:
            if isinstance(item, dict) and item.get("format") in {"byte", "int64", "double"}:
                found[name] = item["format"]
    return found


def names(value: object) -> list[str]:
    """Return every text within a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [name for item in value.values() for name in names(item)]
    if isinstance(value, list):
        return [name for item in value for name in names(item)]
    return []


if __name__ == "__main__":
    main()
