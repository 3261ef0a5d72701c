"""What AKS writes into the group, against the controller's own answers."""

from __future__ import annotations

import gzip
import json

import pytest

from seawall.core import EngineOptions
from seawall.network.decide import engine
from support import shared


def scenarios():
    path = shared("data", "network", "oracle-samples", "nsg_reconcile_sample.json.gz")
    return json.loads(gzip.decompress(path.read_bytes()))


def test_every_scenario_ends_with_the_rules_that_the_controller_wrote():
    decide = engine("load-balancer-rules", EngineOptions())
    asked = 0
    for scenario in scenarios():
        rules = scenario["initialRules"]
        for number, step in enumerate(scenario["ops"]):
            answer = decide.answer({**step, "rules": rules})
            where = (scenario["name"], number)
            for key in ("error", "events", "changed", "allowFromInternet", "denyAllExceptSourceRanges"):
                assert answer[key] == step[key], (where, key)
            assert answer["resultRules"] == step["resultRules"], where
            # Null where the controller stopped at an error: the group's rules are what they were.
            rules = rules if step["resultRules"] is None else step["resultRules"]
            asked += 1
    assert asked == 135


def service(ports=(80,), ranges=None, **annotations):
    spec = {
        "type": "LoadBalancer",
        "ports": [{"port": p, "nodePort": 30_000 + p, "protocol": "TCP"} for p in ports],
    }
    if ranges:
        spec["loadBalancerSourceRanges"] = ranges
    prefixed = {
        f"service.beta.kubernetes.io/{key.replace('_', '-')}": value for key, value in annotations.items()
    }
    return {"metadata": {"name": "s", "namespace": "d", "annotations": prefixed}, "spec": spec}


def rules_of(svc, rules=(), **fields):
    decide = engine("load-balancer-rules", EngineOptions())
    answer = decide.answer(
        {"rules": list(rules), "service": svc, "wantLb": True, "dstIPs": ["52.1.1.1"], **fields}
    )
    return answer["resultRules"]


def test_a_plain_service_lets_the_internet_in():
    (rule,) = rules_of(service())
    assert rule["properties"]["sourceAddressPrefix"] == "Internet"
    assert (rule["properties"]["priority"], rule["properties"]["destinationPortRanges"]) == (500, ["80"])


def test_an_internal_one_opens_nothing():
    assert rules_of(service(azure_load_balancer_internal="TRUE")) == []


def test_no_rules_when_they_are_switched_off():
    assert rules_of(service(azure_disable_load_balancer_nsg_rule="true")) == []


@pytest.mark.parametrize("bad", ["10.0.0.1/8", "10.0.0.0", "300.0.0.0/8", "10.0.0.0/255.0.0.0", "x"])
def test_what_is_no_masked_range_closes_instead_of_opening(bad):
    rules = rules_of(service(ranges=[bad]))
    assert [rule["properties"]["access"] for rule in rules] == ["Deny"]


def test_a_second_run_changes_nothing():
    decide = engine("load-balancer-rules", EngineOptions())
    line = {"rules": [], "service": service((443, 80)), "wantLb": True, "dstIPs": ["52.1.1.1"]}
    first = decide.answer(line)
    second = decide.answer({**line, "rules": first["resultRules"]})
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["resultRules"] == first["resultRules"]
