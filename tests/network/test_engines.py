"""Which engine runs, and what policies of the other mean there: nothing, and that is said (specs b3 to b5)."""

from __future__ import annotations

import pytest

from seawall.core import InputError
from seawall.network.engines import engine_of_clusters, one_engine
from seawall.network.estate import read_estate

CALICO = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "p", "namespace": "a"},
    "spec": {"ingress": [{"action": "Deny"}]},
}
CILIUM = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "p", "namespace": "a"},
    "spec": {"endpointSelector": {}, "ingress": [{}]},
}


@pytest.mark.parametrize(("policy", "engine"), [(CALICO, "calico"), (CILIUM, "cilium")])
def test_policies_of_an_engine_say_that_it_runs(policy, engine):
    estate = read_estate([policy])
    assert (estate.engine, len(estate.policies), estate.problems) == (engine, 1, [])


@pytest.mark.parametrize(
    ("policy", "engine"),
    [(CALICO, "cilium"), (CILIUM, "calico"), (CALICO, "npm-linux"), (CILIUM, "npm-windows")],
)
def test_policies_of_another_engine_have_no_effect_and_are_named(policy, engine):
    estate = read_estate([policy], engine=engine)
    assert estate.policies == []
    (problem,) = estate.problems
    assert problem.idle
    assert f"a/p: {engine} runs here" in problem.reason


def test_of_both_engines_only_one_enforces_and_somebody_must_say_which():
    with pytest.raises(InputError, match="only one of them enforces"):
        read_estate([CALICO, CILIUM])
    assert [item.tier for item in read_estate([CALICO, CILIUM], engine="cilium").policies] == ["cilium"]
    (problem,) = read_estate([CALICO, CILIUM], strict=False).problems
    assert not problem.idle


def cluster(**profile):
    return {
        "type": "Microsoft.ContainerService/managedClusters",
        "properties": {"networkProfile": profile, "agentPoolProfiles": [{"osType": "Windows"}]},
    }


@pytest.mark.parametrize(
    ("profile", "engines"),
    [
        ({"networkPolicy": "calico"}, ("calico",)),
        ({"networkDataplane": "cilium"}, ("cilium",)),
        ({"networkPolicy": "azure"}, ("npm-linux", "npm-windows")),
        ({"networkPolicy": "none"}, ()),
    ],
)
def test_a_managed_cluster_says_its_engine(profile, engines):
    assert engine_of_clusters([cluster(**profile), {"type": "other"}]) == engines
    assert one_engine([cluster(**profile)]) == (engines[0] if len(engines) == 1 else "")


@pytest.mark.parametrize(
    "raw",
    [
        {**CALICO, "spec": []},
        {**CALICO, "spec": {"ingress": 3}},
        {**CALICO, "spec": {"ingress": [[]]}},
        {**CALICO, "spec": {"ingress": [{"action": "Allow", "source": []}]}},
        {**CALICO, "kind": "NetworkSet", "spec": {"nets": 7}},
        {**CALICO, "kind": "Tier", "spec": []},
        {**CILIUM, "spec": []},
        {**CILIUM, "specs": 3},
        {**CILIUM, "spec": {"endpointSelector": [], "ingress": [{}]}},
        {**CILIUM, "spec": {"endpointSelector": {}, "ingress": [[]]}},
        {**CILIUM, "spec": {"endpointSelector": {}, "ingress": [{"fromEndpoints": {}}, {"toPorts": 3}]}},
        {**CILIUM, "spec": {"endpointSelector": {}, "ingress": [{"toPorts": [{"ports": [3]}]}]}},
        {**CILIUM, "spec": {"endpointSelector": {}, "ingress": [{"icmps": [{"fields": [None]}]}]}},
    ],
)
def test_what_is_not_shaped_as_its_api_says_is_named_and_no_crash(raw):
    companion = CALICO if raw["apiVersion"] == CALICO["apiVersion"] else CILIUM
    with pytest.raises(InputError):
        read_estate([companion, raw])
    assert read_estate([companion, raw], strict=False).problems
