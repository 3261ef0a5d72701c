"""The world that access is decided over: RBAC, the node graph, and what of it could not be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.node import NodeGraph
from seawall.access.rbac.bootstrap import bootstrap, is_bootstrapped
from seawall.access.rbac.index import RbacIndex
from seawall.access.rbac.model import (
    GROUP,
    KINDS,
    Binding,
    Role,
    Rule,
    ShapeError,
    flatten,
    read_binding,
    read_role,
)
from seawall.snapshot import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.snapshot import Origin


class Problem(msgspec.Struct, frozen=True):
    """An object that was left out, and why; the rest was decided."""

    kind: str
    namespace: str
    name: str
    reason: str


class AccessWorld:
    """What an API server would know. `gates` are feature gates that the world sets."""

    def __init__(
        self,
        roles: Iterable[Role] = (),
        bindings: Iterable[Binding] = (),
        objects: Iterable[dict[str, Any]] = (),
        gates: dict[str, bool] | None = None,
        problems: Iterable[Problem] = (),
    ) -> None:
        self.rbac = RbacIndex(roles, bindings)
        self.objects = list(objects)
        self.gates = gates or {}
        self.problems = tuple(problems)
        self._graph: NodeGraph | None = None
        self._named: list[Rule] | None = None

    def named_rules(self) -> list[Rule]:
        """Return the rules with resourceNames, which are few; found once."""
        if self._named is None:
            self._named = [rule for rule in self.rules() if rule.names]
        return self._named

    def rules(self) -> Iterable[Rule]:
        """Yield the rules of every role."""
        for role in (*self.rbac.cluster_roles.values(), *self.rbac.roles.values()):
            yield from role.rules

    @property
    def nodes(self) -> NodeGraph:
        """The node authorizer's graph, built when a node first asks."""
        if self._graph is None:
            self._graph = NodeGraph(self.objects)
        return self._graph


def build_world(
    objects: Iterable[dict[str, Any] | KubernetesObject],
    gates: dict[str, bool] | None = None,
    *,
    defaults: bool = True,
) -> AccessWorld:
    """Read a world from Kubernetes objects (dicts or snapshot objects; Lists are opened).

    An API server makes its default roles and bindings itself, so they are added (1.34's) where the world holds
    none that carries its mark; a dump of a cluster holds them, and is taken as it is. What is there by the same
    name wins. `defaults=False` leaves them out.
    """
    roles: dict[tuple[str, str, str], Role] = {}
    bindings: dict[tuple[str, str, str], Binding] = {}
    problems: list[Problem] = []
    others: list[dict[str, Any]] = []
    marked = False
    for item, origin in _with_origins(objects):
        kind = item.get("kind")
        version = str(item.get("apiVersion") or f"{GROUP}/v1")
        if not isinstance(kind, str) or kind not in KINDS or not version.startswith(f"{GROUP}/"):
            others.append(item)
            continue
        try:
            if kind in ("Role", "ClusterRole"):
                role = read_role(item, origin)
                roles[kind, role.namespace, role.name] = role
            else:
                binding = read_binding(item, len(bindings), origin)
                bindings[kind, binding.namespace, binding.name] = binding
            marked = marked or is_bootstrapped(item)
        except ShapeError as error:
            problems.append(_problem(item, str(error)))
    if defaults and not marked:
        for role in bootstrap()[0]:
            roles.setdefault((role.kind, role.namespace, role.name), role)
        for binding in bootstrap()[1]:
            key = (binding.kind, binding.namespace, binding.name)
            bindings.setdefault(key, msgspec.structs.replace(binding, order=len(bindings)))
    return AccessWorld(roles.values(), bindings.values(), others, gates, problems)


def _with_origins(
    objects: Iterable[dict[str, Any] | KubernetesObject],
) -> Iterable[tuple[dict[str, Any], Origin | None]]:
    for item in objects:
        if isinstance(item, KubernetesObject):
            yield from ((each, item.origin) for each in flatten([item.raw]))
        else:
            # What is no object in a world line is passed over by flatten.
            yield from ((each, None) for each in flatten([item]))


def _problem(item: dict[str, Any], reason: str) -> Problem:
    metadata = item.get("metadata")
    holder = metadata if isinstance(metadata, dict) else {}
    return Problem(
        str(item.get("kind")), str(holder.get("namespace") or ""), str(holder.get("name") or ""), reason
    )
