"""What stands for what in an estate."""

from __future__ import annotations

from seawall.network.estate import read_estate


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
