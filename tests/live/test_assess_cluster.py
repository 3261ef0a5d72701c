"""`seawall assess` of a dump of a real cluster: what kubectl prints of a running control plane."""

from __future__ import annotations

import json

import pytest
import yaml

from support.command import seawall

pytestmark = pytest.mark.live

KINDS = (
    "namespaces,pods,deployments,replicasets,daemonsets,services,serviceaccounts,configmaps,secrets,"
    "roles,rolebindings,clusterroles,clusterrolebindings,networkpolicies,poddisruptionbudgets"
)


@pytest.fixture(scope="module")
def dump(cluster_factory):
    """Give a cluster some life with real kubectl, and dump it."""
    cluster = cluster_factory()
    cluster.kubectl("create", "namespace", "shop")
    cluster.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2", "-n", "shop")
    cluster.kubectl(
        "create", "secret", "generic", "db", "--from-literal=password=not-for-reports", "-n", "shop"
    )
    cluster.kubectl(
        "create", "clusterrolebinding", "ci", "--clusterrole=cluster-admin", "--serviceaccount=shop:ci"
    )
    # The controllers are real: the Deployment becomes a ReplicaSet and that becomes pods.
    cluster.kubectl("wait", "--for=create", "pod", "-l", "app=web", "-n", "shop", "--timeout=60s")
    cluster.kubectl("wait", "--for=create", "clusterrole/view", "--timeout=60s")
    return cluster.kubectl("get", KINDS, "-A", "-o", "yaml").stdout


@pytest.fixture(scope="module")
def report(dump):
    done = seawall("assess", "-", "-o", "json", stdin=dump)
    return done, json.loads(done.stdout)


def failing(report, control):
    return [
        item for item in report[1]["findings"] if item["control"] == control and item["outcome"] == "fail"
    ]


def test_everything_is_read(dump, report):
    done, data = report
    assert done.returncode == 1
    assert data["unread"] == []
    assert data["counts"]["objects"] == len(yaml.load(dump, yaml.CSafeLoader)["items"])


def test_the_deployment_is_judged_and_its_copies_are_not(report):
    assert [item["subject"]["kind"] for item in failing(report, "run-as-non-root")] == ["Deployment"]
    (pinned,) = failing(report, "image-pinned")
    assert pinned["evidence"][0]["observed"] == "nginx"


def test_what_the_system_made_itself_is_in_order(report):
    assert [item["subject"]["name"] for item in failing(report, "cluster-admin-holders")] == ["ci"]
    assert failing(report, "no-wildcard-roles") == []
    assert failing(report, "secret-readers") == []
    assert failing(report, "no-escalating-verbs") == []


def test_a_secret_of_a_cluster_is_no_secret_in_a_repository_and_its_value_is_never_shown(report):
    assert failing(report, "no-secrets-in-files") == []
    text = report[0].stdout + report[0].stderr
    assert "not-for-reports" not in text
    assert "bm90LWZvci1yZXBvcnRz" not in text


def test_json_and_yaml_dumps_give_the_same_findings(dump, report):
    as_json = json.dumps(yaml.load(dump, yaml.CSafeLoader), default=str)
    data = json.loads(seawall("assess", "-", "-o", "json", stdin=as_json).stdout)

    def without_places(findings):
        return [{**item, "locations": []} for item in findings]

    assert without_places(data["findings"]) == without_places(report[1]["findings"])


def test_namespaces_without_policies_are_found(report):
    names = {item["subject"]["name"] for item in failing(report, "default-deny")}
    assert names == {"default", "shop"}
