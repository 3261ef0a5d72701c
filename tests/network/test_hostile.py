"""Objects that are not shaped as their API says end in an error that names them, never in a crash."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core import SeawallError
from seawall.network.estate import read_estate
from seawall.network.lint import View, lint
from seawall.network.pairs import Matrix
from seawall.network.policies import PolicyWorld
from support.calico import calico_cluster
from support.cilium import cilium_cluster
from support.network import dice_of, random_cluster

JUNK = [None, "x", 7, -1, [], {}, [1], {"a": 1}, True, "9" * 40, [[]], [None], {"cidr": 5}]


def paths(value, here=()):
    """Every place in an object but its kind and version, which say how it is read."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        if (*here, step) not in {("kind",), ("apiVersion",)}:
            yield (*here, step)
            yield from paths(inner, (*here, step))


def clusters(dice):
    """One cluster of each family of policies."""
    make = dice.choice((calico_cluster, cilium_cluster, None))
    if make is None:
        return random_cluster(dice, pods=4, policies=3, cluster_policies=2)
    return make(dice, pods=4, policies=3)


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_junk_anywhere(seed):
    dice = dice_of(seed)
    objects = clusters(dice)
    broken = dice.choice(objects)
    *steps, last = dice.choice(list(paths(broken)))
    holder = broken
    for step in steps:
        holder = holder[step]
    holder[last] = dice.choice(JUNK)
    for use in (
        lambda: PolicyWorld(objects),
        lambda: Matrix(read_estate(objects, strict=False)),
        lambda: lint(View(read_estate(objects, strict=False), objects, [], "cilium")),
    ):
        with suppress(SeawallError):  # whatever else is raised fails the test
            use()


@pytest.mark.parametrize(
    ("metadata", "words"),
    [({"name": "p", "namespace": "a", "labels": ["x"]}, "Pod a/p"), ("none at all", "Pod")],
)
def test_the_object_is_named(metadata, words):
    raw = {"kind": "Pod", "metadata": metadata}
    with pytest.raises(SeawallError, match=words):
        Matrix(read_estate([raw]))
