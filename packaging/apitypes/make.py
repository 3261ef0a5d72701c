"""Make src/seawall/policy/admission/typed/kubernetes.json: the fields of the API's types, and how lists merge.

    python packaging/apitypes/make.py ~/go/pkg/mod/k8s.io/client-go@v0.34.4 > .../kubernetes.json

Reads the schema that client-go carries for structured merge (applyconfigurations/internal/internal.go) and
keeps names, kinds of value, merge rules and the defaults of list keys: facts, in a form of our own. A type
reference is `s` (string), `n` (number), `b` (boolean), `u` (any scalar), `*` (anything), a type's name,
`[rule, reference, keys]` for a list (rule: atomic, set, map) or `{reference}` for a map.
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
    about = f"{source.name} applyconfigurations/internal, 2026-11-21"
    sys.stdout.write(
        json.dumps({"source": about, "kinds": kinds, "types": types}, separators=(",", ":"), sort_keys=True)
    )


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
