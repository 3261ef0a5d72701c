"""Shortest paths to a goal, and what reaches it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.access.paths.graph import AttackGraph, Edge, Node


def shortest(graph: AttackGraph, source: Node, goal: Node) -> list[tuple[Node, Edge]] | None:
    """Return the steps of a shortest path, or None where there is none."""
    came: dict[Node, tuple[Node, Edge]] = {}
    seen = {source}
    queue = deque((source,))
    while queue:
        node = queue.popleft()
        if node == goal:
            path = []
            while node != source:
                before, edge = came[node]
                path.append((before, edge))
                node = before
            return path[::-1]
        for edge in graph.edges.get(node, ()):
            if edge.target not in seen:
                seen.add(edge.target)
                came[edge.target] = (node, edge)
                queue.append(edge.target)
    return None


def reaching(graph: AttackGraph, goal: Node) -> set[Node]:
    """Return every node from which the goal can be reached."""
    back: dict[Node, list[Node]] = {}
    for source, edges in graph.edges.items():
        for edge in edges:
            back.setdefault(edge.target, []).append(source)
    seen, queue = {goal}, deque((goal,))
    while queue:
        for source in back.get(queue.popleft(), ()):
            if source not in seen:
                seen.add(source)
                queue.append(source)
    return seen
