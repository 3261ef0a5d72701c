"""What `authorizer` says in an expression: the same as in the real API server 1.34, from its own default roles and some of ours."""

from __future__ import annotations

import time

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine

GROUP = "admissionregistration.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io"
NAMESPACE = "authz"
PODS = "authorizer.group('').resource('pods')"
EXPRESSIONS = [
    f"{PODS}.namespace('authz').check('get').allowed()",
    f"{PODS}.namespace('authz').check('list').allowed()",
    f"{PODS}.namespace('other').check('get').allowed()",
    f"{PODS}.check('get').allowed()",
    f"{PODS}.namespace('authz').name('one').check('delete').allowed()",
    f"{PODS}.namespace('authz').name('two').check('delete').allowed()",
    f"{PODS}.namespace('authz').subresource('log').check('get').allowed()",
    f"{PODS}.namespace('authz').subresource('exec').check('create').allowed()",
    f"""{PODS}.namespace('authz').check('get').reason() ==
    'RBAC: allowed by RoleBinding "readers/authz" of Role "reader" to User "kim"'""",
    f"{PODS}.namespace('authz').check('update').reason() == ''",
    f"{PODS}.namespace('authz').check('get').errored()",
    "authorizer.path('/healthz').check('get').allowed()",
    "authorizer.path('/metrics').check('get').allowed()",
    "authorizer.path(' ').check('get').allowed()",
    "authorizer.group('').resource(' ').check('get').allowed()",
    "authorizer.serviceAccount('authz', 'robot').group('').resource('secrets').namespace('authz').check('get').allowed()",
    "authorizer.serviceAccount('authz', 'other').group('').resource('secrets').namespace('authz').check('get').allowed()",
    # A service account made by an expression is in no group that authentication adds.
    "authorizer.serviceAccount('authz', 'robot').group('authorization.k8s.io').resource('selfsubjectaccessreviews').check('create').allowed()",
    "authorizer.group('authorization.k8s.io').resource('selfsubjectaccessreviews').check('create').allowed()",
    "authorizer.serviceAccount('Authz', 'robot').path('/healthz').check('get').allowed()",
    "authorizer.serviceAccount('authz', 'no/name').path('/healthz').check('get').allowed()",
    "authorizer.requestResource.check('create').allowed()",
    "authorizer.requestResource.check('approve').allowed()",
    f"{PODS}.namespace('authz').fieldSelector('spec.nodeName=n').check('list').allowed()",
    f"{PODS}.namespace('authz').labelSelector('((').check('get').allowed()",
    "authorizer.group('').resource('nodes').check('*').allowed()",
]


def _objects():
    subject = {"kind": "User", "name": "kim", "apiGroup": RBAC}
    robot = {"kind": "ServiceAccount", "name": "robot", "namespace": NAMESPACE}
    return [
        _role(
            "reader",
            {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"], "resourceNames": ["one"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
        ),
        _binding("readers", "reader", subject),
        _role("secrets", {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}),
        _binding("robots", "secrets", robot),
    ]


def _role(name, *rules):
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "rules": list(rules),
    }


def _binding(name, role, subject):
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role},
        "subjects": [subject],
    }


def _policies(number, expression):
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    name = f"authz-{number}"
    match = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "objectSelector": {"matchLabels": {"n": str(number)}},
    }
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": expression, "message": "no"}],
    }
    return [
        {"apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": match},
        },
    ]  # fmt: skip


def _config_map(number):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": NAMESPACE, "labels": {"n": str(number)}},
    }


@pytest.mark.live
def test_the_authorizer_answers_as_the_servers_own(cluster):
    labels = {"kubernetes.io/metadata.name": NAMESPACE}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    assert cluster.request("POST", "/api/v1/namespaces", namespace)[0] == 201
    world = [namespace, *_objects()]
    for obj in _objects():
        plural = {"Role": "roles", "RoleBinding": "rolebindings"}[obj["kind"]]
        assert cluster.request("POST", f"/apis/{RBAC}/v1/namespaces/{NAMESPACE}/{plural}", obj)[0] == 201
    made = [
        policy for number, expression in enumerate(EXPRESSIONS) for policy in _policies(number, expression)
    ]
    plurals = {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    }
    for obj in made:
        status, body = cluster.request("POST", f"/apis/{GROUP}/{plurals[obj['kind']]}", obj)
        assert status == 201, body
    try:
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps?dryRun=All"
        as_kim = {"user": "kim", "groups": ["team"]}
        for _ in range(200):
            if cluster.request("POST", path, _config_map(len(EXPRESSIONS) - 1), **as_kim)[0] == 422:
                break
            time.sleep(0.05)
        decide = engine("admission", EngineOptions())
        decide.load({"objects": world + made})
        different = []
        for number, expression in enumerate(EXPRESSIONS):
            obj = _config_map(number)
            status, body = cluster.request("POST", path, obj, **as_kim)
            request = {
                "uid": "u", "operation": "CREATE", "name": "c", "namespace": NAMESPACE, "object": obj,
                "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
                "resource": {"group": "", "version": "v1", "resource": "configmaps"},
                "userInfo": {"username": "kim", "groups": ["team", "system:authenticated"]},
            }  # fmt: skip
            response = decide.answer({"request": request})["response"]
            mine = response.get("status") or {"code": 201, "message": None}
            found, theirs = (
                _cut(mine["code"], mine["message"]),
                _cut(status, body.get("message") if status != 201 else None),
            )
            if found != theirs:
                different.append((expression, found, theirs))
        assert different == []
    finally:
        for obj in made:
            cluster.request("DELETE", f"/apis/{GROUP}/{plurals[obj['kind']]}/{obj['metadata']['name']}")


def _cut(code, message):
    return code, (message or "").partition("resulted in error: ")[0]
