"""Shortest paths to a goal, and the fewest bindings whose removal cuts every path (max-flow, min-cut)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.paths.graph import AttackGraph, Edge, Node

INFINITE = 1 << 40


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


def cut(graph: AttackGraph, sources: Iterable[Node], goal: Node) -> list[str] | None:
    """Return the fewest bindings (or assignments) whose removal leaves no path; None where no such set cuts.

    Each binding is one unit of capacity, whatever it gives to whom; steps without a binding cannot be cut. Where a
    right needs two bindings at once the first is counted, so that there the set may be larger than the least; that
    it cuts is checked on the graph itself.
    """
    alive = reaching(graph, goal)
    flow = _Flow()
    by_binding: dict[str, set[tuple[Node, Node]]] = {}
    for source, edges in graph.edges.items():
        if source not in alive:
            continue
        for edge in edges:
            if edge.target not in alive:
                continue
            if edge.binding:
                by_binding.setdefault(edge.binding, set()).add((source, edge.target))
            else:
                flow.link(source, edge.target, INFINITE)
    for binding, pairs in by_binding.items():
        _gates(flow, binding, pairs)
    starts = [source for source in sources if source in alive]
    if goal in starts:
        return None
    for source in starts:
        flow.link(START, source, INFINITE)
    found = flow.cut(START, goal)
    if found is None or any(not isinstance(each, str) for each in found):
        return None
    chosen = sorted(set(found))
    return chosen if _cuts(graph, starts, goal, set(chosen)) else None


START: Node = ("start", "")


def _gates(flow: _Flow, binding: str, pairs: set[tuple[Node, Node]]) -> None:
    """Send what a binding gives through one gate; what not all its subjects get, through gates of its own."""
    sources = {source for source, _ in pairs}
    targets = {target for _, target in pairs}
    shared = {target for target in targets if all((source, target) in pairs for source in sources)}
    gate_in, gate_out = ("in", binding), ("out", binding)
    if shared:
        flow.link(gate_in, gate_out, 1, binding)
        for source in sources:
            flow.link(source, gate_in, INFINITE)
        for target in shared:
            flow.link(gate_out, target, INFINITE)
    for source, target in pairs:
        if target not in shared:
            flow.link(source, target, 1, binding)


def _cuts(graph: AttackGraph, starts: list[Node], goal: Node, gone: set[str]) -> bool:
    seen, queue = set(starts), deque(starts)
    while queue:
        for edge in graph.edges.get(queue.popleft(), ()):
            if edge.binding in gone or edge.target in seen:
                continue
            if edge.target == goal:
                return False
            seen.add(edge.target)
            queue.append(edge.target)
    return True


class _Flow:
    """Dinic's algorithm over a residual graph in flat lists."""

    def __init__(self) -> None:
        self.number: dict[Node, int] = {}
        self.out: list[list[int]] = []
        self.to: list[int] = []
        self.room: list[int] = []
        self.label: list[str] = []

    def _node(self, node: Node) -> int:
        found = self.number.get(node)
        if found is None:
            found = self.number[node] = len(self.out)
            self.out.append([])
        return found

    def link(self, source: Node, target: Node, room: int, label: str = "") -> None:
        """Add an edge and its reverse."""
        a, b = self._node(source), self._node(target)
        for start, end, capacity in ((a, b, room), (b, a, 0)):
            self.out[start].append(len(self.to))
            self.to.append(end)
            self.room.append(capacity)
            self.label.append(label)

    def cut(self, source: Node, target: Node) -> list[str] | None:
        """Return the labels of a minimal cut; None where it would need an edge that cannot be cut."""
        a, b = self._node(source), self._node(target)
        while (levels := self._levels(a))[b] >= 0:
            places = [0] * len(self.out)
            while pushed := self._push(a, b, levels, places):
                if pushed >= INFINITE:
                    return None
        levels = self._levels(a)
        return [
            self.label[edge]
            for node, level in enumerate(levels)
            if level >= 0
            for edge in self.out[node]
            if edge % 2 == 0 and levels[self.to[edge]] < 0
        ]

    def _levels(self, start: int) -> list[int]:
        levels = [-1] * len(self.out)
        levels[start] = 0
        queue = deque((start,))
        while queue:
            node = queue.popleft()
            for edge in self.out[node]:
                if self.room[edge] and levels[self.to[edge]] < 0:
                    levels[self.to[edge]] = levels[node] + 1
                    queue.append(self.to[edge])
        return levels

    def _push(self, start: int, end: int, levels: list[int], places: list[int]) -> int:
        """Push along one path of the level graph, without recursion."""
        path: list[int] = []
        node = start
        while node != end:
            edges = self.out[node]
            while places[node] < len(edges):
                edge = edges[places[node]]
                if self.room[edge] and levels[self.to[edge]] == levels[node] + 1:
                    break
                places[node] += 1
            if places[node] < len(edges):
                path.append(edges[places[node]])
                node = self.to[path[-1]]
            elif path:
                back = path.pop()
                node = self.to[back ^ 1]
                places[node] += 1
            else:
                return 0
        pushed = min(self.room[edge] for edge in path)
        for edge in path:
            self.room[edge] -= pushed
            self.room[edge ^ 1] += pushed
        return pushed
