"""Attack paths: how a subject becomes cluster-admin or reads a secret, and which bindings to cut."""

from seawall.access.paths.build import build_graph
from seawall.access.paths.cuts import Cut, cut
from seawall.access.paths.graph import AttackGraph, Edge
from seawall.access.paths.search import shortest

__all__ = ["AttackGraph", "Cut", "Edge", "build_graph", "cut", "shortest"]
"""The face: build a graph, find the shortest path, find the bindings to cut."""
