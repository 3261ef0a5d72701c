"""What is proposed turns the answer round when it is applied, over random clusters and both families."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.network.edits import closing, opening
from seawall.network.estate import policy_key, read_estate
from seawall.network.model import Packet, Peer, read_address
from seawall.network.policies import PolicyWorld
from seawall.network.rules import Action
from support.calico import calico_cluster
from support.cilium import cilium_cluster
from support.network import OUTSIDE, PORTS, dice_of, random_cluster


def raws_of(objects):
    return {policy_key(item): item for item in objects if item["kind"].endswith("Policy")}


def passes(world, packet):
    return all(item.verdict is Action.ALLOW for item in world.decide(packet))


def applied(objects, proposal):
    found = copy.deepcopy(objects)
    for edit in proposal.edits:
        if not edit.new:
            found = [item for item in found if policy_key(item) != policy_key(edit.policy)]
        found.append(edit.policy)
    return found


@settings(max_examples=30)
@given(st.integers(0, 2**32))
@pytest.mark.parametrize("make", [random_cluster, calico_cluster, cilium_cluster])
def test_applied_and_asked_again(make, seed):
    dice = dice_of(seed)
    objects = make(dice, pods=6)
    problems = {(item.kind, item.name) for item in read_estate(objects, strict=False).problems}
    objects = [item for item in objects if (item["kind"], item["metadata"]["name"]) not in problems]
    world = PolicyWorld(read_estate(objects))
    pods = [Peer(pod=item) for item in world.pods.values()]
    source, target = dice.sample(pods, 2)
    if dice.random() < 0.3:
        target = Peer(address=read_address(dice.choice(OUTSIDE), "to"))
    packet = Packet(source, target, dice.choice(("TCP", "UDP")), dice.choice(PORTS))
    before = passes(world, packet)
    proposal = (closing if before else opening)(world, raws_of(objects), packet)
    if proposal is None:
        # Only where nothing can hold or open it: a pod of the host, its own node, an address no rule can name.
        ends = source.pod.host or target.selectable() is None or _own_node(packet)
        assert ends or _no_room(world) or _required(objects)
        return
    after = PolicyWorld(read_estate(applied(objects, proposal)))
    assert passes(after, packet) != before


def _own_node(packet):
    pod = packet.target.selectable()
    return pod is not None and any(item in pod.node_addresses for item in packet.source.addresses())


def _required(objects):
    """What is required of endpoints (Cilium) no rule that names them gets round."""
    return any("Requires" in json.dumps(item) for item in objects)


def _no_room(world):
    return any(item.priority == 0 for item in world.admin)


def pod(name, **labels):
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": labels}}


def policy(name, **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"podSelector": {}, **spec},
    }


@pytest.fixture
def ask():
    def run(*objects, port=80):
        world = PolicyWorld(read_estate(objects))
        packet = Packet(Peer(pod=world.pods["a/x"]), Peer(pod=world.pods["a/y"]), "TCP", port)
        search = closing if passes(world, packet) else opening
        return search(world, raws_of(objects), packet)

    return run


def test_a_default_deny_is_opened_for_these_pods_and_this_port_alone(ask):
    found = ask(pod("x", app="x"), pod("y", app="y"), pod("z", app="z"), policy("deny"))
    assert [edit.policy["spec"]["ingress"] for edit in found.edits] == [
        [
            {
                "from": [{"podSelector": {"matchLabels": {"app": "x"}}}],
                "ports": [{"protocol": "TCP", "port": 80}],
            }
        ]
    ]
    assert found.edits[0].new
    assert found.others == 0


def test_both_directions_are_opened_where_both_deny(ask):
    deny = policy("deny", policyTypes=["Ingress", "Egress"])
    found = ask(pod("x", app="x"), pod("y", app="y"), deny)
    assert [edit.path for edit in found.edits] == [("spec", "egress", 0), ("spec", "ingress", 0)]
    spec = found.edits[-1].policy["spec"]
    assert spec["egress"] == [
        {
            "to": [{"podSelector": {"matchLabels": {"app": "y"}}}],
            "ports": [{"protocol": "TCP", "port": 80}],
        }
    ]
    assert spec["ingress"][0]["from"] == [{"podSelector": {"matchLabels": {"app": "x"}}}]


def test_the_rule_that_opened_is_narrowed_by_the_port(ask):
    rule = {"from": [{"podSelector": {}}], "ports": [{"port": 70, "endPort": 90}, {"port": 443}]}
    found = ask(pod("x", app="x"), pod("y", app="y"), policy("p", ingress=[rule]))
    assert found.edits[0].policy["spec"]["ingress"] == [
        {
            "from": [{"podSelector": {}}],
            "ports": [
                {"protocol": "TCP", "port": 70, "endPort": 79},
                {"protocol": "TCP", "port": 81, "endPort": 90},
                {"port": 443},
            ],
        }
    ]


def test_labels_of_a_rollout_are_never_named(ask):
    found = ask(pod("x", app="x", **{"pod-template-hash": "abc"}), pod("y"), policy("deny"))
    assert "pod-template-hash" not in str(found.edits)
