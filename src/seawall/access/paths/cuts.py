"""The fewest bindings whose removal cuts every path to a goal.

A binding gives several edges at once, so this is a hitting set of paths and no plain minimal cut: a flow gives a set
that cuts and is nearly the least, then a search with bounds finds the least, or ends with its budget.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from seawall.access.paths.search import reaching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.paths.graph import AttackGraph, Node

INFINITE = 1 << 40
BUDGET = 20_000_000
"""Edges that the search looks at before it gives up proving that nothing smaller cuts (some seconds)."""


class Cut(msgspec.Struct, frozen=True):
    """Bindings (or role assignments) without which no path is left; `exact` says that no smaller set cuts."""

    bindings: tuple[str, ...]
    exact: bool


def cut(graph: AttackGraph, sources: Iterable[Node], goal: Node, budget: int = BUDGET) -> Cut | None:
    """Return the fewest bindings whose removal leaves no path; None where a path has no binding to take away.

    What a right of two bindings needs is represented by the rarer need (docs/adr/0602).
    """
    alive = reaching(graph, goal)
    starts = [source for source in sources if source in alive]
    if goal in starts:
        return None
    if not starts:
        return Cut((), exact=True)
    first = _by_flow(graph, starts, goal, alive)
    if first is None:
        return None
    search = _Search(_Compact(graph, starts, goal, alive), first, budget)
    return search.least()


def _by_flow(graph: AttackGraph, starts: list[Node], goal: Node, alive: set[Node]) -> list[str] | None:
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
    for source in starts:
        flow.link(START, source, INFINITE)
    found = flow.cut(START, goal)
    return None if found is None else sorted(set(found))


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


class _Compact:
    """The part of a graph that lies between the starts and the goal, with numbers for nodes and bindings."""

    def __init__(self, graph: AttackGraph, starts: list[Node], goal: Node, alive: set[Node]) -> None:
        number: dict[Node, int] = {goal: 0}
        self.names: list[str] = [""]
        named: dict[str, int] = {"": 0}
        self.out: list[list[tuple[int, int]]] = [[]]
        queue = deque(starts)
        for node in starts:
            number.setdefault(node, len(number))
        self.starts = sorted({number[node] for node in starts})
        self.out += [[] for _ in range(len(number) - 1)]
        done: set[Node] = set()
        while queue:
            node = queue.popleft()
            if node in done or node == goal:
                continue
            done.add(node)
            edges: set[tuple[int, int]] = set()
            for edge in graph.edges.get(node, ()):
                if edge.target not in alive:
                    continue
                if edge.target not in number:
                    number[edge.target] = len(number)
                    self.out.append([])
                    queue.append(edge.target)
                if edge.binding not in named:
                    named[edge.binding] = len(self.names)
                    self.names.append(edge.binding)
                edges.add((number[edge.target], named[edge.binding]))
            self.out[number[node]] = sorted(edges)
        self.named = named


class _Search:
    """Branch and bound: every set that cuts holds a binding of every path, so some path's bindings are tried in turn."""

    def __init__(self, graph: _Compact, first: list[str], budget: int) -> None:
        self.graph = graph
        self.best = [graph.named[name] for name in first if name in graph.named]
        self.budget = budget
        self.exact = True

    def least(self) -> Cut:
        """Return the least set, or the best one that was found within the budget."""
        self._shrink()
        self._branch(set(), frozenset())
        return Cut(tuple(sorted(self.graph.names[each] for each in self.best)), self.exact)

    def _shrink(self) -> None:
        """Take out what is not needed."""
        for each in sorted(self.best):
            rest = [other for other in self.best if other != each]
            if self._path(set(rest), frozenset()) is None:
                self.best = rest

    def _branch(self, gone: set[int], kept: frozenset[int]) -> None:
        """Try to beat the best set with one that holds `gone` and nothing of `kept`."""
        path = self._path(gone, kept)
        if path is None:
            if len(gone) < len(self.best):
                self.best = sorted(gone)
            return
        choices = [each for each in path if each not in kept]
        if not choices or len(gone) + self._bound(gone, kept, path) >= len(self.best):
            return
        for each in choices:
            if self.budget <= 0:
                self.exact = False
                return
            self._branch(gone | {each}, kept)
            kept |= {each}

    def _bound(self, gone: set[int], kept: frozenset[int], path: list[int]) -> int:
        """Return how many bindings must go at least: paths that share none need one each."""
        used = set(gone)
        count = 0
        found: list[int] | None = path
        while found is not None:
            count += 1
            free = [each for each in found if each not in kept]
            if not free or len(gone) + count >= len(self.best):
                return count if free else len(self.best)
            used |= set(free)
            found = self._path(used, kept)
        return count

    def _path(self, gone: set[int], kept: frozenset[int]) -> list[int] | None:
        """Return the bindings of a path with as few that may go as possible, None where no path is left (0-1 search)."""
        out = self.graph.out
        came: dict[int, tuple[int, int]] = {}
        far: dict[int, int] = dict.fromkeys(self.graph.starts, 0)
        queue = deque(self.graph.starts)
        done: set[int] = set()
        while queue:
            node = queue.popleft()
            if node in done:
                continue
            done.add(node)
            if node == 0:
                return self._bindings(came)
            self.budget -= len(out[node])
            for target, binding in out[node]:
                if binding and binding in gone:
                    continue
                cost = 1 if binding and binding not in kept else 0
                if target not in done and far[node] + cost < far.get(target, INFINITE):
                    far[target] = far[node] + cost
                    came[target] = (node, binding)
                    if cost:
                        queue.append(target)
                    else:
                        queue.appendleft(target)
        return None

    def _bindings(self, came: dict[int, tuple[int, int]]) -> list[int]:
        found: dict[int, None] = {}
        node = 0
        while node in came:
            node, binding = came[node]
            if binding:
                found[binding] = None
        return list(found)[::-1]


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
        total = 0
        while (levels := self._levels(a))[b] >= 0:
            places = [0] * len(self.out)
            while pushed := self._push(a, b, levels, places):
                total += pushed
                if total >= INFINITE:
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
