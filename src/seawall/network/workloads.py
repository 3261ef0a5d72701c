"""What makes pods: workloads with templates, and which of them already stand in the estate as pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.snapshot.workloads import POD_TEMPLATE_OF_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable

DONE = frozenset({"Succeeded", "Failed"})
"""Phases of pods that have no address any more (specs b1.14)."""

TEMPLATES: dict[str, tuple[str, ...]] = {
    kind: path for kind, path in POD_TEMPLATE_OF_KIND.items() if kind not in {"Pod", "PodTemplate"}
}
"""Where each kind keeps the pod that it makes."""


class Workload(msgspec.Struct, frozen=True):
    """A workload and the template of its pods."""

    raw: dict[str, Any]
    template: dict[str, Any]


def template_of(raw: dict[str, Any]) -> dict[str, Any] | None:
    """Return the template of a workload's pods; None where it is no workload or has none."""
    steps = TEMPLATES.get(str(raw.get("kind")))
    if steps is None:
        return None
    template: Any = raw
    for step in steps:
        template = template.get(step) if isinstance(template, dict) else None
    return template if isinstance(template, dict) else None


def identity(raw: dict[str, Any]) -> tuple[str, str, str]:
    """Return namespace, kind and name."""
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return str(metadata.get("namespace") or "default"), str(raw.get("kind")), str(metadata.get("name") or "")


def owner_of(raw: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return the identity of the workload that controls an object; None for one that stands alone."""
    metadata = raw.get("metadata")
    owners = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    if not isinstance(owners, list):
        return None
    for owner in owners:
        # A static pod is owned by its node, which is no workload.
        if isinstance(owner, dict) and owner.get("controller") is not False and owner.get("kind") != "Node":
            kind = str(owner.get("kind") or "Pod")
            return identity(raw)[0], kind, str(owner.get("name") or "")
    return None


class Owners:
    """Leads from a pod or a workload to the one that a person wrote: pod, ReplicaSet, Deployment."""

    def __init__(self, workloads: Iterable[dict[str, Any]]) -> None:
        self._parents = {identity(raw): owner_of(raw) for raw in workloads}

    def root(self, raw: dict[str, Any]) -> tuple[str, str, str]:
        """Return the identity at the end of the chain of owners; a chain that bites its tail ends there."""
        here = identity(raw)
        parent = owner_of(raw)
        seen = {here}
        while parent is not None and parent not in seen:
            seen.add(parent)
            here, parent = parent, self._parents.get(parent)
        return here


def standing(pods: Iterable[dict[str, Any]], workloads: list[dict[str, Any]]) -> list[Workload]:
    """Return the workloads that no pod and no other workload of the estate stands for.

    A dump of a cluster holds Deployment, ReplicaSet and pods: the pods are there. A folder of manifests holds
    the Deployment alone: its template is what will be there.
    """
    taken = {owner for owner in map(owner_of, pods) if owner is not None}
    parents = {identity(raw): owner_of(raw) for raw in workloads}
    for start in list(taken):
        here: tuple[str, str, str] | None = start
        while here is not None and parents.get(here) is not None and parents[here] not in taken:
            here = parents[here]
            taken.add(here)  # type: ignore[arg-type]
    found = []
    for raw in workloads:
        name = identity(raw)
        parent = parents[name]
        if name in taken or (parent is not None and parent in parents):
            continue
        template = template_of(raw)
        if template is not None:
            found.append(Workload(raw, template))
    return found
