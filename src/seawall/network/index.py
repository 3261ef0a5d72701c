"""Policies and pods by name, with the place where each was read: what turns a trail into file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.estate import CLUSTER_KINDS, OTHER_APIS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.snapshot import KubernetesObject

Key = tuple[str, str, str]


class ObjectIndex:
    """Objects by kind, namespace and name; cluster kinds have the empty namespace."""

    def __init__(self, objects: Iterable[KubernetesObject]) -> None:
        self.objects: dict[Key, KubernetesObject] = {}
        for item in objects:
            if item.group in OTHER_APIS:
                continue  # a NetworkPolicy of Calico's is none of Kubernetes'
            namespace = (
                "" if item.kind in CLUSTER_KINDS or item.kind == "Node" else item.namespace or "default"
            )
            self.objects.setdefault((item.kind, namespace, item.name), item)

    def policies(self) -> dict[Key, dict[str, Any]]:
        """Return the policies as they were read, by key."""
        return {key: item.raw for key, item in self.objects.items() if key[0].endswith("NetworkPolicy")}

    def find(self, kind: str, namespace: str, name: str) -> KubernetesObject | None:
        """Return an object, None where there is none."""
        return self.objects.get((kind, namespace, name))
