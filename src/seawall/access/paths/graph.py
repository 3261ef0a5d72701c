"""A graph of who becomes what, with a reason for each edge."""

from __future__ import annotations

import msgspec

Node = tuple[str, str]
"""(kind, name): ("User", "jane"), ("ServiceAccount", "ns/name"), ("cap", "run-pods/ns"), ("goal", "cluster-admin")."""

ADMIN: Node = ("goal", "cluster-admin")
OUTSIDE: Node = ("Network", "outside")
"""Whoever reaches what the cluster exposes."""


class Edge(msgspec.Struct, frozen=True):
    """One step: its kind (an id of the catalogue), a sentence, and the binding that gives it, if one does."""

    target: Node
    kind: str
    reason: str
    binding: str = ""


class AttackGraph:
    """Nodes and edges; no edge is dropped, equal ones are kept once."""

    def __init__(self) -> None:
        self.edges: dict[Node, list[Edge]] = {}
        self._seen: set[tuple[Node, Node, str, str]] = set()

    def add(self, source: Node, target: Node, kind: str, reason: str, binding: str = "") -> None:
        """Add an edge once."""
        key = (source, target, kind, binding)
        if source != target and key not in self._seen:
            self._seen.add(key)
            self.edges.setdefault(source, []).append(Edge(target, kind, reason, binding))

    def __len__(self) -> int:
        """Count the edges."""
        return len(self._seen)
