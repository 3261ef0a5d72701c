"""The least cut, against trying every set of bindings."""

from __future__ import annotations

import itertools
import random

from seawall.access.paths.cuts import Cut, cut
from seawall.access.paths.graph import ADMIN, AttackGraph

NODES = [("n", str(number)) for number in range(8)]
BINDINGS = [f"b{number}" for number in range(6)]


def drawn(seed):
    """A graph whose bindings give edges in several places, as real ones do."""
    draw = random.Random(seed)  # noqa: S311 - the same draw in every run
    graph = AttackGraph()
    for _ in range(draw.randint(5, 18)):
        binding = draw.choice(BINDINGS) if draw.random() < 0.8 else ""
        graph.add(draw.choice(NODES), draw.choice([*NODES, ADMIN]), "k", "why", binding)
    return graph, NODES[: draw.randint(1, 3)]


def reaches(graph, starts, gone):
    seen, queue = set(starts), list(starts)
    while queue:
        for edge in graph.edges.get(queue.pop(), ()):
            if not (edge.binding and edge.binding in gone) and edge.target not in seen:
                seen.add(edge.target)
                queue.append(edge.target)
    return ADMIN in seen


def least_size(graph, starts):
    for size in range(len(BINDINGS) + 1):
        for chosen in itertools.combinations(BINDINGS, size):
            if not reaches(graph, starts, set(chosen)):
                return size
    return None


def test_no_smaller_set_cuts():
    """2,000 small graphs, each by trying all sets."""
    sizes = []
    for seed in range(2000):
        graph, starts = drawn(seed)
        found, size = cut(graph, starts, ADMIN), least_size(graph, starts)
        assert (found is None) == (size is None), seed
        if found is not None:
            assert not reaches(graph, starts, set(found.bindings)), seed
            assert (len(found.bindings), found.exact) == (size, True), seed
            sizes.append(size)
    assert {0, 1, 2, 3} <= set(sizes)


def test_a_search_that_ends_with_its_budget_says_so():
    """A cut it is all the same, and nothing in it is needless."""
    draw = random.Random(3)  # noqa: S311 - the same draw in every run
    graph = AttackGraph()
    for layer in range(4):
        for _ in range(60):
            source, target = (("n", f"{layer + step}-{draw.randint(0, 9)}") for step in (0, 1))
            graph.add(source, target if layer < 3 else ADMIN, "k", "why", f"b{draw.randint(0, 40)}")
    starts = [("n", f"0-{number}") for number in range(10)]
    found = cut(graph, starts, ADMIN, budget=100)
    assert found.exact is False
    assert not reaches(graph, starts, set(found.bindings))
    assert all(reaches(graph, starts, set(found.bindings) - {each}) for each in found.bindings)


def test_where_nothing_is_to_be_cut():
    graph = AttackGraph()
    graph.add(("a", ""), ("b", ""), "k", "why", "x")
    assert cut(graph, [("a", "")], ADMIN) == Cut((), exact=True)
    graph.add(("b", ""), ADMIN, "k", "why")
    assert cut(graph, [("a", "")], ADMIN) == Cut(("x",), exact=True)
    graph.add(("a", ""), ADMIN, "k", "why")
    assert cut(graph, [("a", "")], ADMIN) is None
    assert cut(graph, [ADMIN], ADMIN) is None
