"""The engine of all pairs gives the answers of the engine of one pair, for everybody."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.network.estate import read_estate
from seawall.network.pairs import Matrix
from seawall.network.rules import read_network_policy
from support.calico import calico_cluster
from support.cilium import cilium_cluster
from support.network import NAMESPACES, dice_of, network_policy, pod, random_cluster
from support.pairs import compare, differences


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_all_pairs_are_the_pairs_one_by_one(seed):
    wrong, asked = differences(random_cluster(dice_of(seed)))
    assert asked > 1000
    assert not wrong, wrong[:3]


@settings(max_examples=10)
@given(st.integers(0, 2**32))
@pytest.mark.parametrize("engine", ["cilium", "npm-windows"])
def test_both_read_the_policies_as_an_engine_does(engine, seed):
    wrong, _ = differences(random_cluster(dice_of(seed), pods=7), engine=engine)
    assert not wrong, wrong[:3]


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_matrix_with_one_policy_exchanged_is_the_matrix_of_the_new_policies(seed):
    dice = dice_of(seed)
    objects = random_cluster(dice, pods=7)
    estate = read_estate(objects)
    changed = [item for item in objects if item["metadata"]["name"] != "np0"]
    added = network_policy(dice, "np9")
    old = next(item for item in estate.policies if item.name == "np0")
    matrix = Matrix(estate).replace(old, read_network_policy(added))
    wrong, _ = differences([*changed, added], matrix)
    assert not wrong, wrong[:3]


@settings(max_examples=10)
@given(st.integers(0, 2**32))
@pytest.mark.parametrize("make", [random_cluster, calico_cluster, cilium_cluster])
def test_change_after_change_is_the_matrix_of_what_is_left(make, seed):
    """Policies are taken out and put back in one after another; each time the engine of one pair agrees."""
    dice = dice_of(seed)
    estate = read_estate(make(dice, pods=6), strict=False)
    matrix, kept, out = Matrix(estate), list(estate.policies), []
    for step in range(5):
        if out and dice.random() < 0.4:
            new = out.pop(dice.randrange(len(out)))
            old = None
            kept.append(new)
        else:
            old, new = kept.pop(dice.randrange(len(kept))) if kept else None, None
            if old is not None and out and dice.random() < 0.5:
                new = out.pop()
                kept.append(new)
            if old is not None:
                out.append(old)
        matrix = matrix.replace(old, new)
        if step % 2:
            wrong, _ = compare(estate.with_policies(kept), matrix)
            assert not wrong, wrong[:3]


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_blocks_of_rows_are_the_masks(seed):
    matrix = Matrix(read_estate(random_cluster(dice_of(seed))))
    for low, words in matrix.rows(step=3):
        for source in range(words.shape[0]):
            for target in range(matrix.classes):
                assert matrix.ports.from_words(words[source, target]) == matrix.mask(low + source, target)


def test_equal_hashes_do_not_make_a_class(monkeypatch):
    """Whoever could make two memberships sum to one hash gains nothing: they are compared."""
    from seawall.network.pairs.partition import Partition

    monkeypatch.setattr(Partition, "weight", lambda _: 0)
    wrong, asked = differences(random_cluster(dice_of(7)))
    assert asked > 1000
    assert not wrong


def test_pods_that_no_rule_tells_apart_are_one_class():
    objects = [
        {
            "kind": "Pod",
            "metadata": {"name": f"p{n}", "namespace": "a", "labels": {"app": "web", "pod": f"p{n}"}},
            "status": {"podIP": f"10.0.0.{n}"},
        }
        for n in range(1, 200)
    ]
    matrix = Matrix(read_estate(objects))
    assert len(set(matrix.class_of[:199])) == 1


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ([], "all"),
        ([{"port": 80}], "TCP 80"),
        ([{"port": 80, "endPort": 90}, {"port": 91}], "TCP 80-91"),
        ([{"protocol": "UDP"}, {"port": 443}], "TCP 443 UDP"),
    ],
)
def test_ports_are_written_for_people(ports, text):
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"ports": ports}]},
    }
    pods = [{"kind": "Pod", "metadata": {"name": n, "namespace": "a"}} for n in ("x", "y")]
    matrix = Matrix(read_estate([policy, *pods]))
    assert matrix.ports.text(matrix.mask(matrix.class_of[0], matrix.class_of[1])) == text


@settings(max_examples=15)
@given(st.integers(0, 2**32))
@pytest.mark.parametrize("cluster_policies", [0, 3])
def test_a_matrix_with_one_pod_exchanged_is_the_matrix_of_the_new_pods(cluster_policies, seed):
    dice = dice_of(seed)
    objects = random_cluster(dice, pods=7, cluster_policies=cluster_policies)
    pods = [item for item in objects if item["kind"] == "Pod"]
    rest = [item for item in objects if item["kind"] != "Pod"]
    new = pod(dice, 0, dice.choice(NAMESPACES))
    matrix = Matrix(read_estate(objects)).with_pod(0, new)
    wrong, _ = differences([*rest, new, *pods[1:]], matrix)
    assert not wrong, wrong[:3]
    old = next(item for item in matrix.policies if item.name == "np0")
    changed = [item for item in rest if item["metadata"]["name"] != "np0"]
    added = network_policy(dice, "np9")
    wrong, _ = differences([*changed, added, new, *pods[1:]], matrix.replace(old, read_network_policy(added)))
    assert not wrong, wrong[:3]


def test_a_pod_of_the_host_is_its_node_also_where_no_block_asks_for_addresses():
    """`nodes` peers are told by address; a world without any block reads addresses all the same."""
    node = {
        "kind": "Node",
        "metadata": {"name": "n", "labels": {"pool": "p0"}},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.9.0.1"}]},
    }
    agent = {
        "kind": "Pod",
        "metadata": {"name": "agent", "namespace": "a"},
        "spec": {"hostNetwork": True},
        "status": {"hostIP": "10.9.0.1"},
    }
    deny = {
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "c"},
        "spec": {
            "tier": "Admin",
            "priority": 1,
            "subject": {"namespaces": {}},
            "egress": [{"action": "Deny", "to": [{"nodes": {"matchLabels": {"pool": "p0"}}}]}],
        },
    }
    caller = {"kind": "Pod", "metadata": {"name": "x", "namespace": "a"}}
    matrix = Matrix(read_estate([caller, agent, node, deny]))
    assert matrix.mask(matrix.class_of[0], matrix.class_of[1]) == 0
