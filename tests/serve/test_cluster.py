"""A world followed in the real API server, and one authority for all replicas in a Secret of it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time

import pytest

from seawall.core.errors import InputError, UsageError
from seawall.serve.api import ApiError, from_kubeconfig
from seawall.serve.cluster import SecretFolder, Watched, _path, inject_object
from support.command import seawall
from support.serving import Served

LABEL = "pod-security.kubernetes.io/enforce"


def _review(namespace):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"hostNetwork": True, "containers": []},
    }
    request = {
        "uid": "u", "operation": "CREATE", "name": "p", "namespace": namespace, "object": pod,
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
    }  # fmt: skip
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def _until(condition, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.live
def test_labels_of_namespaces_are_followed(cluster, tmp_path):
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "followed"}})
    arguments = ("--kubeconfig", str(cluster.kubeconfig), "--watch", "v1/namespaces")
    with Served(tmp_path, "admission", *arguments, plain=True) as served:

        def allowed():
            return served.ask("POST", "/validate", _review("followed"))[1]["response"]["allowed"]

        assert allowed() is True
        cluster.request("PATCH", "/api/v1/namespaces/followed", {"metadata": {"labels": {LABEL: "baseline"}}})
        assert _until(lambda: not allowed())
        cluster.request("PATCH", "/api/v1/namespaces/followed", {"metadata": {"labels": {LABEL: None}}})
        assert _until(allowed)
        # What the watch says of a namespace that is gone: nobody makes pods in it.
        cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "fleeting"}})
        assert _until(lambda: served.ask("POST", "/validate", _review("fleeting"))[1]["response"]["allowed"])


@pytest.mark.live
def test_a_resource_that_may_not_be_listed_is_said(cluster):
    kubeconfig = cluster.kubeconfig_for(cluster.client_cert("nobody-serve"))
    watched = Watched(from_kubeconfig(kubeconfig), ["v1/namespaces"])
    from seawall.serve import cluster as module

    before, module.FIRST = module.FIRST, 0.5
    try:
        with pytest.raises(InputError, match=r"not whole: v1/namespaces: .*403"):
            watched.read()
    finally:
        module.FIRST = before
        watched.close()


@pytest.mark.live
def test_replicas_share_one_authority_and_the_configuration_trusts_it(cluster, tmp_path):
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "replicas"}})
    hook = {
        "name": "replicas.seawall.dev", "clientConfig": {"url": "https://127.0.0.1:1/validate"}, "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore",
        "namespaceSelector": {"matchLabels": {"never": "there"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }  # fmt: skip
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "replicas"},
        "webhooks": [hook],
    }
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert cluster.request("POST", path, configuration)[0] == 201
    arguments = (
        "--kubeconfig", str(cluster.kubeconfig), "--tls-secret", "replicas/seawall-tls",
        "--webhook-object", "validatingwebhookconfigurations/replicas",
    )  # fmt: skip
    try:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        with (
            Served(tmp_path / "a", "admission", *arguments) as first,
            Served(tmp_path / "b", "admission", *arguments) as second,
        ):
            bundle = cluster.request("GET", f"{path}/replicas")[1]["webhooks"][0]["clientConfig"]["caBundle"]
            assert base64.b64decode(bundle) == (first.own / "ca.crt").read_bytes()
            assert (first.own / "ca.crt").read_bytes() == (second.own / "ca.crt").read_bytes()
            context = ssl.create_default_context(cadata=base64.b64decode(bundle).decode())
            for served in (first, second):
                connection = http.client.HTTPSConnection(
                    "127.0.0.1", served.port, context=context, timeout=10
                )
                connection.request("GET", "/readyz")
                assert connection.getresponse().status == 200
                connection.close()
    finally:
        cluster.request("DELETE", f"{path}/replicas")


@pytest.mark.live
def test_who_loses_the_race_takes_what_the_other_wrote(cluster, tmp_path):
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "race"}})
    api = from_kubeconfig(cluster.kubeconfig)
    one, two = (SecretFolder(api, "race", "tls", tmp_path / name) for name in "ab")
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "ca.crt").write_text(name)
    one.pull()  # nothing there yet; a fold leaves the folder as it is
    two.pull()
    assert one.push() is True
    assert two.push() is False
    two.pull()
    assert (tmp_path / "b" / "ca.crt").read_text() == "a"
    (tmp_path / "b" / "ca.crt").write_text("b2")
    assert two.push() is True
    (tmp_path / "a" / "ca.crt").write_text("a2")
    assert one.push() is False  # it had read an older version
    one.pull()
    assert (tmp_path / "a" / "ca.crt").read_text() == "b2"
    with pytest.raises(ApiError, match="404"):
        inject_object(api, "validatingwebhookconfigurations", "absent", b"x")


@pytest.mark.parametrize(
    ("resource", "path"),
    [("v1/namespaces", "/api/v1/namespaces"), ("apps/v1/deployments", "/apis/apps/v1/deployments")],
)
def test_paths_of_resources(resource, path):
    assert _path(resource) == path


@pytest.mark.parametrize("resource", ["namespaces", "v2/x", "/v1/x", "a/b/c/d", ""])
def test_what_is_no_resource(resource):
    with pytest.raises(UsageError):
        _path(resource)


def _config(server="https://x", clusters=("c",), **user):
    return {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": name, "cluster": {"server": server}} for name in clusters],
        "users": [{"name": "u", "user": user}],
    }


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (None, "no kubeconfig"),
        ([], "no kubeconfig"),
        ({"current-context": "x"}, "there is no context 'x'"),
        (_config(clusters=(), token="t"), "no cluster 'c'"),
        (_config(exec={}), "neither a client certificate nor a token"),
        (_config("http://x", token="t"), "the API server is 'http://x'"),
        (_config(**{"token": "t", "client-key-data": "%"}), "client-key-data is not base64"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_said(tmp_path, config, says):
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    with pytest.raises((InputError, UsageError), match=says.replace("'", ".")):
        from_kubeconfig(path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--plain-http", "--watch", "v1/namespaces"], "need a cluster"),
        (["--plain-http", "--in-cluster"], "no pod with a service account"),
        (["--plain-http", "--in-cluster", "--kubeconfig", "x"], "two clusters"),
        (["--plain-http", "--kubeconfig", "/nowhere"], "No such file"),
    ],
)
def test_options_of_the_cluster_that_do_not_go_together(arguments, says):
    done = seawall("serve", "admission", "--port", "0", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
