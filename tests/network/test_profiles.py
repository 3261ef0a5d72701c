"""What a policy means on the engine that enforces it (specs b1.8, b5)."""

from __future__ import annotations

import pytest

from seawall.network.estate import read_estate
from seawall.network.model import Packet
from seawall.network.policies import PolicyWorld
from seawall.network.profiles import on_engine
from seawall.network.rules import Action


def pod(name, ip):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "labels": {"app": name}},
        "spec": {"containers": []},
        "status": {"podIP": ip},
    }


NODE = {
    "kind": "Node",
    "metadata": {"name": "n"},
    "status": {"addresses": [{"type": "InternalIP", "address": "10.9.0.1"}]},
}


def policy(**spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"podSelector": {}, **spec},
    }


def egress(*peers, ports=None):
    rule = {"to": list(peers), **({"ports": ports} if ports else {})}
    return policy(policyTypes=["Egress"], egress=[rule])


def reaches(engine, target, *policies):
    estate = on_engine(read_estate([pod("x", "10.0.0.1"), pod("y", "10.0.0.2"), NODE, *policies]), engine)
    world = PolicyWorld(estate)
    packet = Packet(world.peer({"pod": "a/x"}, "f"), world.peer({"ip": target}, "t"), "TCP", 80)
    return world.decide(packet)[0].verdict is Action.ALLOW


IMDS_POLICY = egress({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}})


@pytest.mark.parametrize(
    ("engine", "target", "expected"),
    [
        ("calico", "10.0.0.2", True),
        ("cilium", "10.0.0.2", False),
        ("cilium", "10.9.0.1", False),
        ("cilium", "203.0.113.9", True),
        ("cilium", "169.254.169.254", False),
    ],
)
def test_the_documented_metadata_policy_cuts_pods_and_nodes_on_cilium(engine, target, expected):
    assert reaches(engine, target, IMDS_POLICY) is expected


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        (egress({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}), "except"),
        (egress({"podSelector": {}}, ports=[{"port": "http"}]), "named ports"),
        (egress({"podSelector": {}}, ports=[{"port": 80, "protocol": "SCTP"}]), "SCTP"),
        (
            egress({"podSelector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}),
            "negative selectors",
        ),
    ],
)
def test_what_npm_on_windows_does_not_apply_holds_nothing_and_is_named(spec, word):
    estate = on_engine(read_estate([spec]), "npm-windows")
    assert estate.policies == []
    assert word in estate.problems[0].reason
    assert on_engine(read_estate([spec]), "npm-linux").policies


def test_npm_knows_no_ipv6_block():
    only = egress({"ipBlock": {"cidr": "2001:db8::/32"}})
    assert reaches("calico", "2001:db8::1", only)
    assert not reaches("npm-linux", "2001:db8::1", only)
