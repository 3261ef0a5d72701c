"""Policies made of flows allow every one of them, name nothing fleeting, and read all four kinds of record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core import InputError
from seawall.network.estate import read_estate
from seawall.network.expose import expose
from seawall.network.flows import read_flows, synthesize
from seawall.network.flows.read import Seen
from seawall.network.metadata import isolate
from seawall.network.model import Packet, read_address
from seawall.network.policies import PolicyWorld
from seawall.network.profiles import on_engine
from seawall.network.rules import Action
from support.network import dice_of

PODS = {
    "shop/web": ("10.0.0.1", {"app": "web", "pod-template-hash": "aa"}),
    "shop/db": ("10.0.0.2", {"app": "db"}),
    "pay/api": ("10.0.0.3", {"app": "api"}),
    "pay/bare": ("10.0.0.4", {}),
}


def objects():
    return [
        {
            "kind": "Pod",
            "metadata": {"namespace": key.split("/")[0], "name": key.split("/")[1], "labels": labels},
            "spec": {"containers": [{"name": "c"}]},
            "status": {"podIP": ip, "hostIP": "10.9.0.1"},
        }
        for key, (ip, labels) in PODS.items()
    ]


def seen(source, target, port=80, protocol="TCP"):
    return Seen(read_address(source, "s"), read_address(target, "t"), protocol, port)


def allowed(policies, flow):
    world = PolicyWorld(read_estate([*objects(), *policies]))
    packet = Packet(
        world.peer({"ip": str(flow.source)}, "f"),
        world.peer({"ip": str(flow.target)}, "t"),
        flow.protocol,
        flow.port,
    )
    return all(item.verdict is Action.ALLOW for item in world.decide(packet))


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_every_flow_seen_is_allowed(seed):
    dice = dice_of(seed)
    ends = [ip for ip, _ in PODS.values()] + ["203.0.113.9", "198.51.100.7", "10.9.0.1", "2001:db8::1"]
    flows = [
        seen(*dice.sample(ends, 2), dice.choice((53, 80, 443)), dice.choice(("TCP", "UDP", "SCTP")))
        for _ in range(12)
    ]
    made = synthesize(read_estate(objects()), flows)
    for flow in flows:
        assert allowed(made.policies, flow), flow


def test_what_was_not_seen_is_denied_and_nothing_fleeting_is_named():
    made = synthesize(read_estate(objects()), [seen("10.0.0.1", "10.0.0.2", 5432)])
    text = json.dumps(made.policies)
    assert "pod-template-hash" not in text
    assert "10.0.0." not in text
    assert not allowed(made.policies, seen("10.0.0.1", "10.0.0.2", 80))
    assert not allowed(made.policies, seen("10.0.0.3", "10.0.0.2", 5432))


def test_many_addresses_outside_become_one_block_without_the_platform():
    flows = [seen("10.0.0.1", f"203.0.113.{n}", 443) for n in range(1, 20)]
    made = synthesize(read_estate(objects()), flows)
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in made.policies[0]["spec"]["egress"]] == ["0.0.0.0/0"]
    assert not allowed(made.policies, seen("10.0.0.1", "169.254.169.254", 443))


def test_a_service_is_what_stands_behind_it():
    service = {
        "kind": "Service",
        "metadata": {"namespace": "shop", "name": "db"},
        "spec": {
            "clusterIP": "10.8.0.9",
            "selector": {"app": "db"},
            "ports": [{"port": 5432, "targetPort": 15432}],
        },
    }
    made = synthesize(read_estate([*objects(), service]), [seen("10.0.0.1", "10.8.0.9", 5432)])
    assert allowed(made.policies, seen("10.0.0.1", "10.0.0.2", 15432))
    assert "10.8.0.9" not in json.dumps(made.policies)


HUBBLE = {
    "flow": {
        "verdict": "FORWARDED",
        "IP": {"source": "10.0.0.1", "destination": "10.0.0.2"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 5432}},
        "source": {"namespace": "shop", "pod_name": "web"},
        "destination": {"namespace": "shop", "pod_name": "db"},
        "is_reply": False,
    }
}
REPLY = {"flow": {**HUBBLE["flow"], "is_reply": True}}
NSG = {
    "records": [
        {
            "category": "NetworkSecurityGroupFlowEvent",
            "properties": {
                "flows": [
                    {
                        "rule": "r",
                        "flows": [
                            {
                                "flowTuples": [
                                    "1542110377,10.0.0.1,10.0.0.2,40000,5432,T,O,A,B,,,,",
                                    "1542110377,10.0.0.1,10.0.0.3,40000,5432,T,O,D,B,,,,",
                                ]
                            }
                        ],
                    }
                ]
            },
        }
    ]
}
VNET = {
    "records": [
        {
            "category": "FlowLogFlowEvent",
            "flowRecords": {
                "flows": [
                    {
                        "flowGroups": [
                            {
                                "rule": "r",
                                "flowTuples": ["1663146003599,10.0.0.1,10.0.0.2,40000,5432,6,O,B,NX,0,0,0,0"],
                            }
                        ]
                    }
                ]
            },
        }
    ]
}
CONNTRACK = (
    "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.8.0.9 sport=40000 dport=5433 "
    "src=10.0.0.2 dst=10.0.0.1 sport=5432 dport=40000 [ASSURED] mark=0 use=1\n"
    "tcp      6 110 SYN_SENT src=10.0.0.1 dst=10.0.0.3 sport=40001 dport=1 [UNREPLIED] "
    "src=10.0.0.3 dst=10.0.0.1 sport=1 dport=40001 mark=0 use=1\n"
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (json.dumps(HUBBLE) + "\n" + json.dumps(REPLY), {"replies": 1}),
        (json.dumps(NSG), {"denied": 1}),
        (json.dumps(VNET), {}),
        (CONNTRACK, {"unanswered": 1}),
    ],
    ids=["hubble", "nsg", "vnet", "conntrack"],
)
def test_four_kinds_of_record(text, left):
    flows, missed = read_flows(text)
    assert [(str(item.source), str(item.target), item.protocol, item.port) for item in flows] == [
        ("10.0.0.1", "10.0.0.2", "TCP", 5432)
    ]
    assert dict(missed) == left


def test_what_is_no_flow_log_says_what_to_give():
    with pytest.raises(InputError, match="no flow was found"):
        read_flows("[]")


def reaches(policies, pod, address="169.254.169.254", engine=""):
    world = PolicyWorld(on_engine(read_estate([*objects(), *policies]), engine))
    packet = Packet(world.peer({"pod": pod}, "f"), world.peer({"ip": address}, "t"), "TCP", 80)
    return all(item.verdict is Action.ALLOW for item in world.decide(packet))


@pytest.mark.parametrize("engine", ["", "cilium", "calico"])
def test_the_metadata_endpoint_is_closed_and_nothing_else_is(engine):
    found = isolate(read_estate(objects()), engine)
    assert found.left == ()
    for pod in PODS:
        assert not reaches(found.policies, pod)
        # On Cilium too, where ::/0 in a cluster without IPv6 would mean the endpoint as well.
        assert not reaches(found.policies, pod, engine="cilium") or engine == "calico"
        for other in ("203.0.113.9", "10.0.0.2"):
            if PODS[pod][0] != other:
                assert reaches(found.policies, pod, other, engine)


def test_a_cluster_of_both_families_keeps_the_way_to_the_other():
    dual = {"kind": "Pod", "metadata": {"name": "x", "namespace": "shop"}, "status": {"podIP": "fd00::1"}}
    found = isolate(read_estate([*objects(), dual]), "cilium")
    assert any({"ipBlock": {"cidr": "::/0"}} in item["spec"]["egress"][0]["to"] for item in found.policies)


def test_pods_that_are_held_are_not_opened():
    held = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Egress"]},
    }
    found = isolate(read_estate([*objects(), held]))
    assert not reaches([held, *found.policies], "shop/web")
    assert not reaches([held, *found.policies], "shop/db", "203.0.113.9")


def test_azure_npm_is_said_not_to_hold():
    found = isolate(read_estate(objects()), "npm-linux")
    assert {key for key, reason in found.left if "3170" in reason} == set(PODS)


def test_an_opening_that_waits_for_a_label_is_shown():
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "db"}},
            "ingress": [
                {
                    "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"role": "dba"}}}],
                    "ports": [{"port": 5432}],
                }
            ],
        },
    }
    lines = {
        (item.newcomer, item.way, item.other): item.ports
        for item in expose(read_estate([*objects(), policy]))
    }
    assert lines["pay/(a new pod with role=dba)", "may call", "shop/db[Pod]"] == "TCP 5432"
    assert ("pay/(a new pod)", "may call", "shop/db[Pod]") not in lines
    assert lines["(a new namespace)/(a new pod)", "may call", "shop/web[Pod]"] == "all"
