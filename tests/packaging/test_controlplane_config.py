"""Every kind of API-server configuration that `make_cluster` offers, each seen at work."""

from __future__ import annotations

import http.server
import json
import os
import threading

import pytest

pytestmark = pytest.mark.live

SECRETS = "/api/v1/namespaces/open/secrets"


@pytest.fixture(scope="module")
def refusing_webhook():
    """An authorization webhook that refuses whatever it is asked; returns its URL."""

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            review["status"] = {"allowed": False, "denied": True, "reason": "the test says so"}
            answer = json.dumps(review).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def configured(cluster_factory, refusing_webhook):
    """One API server with every kind of configuration, each seen at work by one test below."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "open"}}
    made = cluster_factory(
        api_only=True,
        audit={"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Request"}]},
        authentication_config={
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]},
        },
        authorization_config=lambda folder: {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthorizationConfiguration",
            "authorizers": [
                {
                    "type": "Webhook",
                    "name": "refuse-eve",
                    "webhook": {
                        "timeout": "1s",
                        "subjectAccessReviewVersion": "v1",
                        "matchConditionSubjectAccessReviewVersion": "v1",
                        "authorizedTTL": "1s",
                        "unauthorizedTTL": "1s",
                        "failurePolicy": "NoOpinion",
                        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": f"{folder}/webhook"},
                        "matchConditions": [{"expression": "request.user == 'eve'"}],
                    },
                },
                {"type": "RBAC", "name": "rbac"},
            ],
        },
        files={
            "webhook": json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "w", "cluster": {"server": refusing_webhook}}],
                    "users": [{"name": "w", "user": {}}],
                    "contexts": [{"name": "w", "context": {"cluster": "w", "user": "w"}}],
                    "current-context": "w",
                }
            )
        },
        encryption_config="""
            apiVersion: apiserver.config.k8s.io/v1
            kind: EncryptionConfiguration
            resources:
            - resources: [secrets]
              providers:
              - secretbox: {keys: [{name: first, secret: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=}]}
        """,
        admission_config={
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AdmissionConfiguration",
            "plugins": [
                {
                    "name": "PodSecurity",
                    "configuration": {
                        "apiVersion": "pod-security.admission.config.k8s.io/v1",
                        "kind": "PodSecurityConfiguration",
                        "defaults": {"enforce": "baseline", "warn": "restricted"},
                    },
                }
            ],
        },
        mutating_admission_policy=True,
        flags=("--service-account-max-token-expiration=2h",),
    )
    assert made.request("POST", "/api/v1/namespaces", namespace)[0] == 201
    assert (
        made.request("POST", "/api/v1/namespaces/open/serviceaccounts", {"metadata": {"name": "default"}})[0]
        == 201
    )
    return made


def test_no_controllers_run(configured):
    assert set(configured.pids) == {"etcd", "kube-apiserver"}


def test_audit_events_are_read_back(configured):
    answer = configured.ask("GET", SECRETS + "/none", user="jane", groups=["developers"])
    mine = answer.headers["Audit-Id"]
    events = configured.audit_events(
        until=lambda events: any(
            event["auditID"] == mine and event["stage"] == "ResponseComplete" for event in events
        )
    )
    (event,) = (
        event for event in events if event["auditID"] == mine and event["stage"] == "ResponseComplete"
    )
    assert (event["user"]["username"], event["impersonatedUser"]["username"]) == (
        "kubernetes-admin",
        "jane",
    )
    assert event["responseStatus"]["code"] == 403


def test_an_event_that_does_not_come_is_an_error(configured):
    with pytest.raises(TimeoutError, match="did not come"):
        configured.audit_events(until=lambda _: False, within=0.1)


def test_anonymous_may_ask_only_what_the_authentication_configuration_says(configured):
    assert configured.request("GET", "/livez", anonymous=True) == (200, "ok")
    assert configured.request("GET", "/readyz", anonymous=True)[0] == 401


def test_the_authorization_configuration_is_in_force(configured):
    path = "/api/v1/namespaces/open/pods"
    _, jane = configured.request("GET", path, user="jane")
    _, eve = configured.request("GET", path, user="eve")
    common = (
        'pods is forbidden: User "{}" cannot list resource "pods" in API group "" in the namespace "open"'
    )
    assert jane["message"] == common.format("jane"), "goes by to RBAC"
    assert eve["message"] == common.format("eve") + ": the test says so"


def test_secrets_are_encrypted_in_etcd(configured):
    secret = {"metadata": {"name": "s"}, "stringData": {"password": "open sesame"}}
    assert configured.request("POST", SECRETS, secret)[0] == 201
    stored = configured.stored("/registry/secrets/open/s")
    # The prefix is that of https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
    assert stored.startswith(b"k8s:enc:secretbox:v1:first:")
    assert b"sesame" not in stored
    assert b"open" in configured.stored("/registry/namespaces/open")
    assert configured.stored("/registry/secrets/open/none") is None


def test_pod_security_has_the_defaults_of_the_admission_configuration(configured):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    answer = configured.ask("POST", "/api/v1/namespaces/open/pods?dryRun=All", pod)
    assert answer.status == 201
    (warning,) = answer.warnings
    assert warning.startswith(
        'would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set'
    )
    pod["spec"]["hostNetwork"] = True
    status, body = configured.request("POST", "/api/v1/namespaces/open/pods?dryRun=All", pod)
    assert (status, body["message"]) == (
        403,
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    )


def test_mutating_admission_policies_are_served(configured):
    _, group = configured.request("GET", "/apis/admissionregistration.k8s.io/v1beta1")
    assert "mutatingadmissionpolicies" in {resource["name"] for resource in group["resources"]}


def test_the_data_and_the_address_survive_a_restart_of_the_api_server(configured):
    before, url = configured.pids["kube-apiserver"], configured.url
    configured.restart()
    assert (configured.request("GET", "/api/v1/namespaces/open")[0], configured.url) == (200, url)
    assert configured.pids["kube-apiserver"] != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
