"""Cilium's policies, by its own engine (pkg/policy v1.18.4; specs b4).

Besides these examples: 600 random clusters, 1,003,200 questions between pods, nodes and addresses, asked of
policy.LookupFlow of that version as well: all equal.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core import InputError
from seawall.network.cilium.labels import of_identity
from seawall.network.estate import read_estate
from support.cilium import cilium_cluster
from support.network import decided, dice_of, policy_of_a
from support.pairs import differences


def pod(name, namespace="a", ip=1, account="default", **labels):
    ports = [{"name": "http", "containerPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **labels}},
        "spec": {"containers": [{"name": "c", "ports": ports}], "serviceAccountName": account},
        "status": {"podIP": f"10.0.0.{ip}", "hostIP": "10.9.0.1"},
    }


def node(name, ip):
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"addresses": [{"type": "InternalIP", "address": ip}]},
    }


OWN, OTHER, WORLD_IP = "10.9.0.1", "10.9.0.2", "203.0.113.9"
WORLD = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"team": "x"}}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b", "labels": {"team": "y"}}},
    node("own", OWN),
    node("other", OTHER),
    pod("web", ip=1),
    pod("db", ip=2),
    pod("far", "b", 3, "robot"),
]
EVERYBODY = ("a/db", "b/far", OWN, OTHER, WORLD_IP)


def cnp(name="p", namespace="a", select="web", **spec):
    selector = {"matchLabels": {"app": select}} if select else {}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"endpointSelector": selector, **spec},
    }


def ccnp(name="c", select="web", **spec):
    made = cnp(name, select=select, **spec)
    return {**made, "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": name}}


def ask(objects, source, target, protocol="TCP", port=80):
    return decided([*WORLD, *objects], source, target, protocol, port)


def verdict(objects, source="a/db", target="a/web", protocol="TCP", port=80):
    return ask(objects, source, target, protocol, port)["verdict"]


def callers(*objects, protocol="TCP", port=80):
    return {item for item in EVERYBODY if verdict(objects, item, "a/web", protocol, port) == "allow"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, set()),
        ({"fromEndpoints": [{}]}, {"a/db"}),
        ({"fromEndpoints": []}, set()),
        ({"fromEndpoints": [], "toPorts": [{"ports": [{"port": "80"}]}]}, set()),
        ({"toPorts": [{"ports": [{"port": "80"}]}]}, set(EVERYBODY)),
        ({"toPorts": [{"ports": []}]}, set()),
        ({"toPorts": []}, set()),
        ({"fromEndpoints": [{"matchLabels": {"app": "far"}}]}, set()),
        ({"fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "b"}}]}, {"b/far"}),
        ({"fromEndpoints": [{"matchLabels": {"io.cilium.k8s.namespace.labels.team": "y"}}]}, {"b/far"}),
        (
            {
                "fromEndpoints": [
                    {"matchExpressions": [{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}]}
                ]
            },
            {"a/db", "b/far"},
        ),
        (
            {"fromEndpoints": [{"matchLabels": {"any:app": "db"}}, {"matchLabels": {"k8s:app": "x"}}]},
            {"a/db"},
        ),
        ({"fromEndpoints": [{"matchLabels": {"container:app": "db"}}]}, set()),
        ({"fromEndpoints": [{"matchLabels": {"reserved:remote-node": ""}}]}, {OTHER}),
        ({"fromEntities": ["world"]}, {WORLD_IP}),
        ({"fromEntities": ["cluster"]}, {"a/db", "b/far", OTHER}),
        ({"fromEntities": ["remote-node"]}, {OTHER}),
        ({"fromEntities": ["host"]}, set()),
        ({"fromEntities": ["all"]}, set(EVERYBODY)),
        ({"fromEntities": ["init", "none"]}, set()),
        ({"fromCIDR": ["0.0.0.0/0"]}, {WORLD_IP}),
        ({"fromCIDR": ["10.0.0.0/8"]}, set()),
        ({"fromCIDR": ["203.0.113.9"]}, {WORLD_IP}),
        ({"fromCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["203.0.113.0/24"]}]}, set()),
        ({"fromCIDRSet": [{"cidr": "203.0.0.0/8", "except": ["203.0.114.0/24"]}]}, {WORLD_IP}),
    ],
)
def test_whom_an_ingress_rule_lets_in(rule, expected):
    """The pod's own node gets in always; a CIDR means no pod and no node; nobody named and no port means nobody."""
    assert callers(cnp(ingress=[rule])) - {OWN} == expected - {OWN}
    assert verdict([cnp(ingress=[rule])], OWN, "a/web") == "allow"


def test_a_cluster_wide_policy_means_pods_of_every_namespace():
    assert callers(ccnp(ingress=[{"fromEndpoints": [{}]}])) == {"a/db", "b/far", OWN}
    assert verdict([ccnp(select="", ingress=[{}])], "a/web", "b/far") == "deny"


def test_denial_beats_allowance_whoever_says_it():
    deny = cnp("z", ingressDeny=[{"fromEndpoints": [{"matchLabels": {"app": "db"}}]}])
    open_all = cnp(ingress=[{"fromEntities": ["all"]}])
    assert callers(deny, open_all) == {"b/far", OWN, OTHER, WORLD_IP}
    assert verdict([deny, policy_of_a(ingress=[{}])]) == "deny"
    answer = ask([deny, open_all], "a/db", "a/web")
    assert answer["ingress"] == {
        "verdict": "deny",
        "tier": "cilium",
        "by": {
            "kind": "CiliumNetworkPolicy",
            "namespace": "a",
            "name": "z",
            "rule": 0,
            "field": "ingressDeny",
        },
    }


def test_a_policy_that_only_denies_closes_the_direction_too_unless_it_says_otherwise():
    deny = {"ingressDeny": [{"fromEntities": ["world"]}]}
    assert callers(cnp(**deny)) == {OWN}
    assert callers(cnp(**deny, enableDefaultDeny={"ingress": False})) == {"a/db", "b/far", OWN, OTHER}
    # One policy that closes is enough.
    closing = cnp("q", ingress=[{}])
    assert callers(cnp(**deny, enableDefaultDeny={"ingress": False}), closing) == {OWN}


def test_a_denial_counts_against_the_own_node_which_nothing_else_keeps_out():
    assert verdict([cnp(ingressDeny=[{"fromEntities": ["host"]}])], OWN, "a/web") == "deny"
    assert verdict([cnp(ingress=[{}])], OWN, "a/web") == "allow"


def test_policies_of_kubernetes_are_of_the_same_union():
    rule = {"fromEndpoints": [{"matchLabels": {"app": "db"}}]}
    closed = policy_of_a(ingress=[])
    assert callers(closed, cnp(ingress=[rule])) == {"a/db", OWN}
    assert callers(cnp(ingress=[rule]), policy_of_a(ingress=[{"from": [{"namespaceSelector": {}}]}])) == {
        "a/db",
        "b/far",
        OWN,
    }


def reached(*objects, protocol="TCP", port=80):
    return {item for item in EVERYBODY if verdict(objects, "a/web", item, protocol, port) == "allow"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"toEntities": ["host"]}, {OWN}),
        ({"toEntities": ["remote-node"]}, {OTHER}),
        ({"toEntities": ["world"]}, {WORLD_IP}),
        ({"toEndpoints": [{}]}, {"a/db"}),
        ({"toCIDRSet": [{"cidr": "0.0.0.0/0"}]}, {WORLD_IP}),
        ({}, set()),
    ],
)
def test_whom_an_egress_rule_lets_reach(rule, expected):
    assert reached(cnp(egress=[rule])) == expected


def test_every_0_of_a_cluster_of_one_family_is_the_world():
    """A cluster without IPv6 has one label for the world: ::/0 beside an exception opens what was excepted."""
    metadata = {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}
    alone, both = (
        cnp(egress=[{"toCIDRSet": [metadata]}]),
        cnp(egress=[{"toCIDRSet": [metadata, {"cidr": "::/0"}]}]),
    )
    assert verdict([alone], "a/web", "169.254.169.254") == "deny"
    assert verdict([both], "a/web", "169.254.169.254") == "allow"
    dual = pod("dual", ip=9)
    dual["status"]["podIPs"] = [{"ip": "10.0.0.9"}, {"ip": "fd00::9"}]
    assert verdict([both, dual], "a/web", "169.254.169.254") == "deny"


@pytest.mark.parametrize(
    ("port", "asked", "expected"),
    [
        ({"port": "80"}, ("TCP", 80), "allow"),
        ({"port": "80"}, ("SCTP", 80), "allow"),
        ({"port": "80", "protocol": "tcp"}, ("UDP", 80), "deny"),
        ({"port": "80", "endPort": 90}, ("TCP", 90), "allow"),
        ({"port": "80", "endPort": 10}, ("TCP", 80), "allow"),
        ({"port": "0", "protocol": "UDP"}, ("UDP", 9), "allow"),
        ({"port": "0"}, ("ICMP", None), "deny"),
        ({"port": "http"}, ("TCP", 8080), "allow"),
        ({"port": "HTTP"}, ("TCP", 8080), "allow"),
        ({"port": "http", "protocol": "UDP"}, ("UDP", 8080), "deny"),
        ({"port": "010"}, ("TCP", 8), "allow"),
    ],
)
def test_ports(port, asked, expected):
    assert verdict([cnp(ingress=[{"toPorts": [{"ports": [port]}]}])], "a/db", "a/web", *asked) == expected


@pytest.mark.parametrize(
    ("field", "asked", "expected"),
    [
        ({"type": 8}, ("ICMP", None), "allow"),
        ({"type": "EchoRequest"}, ("ICMP", 8), "allow"),
        ({"type": 3}, ("ICMP", 8), "deny"),
        ({"family": "IPv6", "type": "EchoRequest"}, ("ICMPv6", None), "allow"),
        ({"family": "IPv6", "type": "EchoRequest"}, ("ICMP", None), "deny"),
        # Type 0 is kept as port 0, which is every port.
        ({"type": "EchoReply"}, ("ICMP", 8), "allow"),
    ],
)
def test_icmp(field, asked, expected):
    assert verdict([cnp(ingress=[{"icmps": [{"fields": [field]}]}])], "a/db", "a/web", *asked) == expected


def test_what_is_required_of_endpoints_is_required_in_every_rule_over_the_same_pods():
    opened = cnp(ingress=[{"fromEndpoints": [{}]}, {"fromEntities": ["world"]}])
    required = cnp("q", ingress=[{"fromRequires": [{"matchLabels": {"role": "friend"}}]}])
    assert callers(opened, required) == {WORLD_IP, OWN}
    friend = pod("friend", ip=7, role="friend")
    assert verdict([opened, required, friend], "a/friend") == "allow"
    assert verdict([opened, required, friend, policy_of_a(ingress=[{}])], OTHER, "a/web") == "deny"


def test_groups_of_cidrs():
    group = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumCIDRGroup",
        "metadata": {"name": "g", "labels": {"feed": "x"}},
        "spec": {"externalCIDRs": ["203.0.113.0/24"]},
    }
    for item in ({"cidrGroupRef": "g"}, {"cidrGroupSelector": {"matchLabels": {"feed": "x"}}}):
        assert callers(group, cnp(ingress=[{"fromCIDRSet": [item]}])) == {WORLD_IP, OWN}
    assert callers(
        group, cnp(ingress=[{"fromCIDRSet": [{"cidrGroupRef": "g", "except": ["203.0.113.9/32"]}]}])
    ) == {OWN}
    with pytest.raises(
        InputError, match=r"fromCIDRSet\[0\]\.cidrGroupRef: the CiliumCIDRGroup 'none' was not read"
    ):
        callers(cnp(ingress=[{"fromCIDRSet": [{"cidrGroupRef": "none"}]}]))


def test_services_are_the_pods_behind_them():
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "b", "labels": {"kind": "far"}},
        "spec": {"selector": {"app": "far"}, "ports": [{"port": 1}]},
    }
    for item in (
        {"k8sService": {"serviceName": "s", "namespace": "b"}},
        {"k8sServiceSelector": {"selector": {"matchLabels": {"kind": "far"}}}},
    ):
        assert reached(service, cnp(egress=[{"toServices": [item]}])) == {"b/far"}


def test_labels_that_are_no_part_of_an_identity_are_seen_by_no_selector():
    hashed = pod("hashed", ip=8, **{"pod-template-hash": "x"})
    rule = {"fromEndpoints": [{"matchLabels": {"pod-template-hash": "x"}}]}
    assert verdict([hashed, cnp(ingress=[rule])], "a/hashed") == "deny"
    theirs = policy_of_a(ingress=[{"from": [{"podSelector": rule["fromEndpoints"][0]}]}])
    assert verdict([hashed, theirs, cnp(select="none", ingress=[{}])], "a/hashed") == "deny"
    assert verdict([hashed, theirs], "a/hashed") == "allow"
    assert [
        of_identity(key)
        for key in ("app", "app.kubernetes.io/name", "k8s.io/x", "statefulset.kubernetes.io/x")
    ] == [
        True,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (cnp(egress=[{"toFQDNs": [{"matchName": "x.y"}]}]), r"spec\.egress\[0\]\.toFQDNs"),
        (
            cnp(ingress=[{"toPorts": [{"ports": [{"port": "80"}], "rules": {"http": [{}]}}]}]),
            r"ingress\[0\]\.toPorts\[0\]\.rules: rules of layer 7",
        ),
        (cnp(ingress=[{"fromNodes": [{}]}]), r"ingress\[0\]\.fromNodes"),
        (cnp(ingress=[{"fromGroups": [{}]}]), r"ingress\[0\]\.fromGroups"),
        (cnp(ingress=[{"authentication": {"mode": "required"}}]), r"ingress\[0\]\.authentication"),
        (cnp(ingress=[{"fromEntities": ["kube-apiserver"]}]), r"kube-apiserver: its addresses"),
        (cnp(ingress=[{"fromEntities": ["moon"]}]), r"fromEntities\[0\]: unsupported entity: moon"),
        (
            cnp(ingress=[{"fromEndpoints": [{}], "fromCIDR": ["10.0.0.0/8"]}]),
            "combining fromEndpoints and fromCIDR",
        ),
        (cnp(ingress=[{"fromCIDR": ["moon"]}]), r"fromCIDR\[0\]: unable to parse"),
        (
            cnp(ingress=[{"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["11.0.0.0/8"]}]}]),
            "does not contain 11.0.0.0/8",
        ),
        (cnp(ingress=[{"toPorts": [{"ports": [{"port": ""}]}]}]), "Port must be specified"),
        (cnp(ingress=[{"toPorts": [{"ports": [{"port": "70000"}]}]}]), "out of range"),
        (cnp(ingress=[{"toPorts": [{"ports": [{"port": "1", "protocol": "GRE"}]}]}]), "protocol: GRE"),
        (cnp(ingress=[{"icmps": [{"fields": [{"type": "Moon"}]}]}]), r"fields\[0\]\.type"),
        (cnp(ingress=[{"icmps": [{}], "toPorts": [{}]}]), "only be present without ToPorts"),
        (cnp(), "at least one of Ingress"),
        (cnp(moon={}), r"spec\.moon"),
        (ccnp(ingress=[{}], endpointSelector=None), "one of EndpointSelector or NodeSelector"),
        (ccnp(ingress=[{}], nodeSelector={}), r"spec\.nodeSelector"),
        (
            cnp(ingress=[{"fromEndpoints": [{"matchLabels": {"io.cilium.k8s.policy.cluster": "c"}}]}]),
            "name of the cluster",
        ),
    ],
)
def test_what_is_refused_or_not_decided_is_named_with_its_field(policy, field):
    with pytest.raises(InputError, match=field):
        ask([policy], "a/db", "a/web")


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_all_pairs_are_the_pairs_one_by_one(seed):
    objects = cilium_cluster(dice_of(seed))
    assert not read_estate(objects, strict=False).problems
    wrong, asked = differences(objects)
    assert asked > 1000
    assert not wrong, wrong[:3]
