"""What is in an estate and is not decided is said by name; what stands for what."""

from __future__ import annotations

import pytest

from seawall.core import InputError
from seawall.network.estate import read_estate


@pytest.mark.parametrize(
    ("version", "kind", "owner"),
    [
        ("projectcalico.org/v3", "NetworkPolicy", "Calico"),
        ("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "Calico"),
        ("cilium.io/v2", "CiliumNetworkPolicy", "Cilium"),
        ("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "Cilium"),
    ],
)
def test_policies_of_other_apis_are_refused_by_name(version, kind, owner):
    raw = {"apiVersion": version, "kind": kind, "metadata": {"namespace": "a", "name": "p"}, "spec": {}}
    with pytest.raises(InputError, match=f"{kind} a/p of {owner}"):
        read_estate([raw])
    estate = read_estate([raw], strict=False)
    assert [problem.name for problem in estate.problems] == ["p"]
    assert estate.policies == []


def owned(name, kind, owner):
    return {
        "namespace": "a",
        "name": name,
        "ownerReferences": [{"kind": kind, "name": owner, "controller": True}],
    }


def test_a_workload_stands_for_its_pods_only_where_they_are_not_there():
    template = {"spec": {"template": {"metadata": {"labels": {"app": "x"}}, "spec": {}}}}
    deployment = {"kind": "Deployment", "metadata": {"namespace": "a", "name": "web"}, **template}
    replicas = {"kind": "ReplicaSet", "metadata": owned("web-1", "Deployment", "web"), **template}
    pod = {"kind": "Pod", "metadata": owned("web-1-x", "ReplicaSet", "web-1"), "spec": {}}
    assert [item.raw["kind"] for item in read_estate([deployment]).standing()] == ["Deployment"]
    assert [item.raw["kind"] for item in read_estate([deployment, replicas]).standing()] == ["Deployment"]
    assert read_estate([deployment, replicas, pod]).standing() == []
