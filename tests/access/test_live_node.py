"""The node authorizer beside kube-apiserver 1.34.4: the same pods, volumes and questions (specs b4, B1, b10)."""

from __future__ import annotations

import itertools
import time

import pytest

from seawall.access.decide import AccessEngine

pytestmark = pytest.mark.live

NAMESPACE = "node-tests"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def pod(name, node, annotations=None, **spec):
    container = {"name": "c", "image": "example.com/c:1"} | spec.pop("container", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": annotations or {}},
        "spec": {"nodeName": node, "containers": [container], **spec},
    }


VOLUME = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "vol"},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": NAMESPACE,
            "name": "claim",
        },
        "csi": {
            "driver": "x.example.com",
            "volumeHandle": "h",
            "nodePublishSecretRef": {"name": "published", "namespace": NAMESPACE},
            "nodeStageSecretRef": {"name": "staged", "namespace": NAMESPACE},
            "controllerPublishSecretRef": {"name": "controller", "namespace": NAMESPACE},
        },
    },
}


@pytest.fixture(scope="module")
def estate(cluster_factory):
    cluster = cluster_factory(api_only=True, flags=("--disable-admission-plugins=ServiceAccount",))
    assert cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})[0] == 201
    pods = [
        pod(
            "one",
            "n1",
            serviceAccountName="robot",
            automountServiceAccountToken=False,
            imagePullSecrets=[{"name": "pull"}],
            container={
                "envFrom": [{"secretRef": {"name": "env"}}, {"configMapRef": {"name": "conf"}}],
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}],
            },
            volumes=[
                {"name": "v", "persistentVolumeClaim": {"claimName": "claim"}},
                {"name": "p", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
                {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
            ],
        ),
        pod("two", "n2", volumes=[{"name": "s", "secret": {"secretName": "second"}}]),
    ]  # fmt: skip
    for item in pods:
        status, body = cluster.request("POST", PODS, item)
        assert status == 201, body
    assert cluster.request("POST", "/api/v1/persistentvolumes", VOLUME)[0] == 201
    attachment = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": "att"},
        "spec": {"attacher": "x.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "vol"}},
    }
    path = "/apis/storage.k8s.io/v1/volumeattachments"
    assert cluster.request("POST", path, attachment)[0] == 201
    time.sleep(1.0)  # the graph is built by informers
    objects = [attachment]
    for path, kind in ((PODS, "Pod"), ("/api/v1/persistentvolumes", "PersistentVolume")):
        items = cluster.request("GET", path)[1]["items"]
        objects += [{"apiVersion": "v1", "kind": kind, **item} for item in items]
    engine = AccessEngine()
    engine.load({"objects": objects})
    return cluster, engine


SECRETS = ("pull", "env", "key", "projected", "second", "published", "staged", "controller", "none")
NAMED = [("", "secrets", "", name) for name in SECRETS] + [
    ("", "configmaps", "", "conf"),
    ("", "persistentvolumeclaims", "", "claim"),
    ("", "persistentvolumeclaims", "status", "claim"),
    ("", "persistentvolumeclaims", "", "one-e"),
    ("", "persistentvolumes", "", "vol"),
    ("storage.k8s.io", "volumeattachments", "", "att"),
    ("", "serviceaccounts", "", "robot"),
    ("", "serviceaccounts", "token", "robot"),
    ("", "serviceaccounts", "token", "other"),
    ("", "pods", "", "one"),
    ("", "pods", "", ""),
    ("", "pods", "status", "one"),
    ("", "pods", "eviction", "one"),
    ("", "nodes", "", "n1"),
    ("", "nodes", "", ""),
    ("", "nodes", "status", "n2"),
    ("coordination.k8s.io", "leases", "", "n1"),
    ("storage.k8s.io", "csinodes", "", "n1"),
    ("resource.k8s.io", "resourceslices", "", ""),
    ("", "services", "", ""),
    ("", "events", "", ""),
    ("certificates.k8s.io", "clustertrustbundles", "", ""),
]
VERBS = ("get", "list", "create", "update", "patch", "delete")
SELECTOR = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}


def test_every_kind_verb_and_scope_as_the_server_answers(estate):
    cluster, engine = estate
    users = (
        ("system:node:n1", "system:nodes"),
        ("system:node:n2", "system:nodes"),
        ("system:node:", "system:nodes"),
    )
    allowed = asked = 0
    for (user, group), (api, resource, below, name), verb in itertools.product(users, NAMED, VERBS):
        for namespace in ("", NAMESPACE, "kube-node-lease"):
            if namespace == "kube-node-lease" and resource != "leases":
                continue
            attributes = {
                "verb": verb,
                "group": api,
                "resource": resource,
                "subresource": below,
                "name": name,
                "namespace": namespace,
            }
            if resource in ("pods", "resourceslices") and verb == "list" and not name:
                attributes["fieldSelector"] = SELECTOR
            spec = {"user": user, "groups": [group], "resourceAttributes": attributes}
            body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
            status, review = cluster.request(
                "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body
            )
            assert status == 201, review
            ours = engine.answer({"spec": spec})["status"]
            theirs = review["status"]
            assert (ours["allowed"], ours.get("reason", "")) == (
                theirs["allowed"],
                theirs.get("reason", ""),
            ), spec
            asked += 1
            allowed += ours["allowed"]
    assert asked > 1000
    assert allowed > 100
