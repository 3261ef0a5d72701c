"""The deployment files: taken by the real API server, no more rights than needed, and good by our own judgement."""

from __future__ import annotations

import time

import pytest
import yaml

from seawall.policy.podsecurity import evaluate
from support import ROOT
from support.serving import Served

FILE = ROOT / "packaging" / "deploy" / "kubernetes" / "admission.yaml"
ACCOUNT = "system:serviceaccount:seawall-system:seawall"
GROUPS = ["system:serviceaccounts", "system:serviceaccounts:seawall-system"]


def _documents():
    return list(yaml.safe_load_all(FILE.read_text()))


def _one(kind):
    (found,) = (item for item in _documents() if item["kind"] == kind)
    return found


def test_its_own_pods_meet_the_strictest_level():
    assert evaluate(_one("Deployment"), "restricted") == []


def test_its_own_namespace_is_exempt_from_the_webhook():
    (hook,) = _one("ValidatingWebhookConfiguration")["webhooks"]
    (rule,) = hook["namespaceSelector"]["matchExpressions"]
    assert rule["operator"] == "NotIn"
    assert {"seawall-system", "kube-system"} <= set(rule["values"])
    assert hook["timeoutSeconds"] < 10


def test_every_option_of_the_deployment_is_one():
    from seawall.cli.serve import admission

    known = {name for parameter in admission.params for name in parameter.opts}
    (container,) = _one("Deployment")["spec"]["template"]["spec"]["containers"]
    assert {argument.partition("=")[0] for argument in container["args"][2:]} <= known


@pytest.mark.live
def test_the_server_takes_the_files_and_the_account_can_do_what_it_must_and_no_more(make_cluster, tmp_path):
    cluster = make_cluster()
    cluster.kubectl("apply", "-f", str(FILE))
    kubeconfig = cluster.kubeconfig_for(cluster.client_cert(ACCOUNT, GROUPS))
    policies = tmp_path / "policies.yaml"
    policies.write_text(_one("ConfigMap")["data"]["pod-security.yaml"])
    arguments = (
        "--kubeconfig", str(kubeconfig), "--watch", "v1/namespaces", "--snapshot", str(policies),
        "--tls-secret", "seawall-system/seawall-tls", "--webhook-object", "validatingwebhookconfigurations/seawall",
    )  # fmt: skip
    with Served(tmp_path, "admission", *arguments) as served:
        assert served.wait("ca-bundle-injected")["webhooks"] == 1
        # The Service has no endpoint here: the same configuration, told where the process listens.
        url = f"https://127.0.0.1:{served.port}/validate"
        path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/seawall"
        _, configuration = cluster.request("GET", path)
        client = configuration["webhooks"][0]["clientConfig"]
        del client["service"]
        client["url"] = url
        assert cluster.request("PUT", path, configuration)[0] == 200
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"hostNetwork": True, "containers": [{"name": "a", "image": "x"}]},
        }  # fmt: skip
        for _ in range(200):
            status, body = cluster.request("POST", "/api/v1/namespaces/default/pods?dryRun=All", pod)
            if status == 403 and "violates" in body["message"]:
                break
            time.sleep(0.05)
        assert 'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)' in body["message"]
        # Its own namespace and the cluster's are not asked about.
        assert cluster.request("POST", "/api/v1/namespaces/kube-system/pods?dryRun=All", pod)[0] in {201, 403}
        assert "seawall" not in str(
            cluster.request("POST", "/api/v1/namespaces/kube-system/pods?dryRun=All", pod)[1].get("message")
        )
    forbidden = [
        ("GET", "/api/v1/namespaces/default/secrets"),
        ("GET", "/api/v1/namespaces/seawall-system/secrets"),
        ("GET", "/api/v1/namespaces/seawall-system/secrets/other"),
        ("GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"),
        ("GET", "/api/v1/pods"),
    ]
    for method, where in forbidden:
        assert cluster.request(method, where, user=ACCOUNT, groups=GROUPS)[0] == 403, where
