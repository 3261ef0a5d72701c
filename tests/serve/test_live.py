"""Our webhook in the real API server 1.34: good and bad pods applied with kubectl, the refusal read."""

from __future__ import annotations

import base64
import json
import time

import pytest

from support.serving import Served

GOOD = {
    "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}  # fmt: skip


def _pod(name, namespace, context):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "a", "image": "x", "securityContext": context}]},
    }


def _configuration(name, served, namespace):
    hook = {
        "name": f"{name}.seawall.dev",
        "clientConfig": {"url": f"https://127.0.0.1:{served.port}/validate"},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["pods"],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [hook],
    }  # fmt: skip


@pytest.fixture
def registered(cluster, tmp_path):
    """The webhook, registered by a configuration whose caBundle the server itself has written."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hooked"}}
    cluster.request("POST", "/api/v1/namespaces", namespace)
    world = tmp_path / "world"
    world.mkdir()
    # The server's own namespace has no labels: what refuses below is our webhook and nothing else.
    labelled = json.loads(json.dumps(namespace))
    labelled["metadata"]["labels"] = {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    (world / "ns.json").write_text(json.dumps(labelled))
    file = tmp_path / "hook.json"
    file.write_text(json.dumps(_configuration("x", type("S", (), {"port": 1})(), "hooked")))
    with Served(tmp_path, "admission", "--snapshot", str(world), "--webhook-config", str(file)) as served:
        bundle = served.wait("ca-bundle-injected")
        assert bundle["webhooks"] == 1
        import yaml

        ca = yaml.safe_load(file.read_text())["webhooks"][0]["clientConfig"]["caBundle"]
        configuration = _configuration("seawall-live", served, "hooked")
        configuration["webhooks"][0]["clientConfig"]["caBundle"] = ca
        cluster.kubectl("apply", "-f", "-", input=json.dumps(configuration))
        try:
            _in_force(cluster)
            yield served
        finally:
            cluster.kubectl("delete", "validatingwebhookconfiguration", "seawall-live")


def _in_force(cluster):
    path = "/api/v1/namespaces/hooked/pods?dryRun=All"
    for _ in range(200):
        if cluster.request("POST", path, _pod("probe", "hooked", {}))[0] == 403:
            return
        time.sleep(0.05)
    raise TimeoutError("the webhook did not come into force")


@pytest.mark.live
def test_kubectl_shows_the_refusal_and_good_pods_are_made(cluster, registered):
    bad = cluster.kubectl("apply", "-f", "-", input=json.dumps(_pod("bad", "hooked", {})), check=False)
    assert bad.returncode == 1
    assert 'admission webhook "seawall-live.seawall.dev" denied the request' in bad.stderr
    assert 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false' in bad.stderr
    good = cluster.kubectl("apply", "-f", "-", input=json.dumps(_pod("good", "hooked", GOOD)))
    assert good.stdout == "pod/good created\n"
    cluster.kubectl("delete", "pod", "good", "-n", "hooked", "--grace-period=0", "--force", check=False)
    assert registered.ask("GET", "/healthz")[0] == 200


@pytest.mark.live
def test_the_server_takes_our_audit_annotations_and_our_status(cluster, registered):
    answer = cluster.ask("POST", "/api/v1/namespaces/hooked/pods?dryRun=All", _pod("bad", "hooked", {}))
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert registered.process.poll() is None


@pytest.mark.live
def test_a_dead_webhook_with_failure_policy_fail_stops_pods_and_says_so(cluster, registered):
    registered.process.kill()
    registered.process.wait()
    status, body = cluster.request(
        "POST", "/api/v1/namespaces/hooked/pods?dryRun=All", _pod("p", "hooked", GOOD)
    )
    assert status == 500
    assert "failed calling webhook" in body["message"]


MUTATION = [
    {
        "apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "stamp"},
        "spec": {
            "matchConstraints": {"resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": "Object{metadata: Object.metadata{labels: {'by': request.userInfo.username}}}"},
            }],
            "reinvocationPolicy": "Never", "failurePolicy": "Fail",
        },
    },
    {
        "apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "stamp"}, "spec": {"policyName": "stamp"},
    },
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stamped"}},
]  # fmt: skip


@pytest.mark.live
def test_the_server_applies_our_patch(cluster, tmp_path):
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "stamped"}})
    (tmp_path / "world.jsonl").write_text("".join(json.dumps(item) + "\n" for item in MUTATION))
    with Served(tmp_path, "admission", "--snapshot", str(tmp_path / "world.jsonl")) as served:
        configuration = _configuration("seawall-mutate", served, "stamped")
        configuration["kind"] = "MutatingWebhookConfiguration"
        hook = configuration["webhooks"][0]
        hook["rules"][0] |= {"resources": ["configmaps"], "operations": ["CREATE"]}
        hook["clientConfig"] = {
            "url": f"https://127.0.0.1:{served.port}/mutate",
            "caBundle": base64.b64encode((served.own / "ca.crt").read_bytes()).decode(),
        }
        cluster.kubectl("apply", "-f", "-", input=json.dumps(configuration))
        try:
            obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
            for _ in range(200):
                status, body = cluster.request(
                    "POST", "/api/v1/namespaces/stamped/configmaps?dryRun=All", obj
                )
                if status == 201 and body["metadata"].get("labels"):
                    break
                time.sleep(0.05)
            assert body["metadata"]["labels"] == {"by": "kubernetes-admin"}
        finally:
            cluster.kubectl("delete", "mutatingwebhookconfiguration", "seawall-mutate")
