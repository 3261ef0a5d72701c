"""An API server whose admission is watched: exemptions of Pod Security, namespaces, audit annotations."""

from __future__ import annotations

POD_SECURITY = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1",
    "kind": "PodSecurityConfiguration",
    "defaults": {
        "enforce": "privileged",
        "enforce-version": "latest",
        "audit": "baseline",
        "audit-version": "latest",
    },
    "exemptions": {
        "usernames": ["exempt-user"],
        "namespaces": ["psa-exempt"],
        "runtimeClasses": ["exempt-class"],
    },
}
CONFIG = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "plugins": [{"name": "PodSecurity", "configuration": POD_SECURITY}],
}


def namespace(server, name, **labels):
    """Make a namespace in which pods may be made, and return it."""
    obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    status, body = server.request("POST", "/api/v1/namespaces", obj)
    assert status == 201, body
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    server.request("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)
    return body


def annotations(server, identity):
    """Return the audit annotations of one request, without those of authorization and of deprecation."""
    found = [
        event
        for event in server.audit_events(
            lambda events: any(e["auditID"] == identity and e["stage"] == "ResponseComplete" for e in events)
        )
        if event["auditID"] == identity and event["stage"] == "ResponseComplete"
    ]
    return {
        key: value
        for key, value in (found[0].get("annotations") or {}).items()
        if not key.startswith(("authorization.k8s.io/", "k8s.io/", "mutation."))
    }
