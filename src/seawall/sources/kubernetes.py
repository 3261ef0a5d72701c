"""Which documents are Kubernetes objects, and the objects inside of lists."""

from __future__ import annotations

from typing import Any, Final

from seawall.snapshot.model import KubernetesObject, Origin, Path

_NOT_OBJECTS: Final = {
    "kustomize.config.k8s.io": "a Kustomize file",
    "kind.x-k8s.io": "a configuration of kind",
    "k3d.io": "a configuration of k3d",
    "skaffold": "a configuration of Skaffold",
    "ctlptl.dev": "a configuration of ctlptl",
}
"""API groups whose files look like Kubernetes objects and are read by tools, never by a cluster."""


def not_an_object(api_version: str, kind: str) -> str:
    """Say what a document is that has `apiVersion` and `kind` and yet is no object; empty when it is one."""
    if api_version == "v1" and kind == "Config":
        return "a kubeconfig"
    return _NOT_OBJECTS.get(api_version.partition("/")[0], "")


def is_list(value: dict[str, Any], kind: str) -> bool:
    """Say whether a document is a list of objects, as `kubectl get` or the API server writes it."""
    if not kind.endswith("List") or "items" not in value:
        return False
    metadata = value.get("metadata")
    return not (isinstance(metadata, dict) and metadata.get("name"))


def add_list(
    value: dict[str, Any], file: str, document: int, path: Path, out: list[KubernetesObject]
) -> list[str]:
    """Append the objects of a list, and of lists inside of it; return what is wrong with items, as sentences.

    Items of a typed list (`PodList`) have no `apiVersion` and `kind` of their own when the API server wrote it:
    they get the list's.
    """
    kind = str(value.get("kind"))
    items = value["items"]
    if items is None:
        return []
    if not isinstance(items, list):
        return [f"items of {kind} is not a list"]
    wrong: list[str] = []
    for index, item in enumerate(items):
        steps = (*path, "items", index)
        if not isinstance(item, dict):
            wrong.append(f"items[{index}] of {kind} is not an object")
            continue
        raw = item
        own = item.get("kind")
        if not isinstance(own, str) or not isinstance(item.get("apiVersion"), str):
            if kind == "List":
                wrong.append(f"items[{index}] has no apiVersion and kind")
                continue
            raw = {"apiVersion": value.get("apiVersion"), "kind": kind[:-4], **item}
            own = kind[:-4]
        if is_list(raw, str(own)):
            wrong.extend(add_list(raw, file, document, steps, out))
        else:
            out.append(KubernetesObject(raw, Origin(file, document, steps)))
    return wrong
