"""Calico's policies, by the rules of its documentation and of libcalico-go and felix (specs b3).

Besides these examples: 300 random clusters without tiers, 163,800 questions, asked of network-config-analyzer 2.1.0 as
well, all equal (its own limits left out: named ports of another protocol, Pass without profiles).
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core import InputError
from seawall.network.estate import read_estate
from seawall.sources import read_paths
from support import shared
from support.calico import calico_cluster
from support.network import decided, dice_of, policy_of_a
from support.pairs import differences

V3 = "projectcalico.org/v3"


def pod(name, namespace="a", ip=1, account="default", **labels):
    ports = [{"name": "http", "containerPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **labels}},
        "spec": {"containers": [{"name": "c", "ports": ports}], "serviceAccountName": account},
        "status": {"podIP": f"10.0.0.{ip}"},
    }


WORLD = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"team": "x"}}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b", "labels": {"team": "y"}}},
    {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "robot", "namespace": "b", "labels": {"role": "r"}},
    },
    pod("web", ip=1),
    pod("db", ip=2),
    pod("far", "b", 3, "robot"),
]


def np(name="p", namespace="a", api=V3, **spec):
    return {
        "apiVersion": api,
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def gnp(name="g", **spec):
    return {"apiVersion": V3, "kind": "GlobalNetworkPolicy", "metadata": {"name": name}, "spec": spec}


def tier(name, **spec):
    return {"apiVersion": V3, "kind": "Tier", "metadata": {"name": name}, "spec": spec}


ALLOW, DENY, PASS, LOG = ({"action": word} for word in ("Allow", "Deny", "Pass", "Log"))


def ask(objects, source, target, protocol="TCP", port=80):
    return decided([*WORLD, *objects], source, target, protocol, port)


def verdict(objects, source="a/db", target="a/web", protocol="TCP", port=80):
    return ask(objects, source, target, protocol, port)["verdict"]


@pytest.mark.parametrize(
    ("spec", "directions"),
    [
        ({}, {"ingress"}),
        ({"ingress": [ALLOW]}, {"ingress"}),
        ({"egress": [ALLOW]}, {"egress"}),
        ({"ingress": [ALLOW], "egress": [ALLOW]}, {"ingress", "egress"}),
        ({"ingress": [], "egress": []}, {"ingress"}),
        ({"types": ["Egress"]}, {"egress"}),
    ],
)
def test_types_that_are_not_given_follow_from_the_rules(spec, directions):
    (policy,) = read_estate([np(**spec)]).policies
    assert set(policy.isolates) == directions


def test_a_resource_behind_the_api_server_without_types_governs_both_directions():
    """felix: no types means ingress and egress; only Calico's API server fills them in."""
    (policy,) = read_estate([np(api="crd.projectcalico.org/v1", ingress=[ALLOW])]).policies
    assert set(policy.isolates) == {"ingress", "egress"}


def test_rules_are_asked_in_order_and_the_first_that_matches_decides():
    tcp = {"action": "Deny", "protocol": "TCP"}
    assert verdict([np(ingress=[tcp, ALLOW])]) == "deny"
    assert verdict([np(ingress=[ALLOW, tcp])]) == "allow"
    assert verdict([np(ingress=[LOG, ALLOW])]) == "allow"
    assert verdict([np(ingress=[LOG])]) == "deny"


def test_policies_are_asked_by_order_one_without_order_last_and_names_break_ties():
    deny, allow = np("z", order=1, ingress=[DENY]), np("a", order=2, ingress=[ALLOW])
    assert verdict([deny, allow]) == "deny"
    assert verdict([np("z", ingress=[DENY]), np("a", order=9e9, ingress=[ALLOW])]) == "allow"
    assert verdict([np("z", order=5, ingress=[DENY]), np("a", order=5, ingress=[ALLOW])]) == "allow"


def test_the_policies_of_kubernetes_stand_at_order_1000_of_the_tier_default():
    kubernetes = policy_of_a(ingress=[{"ports": [{"port": 80}]}])
    assert verdict([kubernetes, np(order=999, ingress=[DENY])]) == "deny"
    assert verdict([kubernetes, np(order=1001, ingress=[DENY])]) == "allow"
    # None denies by itself before the end of the tier: the Calico policy after it may still allow.
    assert verdict([kubernetes, np(order=1001, ingress=[ALLOW])], port=81) == "allow"
    answer = ask([kubernetes, np(order=1001, ingress=[DENY])], "a/db", "a/web")
    assert (answer["ingress"]["tier"], answer["ingress"]["by"]["name"]) == ("networkpolicy", "k")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([tier("ops", order=10), gnp(tier="ops", ingress=[])], "deny"),
        ([tier("ops", order=10, defaultAction="Pass"), gnp(tier="ops", ingress=[])], "allow"),
        ([tier("ops", order=10), gnp(tier="ops", ingress=[PASS])], "allow"),
        ([tier("ops", order=10), gnp(tier="ops", ingress=[PASS]), np(ingress=[])], "deny"),
        ([tier("ops", order=10), gnp(tier="ops", ingress=[ALLOW]), np(ingress=[DENY])], "allow"),
        ([tier("ops"), gnp(tier="ops", ingress=[DENY]), np(ingress=[ALLOW])], "allow"),
        ([tier("ops", order=10), gnp(tier="ops", selector="app == 'db'", ingress=[])], "allow"),
        ([gnp(tier="kube-admin", ingress=[{**DENY, "protocol": "UDP"}])], "allow"),
        ([np(ingress=[PASS])], "allow"),
    ],
    ids=[
        "a tier that selects and decides nothing denies",
        "unless its default is Pass",
        "Pass asks the next tier",
        "which may deny",
        "Allow is final",
        "a tier without order is last",
        "a tier that selects nothing is passed over",
        "kube-admin passes by default",
        "Pass in the last tier leads to the profile of the namespace, which allows",
    ],
)
def test_tiers(objects, expected):
    assert verdict(objects) == expected


def test_an_answer_names_the_policy_its_rule_and_its_tier():
    rules = [{**ALLOW, "protocol": "UDP"}, DENY]
    answer = ask([tier("ops", order=1), gnp(tier="ops", ingress=rules)], "a/db", "a/web")
    assert answer["ingress"] == {
        "verdict": "deny",
        "tier": "calico/ops",
        "by": {"kind": "GlobalNetworkPolicy", "namespace": "", "name": "g", "rule": 1},
    }
    by = ask([np(ingress=[DENY])], "a/db", "a/web")["ingress"]["by"]
    assert by["kind"] == "NetworkPolicy.projectcalico.org"


@pytest.mark.parametrize(
    ("entity", "callers"),
    [
        ({}, {"a/db", "b/far", "203.0.113.9"}),
        ({"selector": "all()"}, {"a/db"}),
        ({"selector": "app == 'far'"}, set()),
        ({"namespaceSelector": "all()"}, {"a/db", "b/far"}),
        ({"namespaceSelector": "global()"}, set()),
        ({"namespaceSelector": "team == 'y'"}, {"b/far"}),
        ({"namespaceSelector": "projectcalico.org/name == 'b'"}, {"b/far"}),
        ({"namespaceSelector": "all()", "selector": "app == 'far'"}, {"b/far"}),
        ({"notSelector": "app == 'far'"}, {"a/db"}),
        ({"serviceAccounts": {"names": ["robot"]}}, set()),
        ({"serviceAccounts": {"names": ["robot"]}, "namespaceSelector": "all()"}, {"b/far"}),
        ({"serviceAccounts": {"selector": "role == 'r'"}, "namespaceSelector": "all()"}, {"b/far"}),
        ({"serviceAccounts": {"selector": "!has(role)"}, "namespaceSelector": "all()"}, {"a/db"}),
        ({"nets": ["10.0.0.0/24"]}, {"a/db", "b/far"}),
        ({"notNets": ["10.0.0.0/24"]}, {"203.0.113.9"}),
        ({"nets": ["10.0.0.0/24"], "notNets": ["10.0.0.3/32"]}, {"a/db"}),
        ({"nets": ["10.0.0.3/32"], "selector": "all()"}, set()),
        ({"selector": "pcns.team == 'x'"}, {"a/db"}),
        ({"selector": "projectcalico.org/orchestrator == 'k8s'"}, {"a/db"}),
    ],
)
def test_who_a_rule_of_a_namespaced_policy_means(entity, callers):
    """A selector of any kind confines the rule to the policy's own namespace; nets alone do not."""
    policy = np(selector="app == 'web'", ingress=[{**ALLOW, "source": entity}])
    found = {caller for caller in ("a/db", "b/far", "203.0.113.9") if verdict([policy], caller) == "allow"}
    assert found == callers


def test_network_sets_are_selected_by_their_labels():
    sets = [
        {
            "apiVersion": V3,
            "kind": "GlobalNetworkSet",
            "metadata": {"name": "s", "labels": {"feed": "bad"}},
            "spec": {"nets": ["203.0.113.0/24"]},
        },
        {
            "apiVersion": V3,
            "kind": "NetworkSet",
            "metadata": {"name": "s", "namespace": "b", "labels": {"feed": "far"}},
            "spec": {"nets": ["198.51.100.7"]},
        },
    ]
    deny = gnp(egress=[{**DENY, "destination": {"selector": "feed == 'bad'"}}, ALLOW])
    assert verdict([*sets, deny], "a/db", "203.0.113.9") == "deny"
    assert verdict([*sets, deny], "a/db", "203.0.114.9") == "allow"
    spaces = {"selector": "has(feed)", "namespaceSelector": "team == 'y'"}
    deny = gnp(egress=[{**DENY, "destination": spaces}, ALLOW])
    assert verdict([*sets, deny], "a/db", "198.51.100.7") == "deny"
    assert verdict([*sets, deny], "a/db", "203.0.113.9") == "allow"
    own = np(egress=[{**ALLOW, "destination": {"selector": "has(feed)"}}], types=["Egress"])
    assert verdict([*sets, own], "a/db", "203.0.113.9") == "deny"


def test_a_rule_narrows_the_pods_of_its_policy():
    rule = {**DENY, "destination": {"selector": "app == 'web'"}}
    assert verdict([np(ingress=[rule, ALLOW])]) == "deny"
    assert verdict([np(ingress=[rule, ALLOW])], "a/web", "a/db") == "allow"


@pytest.mark.parametrize(
    ("rule", "asked", "expected"),
    [
        ({"protocol": "TCP", "destination": {"ports": [80]}}, ("TCP", 80), "allow"),
        ({"protocol": "TCP", "destination": {"ports": ["79:81"]}}, ("TCP", 80), "allow"),
        ({"protocol": "TCP", "destination": {"ports": ["79:81"], "notPorts": [80]}}, ("TCP", 80), "deny"),
        ({"protocol": "TCP", "destination": {"ports": ["http"]}}, ("TCP", 8080), "allow"),
        ({"protocol": "UDP", "destination": {"ports": ["http"]}}, ("UDP", 8080), "deny"),
        ({"protocol": "TCP", "destination": {"notPorts": ["http"]}}, ("TCP", 8080), "deny"),
        ({"protocol": 6}, ("TCP", 1), "allow"),
        ({"protocol": "6"}, ("TCP", 1), "allow"),
        ({"protocol": 6}, ("UDP", 1), "deny"),
        ({"notProtocol": "TCP"}, ("UDP", 1), "allow"),
        ({"notProtocol": "TCP"}, ("ICMP", None), "allow"),
        ({"notProtocol": "TCP"}, ("TCP", 1), "deny"),
        ({"protocol": 47}, ("47", None), "allow"),
        ({"protocol": 47}, (47, None), "allow"),
        ({"protocol": "UDPLite"}, ("UDPLite", None), "allow"),
        ({"protocol": "ICMP"}, ("ICMP", None), "allow"),
        ({"protocol": "ICMP", "icmp": {"type": 8}}, ("ICMP", None), "allow"),
        ({"protocol": "ICMP", "icmp": {"type": 8}}, ("ICMP", 3), "deny"),
        ({"protocol": "ICMP", "icmp": {"type": 8, "code": 1}}, ("ICMP", 8), "deny"),
        ({"protocol": "ICMP", "notICMP": {"type": 8}}, ("ICMP", 8), "deny"),
        ({"protocol": "ICMP", "notICMP": {"type": 8}}, ("ICMP", 0), "allow"),
        ({"protocol": "ICMPv6", "icmp": {"type": 128}}, ("ICMPv6", None), "allow"),
    ],
)
def test_protocols_and_ports(rule, asked, expected):
    assert verdict([np(ingress=[{**ALLOW, **rule}])], "a/db", "a/web", *asked) == expected


def test_a_service_is_its_endpoints_on_their_ports():
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "a"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    rule = {**ALLOW, "destination": {"services": {"name": "s"}}}
    policy = np(selector="app == 'db'", egress=[rule])
    assert verdict([service, policy], port=8080) == "allow"
    assert verdict([service, policy], port=80) == "deny"
    caller = np(selector="app == 'web'", ingress=[{**ALLOW, "source": {"services": {"name": "s"}}}])
    assert verdict([service, caller], "a/db") == "deny"
    with pytest.raises(InputError, match=r"egress\[0\]\.destination\.services: the endpoints of Service a/s"):
        ask([policy], "a/db", "a/web")


def test_policies_of_host_endpoints_alone_and_staged_ones_mean_no_pod():
    untracked = gnp(doNotTrack=True, applyOnForward=True, ingress=[DENY])
    staged = {**np(ingress=[DENY]), "kind": "StagedNetworkPolicy"}
    assert (
        verdict([untracked, gnp("h", preDNAT=True, applyOnForward=True, ingress=[DENY]), staged]) == "allow"
    )
    # A policy that is applied on forwarded traffic too is one of pods as any other.
    assert verdict([gnp(applyOnForward=True, ingress=[DENY])]) == "deny"


def host(**spec):
    spec = {"profiles": ["projectcalico-default-allow"], "expectedIPs": ["10.9.0.1"], **spec}
    metadata = {"name": "h", "labels": {"node": "yes"}}
    return {"apiVersion": V3, "kind": "HostEndpoint", "metadata": metadata, "spec": spec}


def test_a_host_endpoint_is_its_addresses_to_selectors_of_rules():
    """It is decided where that is certain: no policy is about it, and its profile allows what none speaks of."""
    nodes = gnp(selector="app == 'web'", ingress=[{**ALLOW, "source": {"selector": "has(node)"}}])
    assert verdict([host(), nodes], "10.9.0.1") == "allow"
    assert verdict([host(), nodes], "10.9.0.2") == "deny"
    assert verdict([host(), nodes]) == "deny"
    for about in (gnp(ingress=[ALLOW]), gnp(selector="has(node)", preDNAT=True, applyOnForward=True)):
        with pytest.raises(InputError, match="about HostEndpoint h too"):
            ask([host(), about], "a/db", "a/web")


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (np(ingress=[{**ALLOW, "http": {"methods": ["GET"]}}]), r"spec\.ingress\[0\]\.http"),
        (
            np(ingress=[{**ALLOW, "protocol": "TCP", "source": {"ports": [1]}}]),
            r"ingress\[0\]\.source\.ports",
        ),
        (
            np(ingress=[{**ALLOW, "destination": {"ports": [1]}}]),
            r"destination\.ports: ports are allowed only",
        ),
        (np(ingress=[{"action": "allow"}]), r"ingress\[0\]\.action"),
        (np(ingress=[{**ALLOW, "protocol": "IGMPX"}]), r"ingress\[0\]\.protocol"),
        (np(ingress=[{**ALLOW, "protocol": 0}]), r"ingress\[0\]\.protocol"),
        (np(ingress=[{**ALLOW, "protocol": "TCP", "icmp": {"type": 8}}]), r"ingress\[0\]\.icmp"),
        (np(ingress=[{**ALLOW, "source": {"nets": ["moon"]}}]), r"source\.nets\[0\].*invalid CIDR"),
        (
            np(ingress=[{**ALLOW, "source": {"nets": ["10.0.0.0/8"], "notNets": ["::/0"]}}]),
            "both IPv4 and IPv6",
        ),
        (np(ingress=[{**ALLOW, "source": {"domains": ["x.y"]}}]), r"source\.domains"),
        (np(ingress=[{**ALLOW, "protocol": "TCP", "destination": {"ports": ["9:8"]}}]), "port range invalid"),
        (
            np(ingress=[{**ALLOW, "protocol": "TCP", "destination": {"ports": [70000]}}]),
            "between 1 and 65535",
        ),
        (np(selector="app = 'x'"), r"spec\.selector: Invalid selector"),
        (np(selector="global()"), r"spec\.selector: global\(\)"),
        (np(types=["Ingress", "Ingress"]), r"spec\.types\[1\]"),
        (np(namespaceSelector="all()"), r"spec\.namespaceSelector"),
        (np(tier="ops"), r"spec\.tier: the tier 'ops' was not read"),
        (np(ingress=[{**ALLOW, "source": {"namespaceSelector": "global() || all()"}}]), "only selector"),
        (np(egress=[{**ALLOW, "source": {"services": {"name": "s"}}}]), r"source\.services"),
        (np(order="first"), r"spec\.order"),
        (
            {"apiVersion": V3, "kind": "HostEndpoint", "metadata": {"name": "h"}, "spec": {}},
            "h of Calico: spec.profiles",
        ),
    ],
)
def test_what_is_refused_or_not_decided_is_named_with_its_field(policy, field):
    with pytest.raises(InputError, match=field):
        ask([policy], "a/db", "a/web")


def test_what_is_not_decided_is_a_problem_where_answers_go_on():
    estate = read_estate([*WORLD, np(ingress=[{**ALLOW, "http": {}}])], strict=False)
    (problem,) = estate.problems
    assert ".http" in problem.reason
    assert not problem.refused
    assert not problem.idle


def test_the_policies_of_another_analyzers_tests_are_read_and_the_one_it_refuses_is_refused():
    """network-config-analyzer gives the same connections for each (asked once, 30 files over 29 pods, 2026-11-21)."""
    folder = shared("data", "network", "calico")
    people = [str(folder / "podlists" / name) for name in ("pods_list.json", "ns_list.json")]
    refused, read = [], 0
    for path in sorted(folder.glob("testcase*/*.yaml")):
        if "scheme" in path.name:
            continue
        estate = read_estate((item.raw for item in read_paths([str(path), *people]).objects), strict=False)
        refused += [(path.name, problem.reason) for problem in estate.problems]
        read += len([item for item in estate.policies if item.tier == "calico/default"])
    assert read > 40
    assert [name for name, _ in refused] == ["networkpolicy-with-ns-selector-bad-path-test.yaml"]
    assert "spec.namespaceSelector" in refused[0][1]


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_all_pairs_are_the_pairs_one_by_one(seed):
    objects = calico_cluster(dice_of(seed))
    problems = {(item.kind, item.name) for item in read_estate(objects, strict=False).problems}
    kept = [item for item in objects if (item["kind"], item["metadata"]["name"]) not in problems]
    wrong, asked = differences(kept)
    assert asked > 1000
    assert not wrong, wrong[:3]
