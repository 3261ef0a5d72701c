"""The same questions to the engine and to the real API server 1.34: the same verdicts, words and warnings."""

from __future__ import annotations

import pytest

from seawall.core.engine import EngineOptions
from seawall.core.errors import InputError
from seawall.policy.decide import engine

GROUP = "admissionregistration.k8s.io/v1"
RULES = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    ]
}


def _policy(name, validations, **spec):
    return [
        {
            "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {"matchConstraints": RULES, "validations": validations, **spec},
        },
        {
            "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": f"{name}-b"},
            "spec": {
                "policyName": name, "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {"with": name}}},
            },
        },
    ]  # fmt: skip


# name -> (validations, more of the spec)
POLICIES = {
    "plain": ([{"expression": "object.data.?a.orValue('') == 'x'"}], {}),
    "worded": ([{"expression": "size(object.data) < 2", "message": "too many", "reason": "Forbidden"}], {}),
    "computed": (
        [{"expression": "variables.n < 2", "messageExpression": "'has ' + string(variables.n)"}],
        {"variables": [{"name": "n", "expression": "object.data.size()"}]},
    ),
    "conditional": (
        [{"expression": "false"}],
        {"matchConditions": [{"name": "c", "expression": "has(object.data.a)"}]},
    ),
    "namespaced": ([{"expression": "namespaceObject.metadata.labels['with'] == 'other'"}], {}),
    "loops": (
        [{"expression": "object.data.all(k, object.data[k].matches('^[a-z]+$'))", "message": "bad"}],
        {},
    ),
    "quantities": (
        [{"expression": "quantity(object.data.a).isLessThan(quantity('1Gi'))", "message": "big"}],
        {},
    ),
    "requests": ([{"expression": "request.operation == 'UPDATE' || request.userInfo.username == 'x'"}], {}),
}
DATA = [{"a": "x"}, {"a": "x", "b": "y"}, {"b": "1Z"}, {"a": "2Gi", "c": "z"}]
PODS = [
    {"containers": [{"name": "a", "image": "x"}]},
    {"hostNetwork": True, "containers": [{"name": "a", "image": "x", "securityContext": {"privileged": True}}]},
    {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "a", "image": "x",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
]  # fmt: skip


def _review(kind, resource, namespace, obj, operation="CREATE", user="system:admin"):
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u", "operation": operation, "name": obj["metadata"].get("name", ""), "namespace": namespace,
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": resource},
            "userInfo": {"username": user, "groups": ["system:masters"]}, "object": obj,
        },
    }  # fmt: skip


def _engine(objects):
    made = engine("admission", EngineOptions())
    assert made.load({"objects": objects}) == {"objects": len(objects)}
    return made


def _config_map(namespace, data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": namespace},
        "data": data,
    }


@pytest.mark.live
def test_validating_policies_decide_as_the_real_server(cluster):
    world = []
    for name, (validations, more) in POLICIES.items():
        objects = _policy(name, validations, **more)
        for obj, plural in zip(
            objects, ("validatingadmissionpolicies", "validatingadmissionpolicybindings"), strict=True
        ):
            status, body = cluster.request("POST", f"/apis/{GROUP}/{plural}", obj)
            assert status == 201, body
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": f"vap-{name}", "labels": {"with": name}},
        }
        assert cluster.request("POST", "/api/v1/namespaces", namespace)[0] == 201
        world += [*objects, namespace]
    try:
        _wait(cluster)
        decide = _engine(world)
        different = []
        for name in POLICIES:
            for data in DATA:
                obj = _config_map(f"vap-{name}", data)
                status, body = cluster.request(
                    "POST", f"/api/v1/namespaces/vap-{name}/configmaps?dryRun=All", obj
                )
                response = decide.answer(_review("ConfigMap", "configmaps", f"vap-{name}", obj))["response"]
                mine = response.get("status") or {"code": 201, "reason": None, "message": None}
                theirs = (status, body.get("reason"), body.get("message"))
                found = (mine["code"], mine["reason"], mine["message"])
                if _cut(found) != _cut(theirs):
                    different.append((name, data, found, theirs))
        assert different == []
    finally:
        for name in POLICIES:
            cluster.request("DELETE", f"/apis/{GROUP}/validatingadmissionpolicybindings/{name}-b")
            cluster.request("DELETE", f"/apis/{GROUP}/validatingadmissionpolicies/{name}")


def _cut(answer):
    # The text after "resulted in error: " is free (protocol.md).
    code, reason, message = answer
    return code, reason, (message or "").partition("resulted in error: ")[0]


def _wait(cluster):
    import time

    obj = _config_map("vap-requests", {"a": "x"})
    for _ in range(200):
        if cluster.request("POST", "/api/v1/namespaces/vap-requests/configmaps?dryRun=All", obj)[0] == 422:
            return
        time.sleep(0.05)
    raise TimeoutError("the policies did not come into force")


@pytest.mark.live
def test_pod_security_admits_as_the_real_server(cluster):
    different = []
    for number, labels in enumerate(
        [
            {"enforce": "baseline"},
            {"enforce": "restricted", "enforce-version": "v1.20"},
            {"warn": "restricted"},
            {},
        ]
    ):
        name = f"psa-{number}"
        full = {f"pod-security.kubernetes.io/{key}": value for key, value in labels.items()}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": full}}
        assert cluster.request("POST", "/api/v1/namespaces", namespace)[0] == 201
        decide = _engine([namespace])
        for spec in PODS:
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": name}}
            pod["spec"] = spec | {"serviceAccountName": "default", "automountServiceAccountToken": False}
            for _ in range(100):
                answer = cluster.ask("POST", f"/api/v1/namespaces/{name}/pods?dryRun=All", pod)
                if "serviceaccount" not in str(answer.body.get("message")):
                    break
            response = decide.answer(_review("Pod", "pods", name, pod))["response"]
            theirs = (
                answer.status == 201,
                answer.body.get("message") if answer.status != 201 else None,
                sorted(answer.warnings),
            )
            mine = (
                response["allowed"],
                (response.get("status") or {}).get("message"),
                sorted(response.get("warnings", [])),
            )
            if mine != theirs:
                different.append((labels, mine, theirs))
    assert different == []


@pytest.mark.live
def test_a_namespace_with_bad_labels_is_refused_in_the_servers_words(cluster):
    labels = {"pod-security.kubernetes.io/enforce": "bad", "pod-security.kubernetes.io/warn-version": "1.3"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bad", "labels": labels}}
    status, body = cluster.request("POST", "/api/v1/namespaces", namespace)
    found = _engine([]).answer(_review("Namespace", "namespaces", "bad", namespace))["response"]["status"]
    assert (found["code"], found["reason"], found["message"]) == (status, body["reason"], body["message"])


@pytest.mark.parametrize(
    "line", [{}, {"request": []}, {"request": {"operation": "EAT"}}, {"request": {"operation": "CREATE"}}]
)
def test_what_is_no_review_is_said(line):
    with pytest.raises(InputError):
        _engine([]).answer(line)


@pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"])
def test_a_world_out_of_shape_is_said_and_the_old_world_stays(kind):
    decide = _engine([])
    broken = {"apiVersion": GROUP, "kind": kind, "metadata": {"name": "x"}, "spec": ["not", "an", "object"]}
    bound = {
        "apiVersion": GROUP,
        "kind": f"{kind.removesuffix('Binding')}Binding",
        "spec": {"policyName": "x"},
    }
    with pytest.raises(InputError):
        decide.load({"objects": [broken, bound]})
    assert (
        decide.answer(_review("ConfigMap", "configmaps", "d", _config_map("d", {})))["response"]["allowed"]
        is True
    )
