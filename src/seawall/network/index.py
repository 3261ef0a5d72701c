"""Policies and pods by name, with the place where each was read: what turns a trail into file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.estate import policy_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.snapshot import KubernetesObject

Key = tuple[str, str, str]


class ObjectIndex:
    """Objects by kind, namespace and name; cluster kinds have the empty namespace."""

    def __init__(self, objects: Iterable[KubernetesObject]) -> None:
        self.objects: dict[Key, KubernetesObject] = {}
        for item in objects:
            key = policy_key(item.raw)
            if item.kind == "Node":
                key = (item.kind, "", item.name)
            self.objects.setdefault(key, item)

    def policies(self) -> dict[Key, dict[str, Any]]:
        """Return the policies as they were read, by key."""
        return {key: item.raw for key, item in self.objects.items() if "NetworkPolicy" in key[0]}

    def find(self, kind: str, namespace: str, name: str) -> KubernetesObject | None:
        """Return an object, None where there is none."""
        return self.objects.get((kind, namespace, name))
