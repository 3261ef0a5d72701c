"""A difference of two estates is every question that they answer differently, and no other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.network.estate import read_estate
from seawall.network.model import Packet, Peer
from seawall.network.pairs.diff import diff
from seawall.network.policies import PolicyWorld
from seawall.network.rules import Action
from support.network import PORTS, dice_of, network_policy, random_cluster


def allowed(world, source, target, protocol, port):
    answers = world.decide(Packet(Peer(pod=source), Peer(pod=target), protocol, port))
    return all(item.verdict is Action.ALLOW for item in answers)


def says(text, protocol, port):
    if text == "all":
        return True
    for name, spans in _parts(text):
        if name == protocol and any(low <= port <= high for low, high in spans):
            return True
    return False


def _parts(text):
    words = text.split()
    for index, word in enumerate(words):
        if word in {"TCP", "UDP", "SCTP"}:
            rest = words[index + 1] if index + 1 < len(words) and words[index + 1][0].isdigit() else "1-65535"
            spans = [item.partition("-") for item in rest.split(",")]
            yield word, [(int(low), int(high or low)) for low, _, high in spans]


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_exactly_what_changed(seed):
    dice = dice_of(seed)
    objects = random_cluster(dice, pods=8)
    for item in objects:
        if item["kind"] == "Pod":
            item["spec"]["hostNetwork"] = False
    changed = [item for item in objects if item["metadata"]["name"] not in {"np0", "np1"}]
    changed.append(network_policy(dice, "np9"))
    old, new = PolicyWorld(objects), PolicyWorld(changed)
    found = {(item.source, item.target): item for item in diff(read_estate(objects), read_estate(changed))}
    for left in old.pods.values():
        for right in old.pods.values():
            if left is right:
                continue
            item = found.get((f"{left.key}[Pod]", f"{right.key}[Pod]"))
            for protocol in ("TCP", "UDP", "SCTP"):
                for port in (*PORTS, 1, 70, 30_000):
                    was = allowed(old, left, right, protocol, port)
                    now = allowed(new, left, right, protocol, port)
                    gained = item is not None and says(item.gained, protocol, port)
                    lost = item is not None and says(item.lost, protocol, port)
                    assert (gained, lost) == (now and not was, was and not now), (left.key, right.key, item)


def pod(name, **labels):
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": labels}}


def block_policy(cidr):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}]},
    }


def test_a_wider_block_gains_exactly_the_addresses_between():
    old = read_estate([pod("x"), block_policy("203.0.113.0/25")])
    new = read_estate([pod("x"), block_policy("203.0.113.0/24")])
    assert [(item.source, item.target, item.gained, item.lost) for item in diff(old, new)] == [
        ("203.0.113.128-203.0.113.255[External]", "a/x[Pod]", "all", "")
    ]


def test_the_same_estate_differs_in_nothing():
    objects = random_cluster(dice_of(3))
    assert diff(read_estate(objects), read_estate(objects)) == []


def test_a_new_pod_gains_and_is_named():
    found = diff(read_estate([pod("x")]), read_estate([pod("x"), pod("y")]))
    pairs = {(item.source, item.target): item for item in found}
    assert pairs["a/x[Pod]", "a/y[Pod]"].gained == "all"
    assert pairs["a/x[Pod]", "a/y[Pod]"].new == ("a/y[Pod]",)


def test_rolled_pods_of_one_workload_are_the_same_end():
    owner = {"ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": True}]}

    def made(name):
        return {"kind": "Pod", "metadata": {"name": name, "namespace": "a", **owner}}

    assert diff(read_estate([pod("x"), made("web-1")]), read_estate([pod("x"), made("web-2")])) == []


def test_a_name_that_means_another_number():
    def named(number):
        ports = [{"name": "http", "containerPort": number}]
        return {**pod("x"), "spec": {"containers": [{"name": "c", "ports": ports}]}}

    policy = block_policy("0.0.0.0/0")
    policy["spec"]["ingress"][0]["ports"] = [{"port": "http"}]
    found = diff(read_estate([named(80), policy]), read_estate([named(8080), policy]))
    assert [(item.gained, item.lost) for item in found] == [("TCP 8080", "TCP 80")]
