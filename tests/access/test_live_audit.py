"""An audit policy in kube-apiserver and in our engine: the level of every request, by the server's own log."""

from __future__ import annotations

import random
import uuid

import pytest

from seawall.access.attributes import User
from seawall.access.audit_policy import audit_level, read_policy, read_policy_file
from seawall.access.requestinfo import attributes_of
from seawall.core.errors import InputError

pytestmark = pytest.mark.live

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["quiet"]},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "RequestResponse", "userGroups": ["loud"], "verbs": ["get"], "omitStages": ["Panic"]},
        {"level": "Metadata", "nonResourceURLs": ["/healthz*", "/version"]},
        {"level": "None", "nonResourceURLs": ["/livez/*", "*"], "verbs": ["head"]},
        {"level": "Request", "resources": [{"group": "", "resources": ["pods/*"]}], "namespaces": ["blue"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["pods/log", "*/status"]}]},
        {
            "level": "Request",
            "resources": [{"group": "", "resources": ["configmaps"], "resourceNames": ["one", ""]}],
        },
        {
            "level": "None",
            "resources": [{"group": "", "resources": ["configmaps"]}],
            "verbs": ["list", "watch"],
        },
        {"level": "RequestResponse", "resources": [{"group": "apps"}], "namespaces": ["red"]},
        {"level": "Metadata", "namespaces": [""]},
        {
            "level": "Metadata",
            "resources": [{"group": "batch", "resources": ["*"]}, {"group": "", "resources": ["*"]}],
        },
        {"level": "None", "users": ["ann"]},
        {"level": "Request", "nonResourceURLs": ["/api*"]},
    ],
}
PATHS = [
    "/api/v1/namespaces/blue/pods",
    "/api/v1/namespaces/red/pods",
    "/api/v1/pods",
    "/api/v1/namespaces/blue/pods/a",
    "/api/v1/namespaces/blue/pods/a/log",
    "/api/v1/namespaces/red/pods/a/log",
    "/api/v1/namespaces/red/pods/a/status",
    "/api/v1/namespaces/red/configmaps/one",
    "/api/v1/namespaces/red/configmaps/two",
    "/api/v1/namespaces/red/configmaps",
    "/api/v1/namespaces/red",
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/api/v1/nodes/n/status",
    "/apis/apps/v1/namespaces/red/deployments",
    "/apis/apps/v1/namespaces/red/deployments/a/scale",
    "/apis/apps/v1/namespaces/blue/deployments",
    "/apis/apps/v1/deployments",
    "/apis/batch/v1/namespaces/blue/jobs",
    "/healthz",
    "/healthz/etcd",
    "/version",
    "/livez/ping",
    "/livez",
    "/api",
    "/apis/apps",
    "/metrics",
    "/",
]
USERS = [("ann", ()), ("bob", ("loud",)), ("quiet", ()), ("cyd", ("system:masters",))]


def test_the_level_of_every_request(make_cluster):
    """500 requests by four users, most of them refused: the log's level, or no event at all."""
    cluster = make_cluster(api_only=True, audit=POLICY)
    policy = read_policy(POLICY)
    draw = random.Random(41)  # noqa: S311 - the same draw in every run
    certificates = {name: cluster.client_cert(name, groups) for name, groups in USERS}
    expected = {}
    for _ in range(500):
        name, groups = draw.choice(USERS)
        path, method = draw.choice(PATHS), draw.choice(["GET", "GET", "GET", "HEAD", "DELETE"])
        if method == "DELETE" and path == "/api/v1/namespaces/red":
            method = "GET"
        mark = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        cluster.ask(method, path, headers={"Audit-ID": mark}, certificate=certificates[name])
        asked = attributes_of(method, path, User(name, (*groups, "system:authenticated")))
        expected[mark] = audit_level(policy, asked).level
    logged = sum(level != "None" for level in expected.values())
    cluster.ask("GET", "/version", headers={"Audit-ID": "the-last"}, certificate=certificates["ann"])
    events = cluster.audit_events(until=lambda seen: any(event["auditID"] == "the-last" for event in seen))
    found = {event["auditID"]: event["level"] for event in events}
    for mark, level in expected.items():
        assert found.get(mark, "None") == level
    assert 150 < logged < 450
    assert len(set(expected.values())) == 4


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [{}],
        [{"level": "All"}],
        [{"level": "None", "nonResourceURLs": ["x"]}],
        [{"level": "None", "nonResourceURLs": ["/a*b"]}],
        [{"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["x"]}],
        [{"level": "None", "resources": [{"group": "*"}]}],
        [{"level": "None", "resources": [{"group": "A.b"}]}],
        [{"level": "None", "resources": [{"resourceNames": ["x"]}]}],
        [{"level": "None", "omitStages": ["Later"]}],
    ],
)
def test_policies_that_are_refused(make_cluster, rules):
    """The server does not start with a policy that we refuse."""
    from support.controlplane import ClusterError

    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
    with pytest.raises(InputError):
        read_policy_file(document)
    with pytest.raises(ClusterError, match="policy"):
        make_cluster(api_only=True, audit=document)
