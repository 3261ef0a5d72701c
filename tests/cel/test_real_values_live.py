"""What the real expressions evaluate to on two pods: the same as in the real API server 1.34 (true, false, or an error)."""

from __future__ import annotations

import json
import time

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine
from support import shared

GROUP = "admissionregistration.k8s.io/v1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
CONTAINER = {
    "name": "a", "image": "ghcr.io/team/app:1.2", "ports": [{"containerPort": 80, "protocol": "TCP"}],
    "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}},
    "securityContext": {"privileged": False, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}},
    "env": [{"name": "A", "value": "b"}], "imagePullPolicy": "Always", "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}  # fmt: skip
BASE = {
    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "enableServiceLinks": True,
    "terminationGracePeriodSeconds": 30, "serviceAccountName": "default", "serviceAccount": "default",
    "automountServiceAccountToken": False, "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
    "tolerations": [
        {"effect": "NoExecute", "key": f"node.kubernetes.io/{key}", "operator": "Exists", "tolerationSeconds": 300}
        for key in ("not-ready", "unreachable")
    ],
}  # fmt: skip
SERVERS = {
    "uid": "6c6f6c6f-0000-0000-0000-000000000000",
    "creationTimestamp": "2026-11-21T00:00:00Z",
}  # set before admission
PODS = {
    "rich": {
        "metadata": {"name": "rich", "labels": {"app": "a", "team": "t", "env": "prod"}, "annotations": {"a": "b"}},
        "spec": BASE | {
            "containers": [CONTAINER, {**CONTAINER, "name": "b", "image": "nginx:latest", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}],
            "initContainers": [{**CONTAINER, "name": "i"}], "volumes": [{"name": "v", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/x", "type": ""}}],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    },
    "bare": {
        "metadata": {"name": "bare"},
        "spec": BASE | {
            "securityContext": {},
            "containers": [{k: v for k, v in CONTAINER.items() if k in {"name", "image", "imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy"}} | {"resources": {}}],
        },
    },
}  # fmt: skip


def _objects(number, expression):
    spec = {
        "matchConstraints": {"resourceRules": [RULE], "objectSelector": {"matchLabels": {"n": str(number)}}},
        "variables": [{"name": "asked", "expression": expression}],
        "validations": [{"expression": "dyn(variables.asked) == true", "message": "not true"}],
    }
    name = f"value-{number}"
    return [
        {"apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]  # fmt: skip


def _outcome(code, message):
    if code == 201:
        return "true"
    return "error" if "resulted in error" in message else message.rpartition(": ")[2]


@pytest.mark.live
def test_the_same_values(cluster_factory):
    source = shared("data", "policy", "tables", "real-cel-expressions.json")
    expressions = list(dict.fromkeys(item["cel"] for item in json.loads(source.read_text(encoding="utf-8"))))
    server = cluster_factory(api_only=True)
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "values", "labels": {"a": "b"}},
    }
    world = [server.request("POST", "/api/v1/namespaces", namespace)[1]]
    server.request("POST", "/api/v1/namespaces/values/serviceaccounts", {"metadata": {"name": "default"}})
    asked = {}
    for number, expression in enumerate(expressions):
        # What needs other variables, params or mutation types is asked elsewhere.
        if "variables." in expression or "params" in expression or "Object" in expression:
            continue
        policy, binding = _objects(number, expression)
        if server.request("POST", f"/apis/{GROUP}/validatingadmissionpolicies", policy)[0] != 201:
            continue
        assert server.request("POST", f"/apis/{GROUP}/validatingadmissionpolicybindings", binding)[0] == 201
        world += [policy, binding]
        asked[number] = expression
    probe = _objects("probe", "false")
    for obj, plural in zip(
        probe, ("validatingadmissionpolicies", "validatingadmissionpolicybindings"), strict=True
    ):
        assert server.request("POST", f"/apis/{GROUP}/{plural}", obj)[0] == 201
    path = "/api/v1/namespaces/values/pods?dryRun=All"
    for _ in range(200):
        pod = {**PODS["bare"], "metadata": {"name": "bare", "labels": {"n": "probe"}}}
        if server.request("POST", path, pod)[0] == 422:
            break
        time.sleep(0.05)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    different, seen = [], {}
    for number, expression in asked.items():
        for name, pod in PODS.items():
            metadata = pod["metadata"] | {
                "namespace": "values",
                "labels": {**pod["metadata"].get("labels", {}), "n": str(number)},
            }
            obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}
            given = obj | {"metadata": metadata | SERVERS}
            status, body = server.request("POST", path, obj)
            request = {
                "uid": "u", "operation": "CREATE", "name": name, "namespace": "values", "object": given, "dryRun": True,
                "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
                "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
                "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "dryRun": ["All"]},
            }  # fmt: skip
            response = decide.answer({"request": request})["response"]
            found = response.get("status") or {"code": 201, "message": ""}
            mine, theirs = (
                _outcome(found["code"], found["message"]),
                _outcome(status, body.get("message") or ""),
            )
            seen[theirs] = seen.get(theirs, 0) + 1
            if mine != theirs:
                different.append(
                    f"{number} {name}: mine {mine} ({found['message'][:300]}), theirs {theirs} ({str(body.get('message'))[:300]})\n  {expression}"
                )
    assert different == [], "\n".join(different)
    assert min(seen.get(each, 0) for each in ("true", "not true", "error")) > 20, seen
