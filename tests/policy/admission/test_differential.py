"""One API server 1.34 with an audit log, exemptions and many policies: answers, warnings and audit annotations the same."""

from __future__ import annotations

import copy
import time

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine
from support import admission

GROUP = "admissionregistration.k8s.io/v1"
PREFIX = "pod-security.kubernetes.io/"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget", "singular": "widget"},
        "versions": [
            {
                "name": name, "served": True, "storage": name == "v1",
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
            for name in ("v1", "v2")
        ],
    },
}  # fmt: skip
KINDS = {
    "ConfigMap": ("", "v1", "configmaps"),
    "Widget": ("example.com", "v1", "widgets"),
    "HorizontalPodAutoscaler": ("autoscaling", "v2", "horizontalpodautoscalers"),
}
CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "labels": {"l": "1"}},
    "data": {"a": "x"},
}
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}
AUTOSCALER = {
    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}, "maxReplicas": 9, "minReplicas": 1,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 77}}}],
    },
}  # fmt: skip


METRICS = [
    {"type": "Pods", "pods": {"metric": {"name": "m<1>", "selector": {"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": [{"key": "k", "operator": "Exists"}]}}, "target": {"type": "AverageValue", "averageValue": "1"}}},
    {"type": "Object", "object": {"metric": {"name": "o"}, "describedObject": {"kind": "Service", "name": "s", "apiVersion": "v1"}, "target": {"type": "Value", "value": "2k"}}},
    {"type": "Object", "object": {"metric": {"name": "p"}, "describedObject": {"kind": "Service", "name": "s"}, "target": {"type": "AverageValue", "averageValue": "2500m"}}},
    {"type": "External", "external": {"metric": {"name": "e"}, "target": {"type": "AverageValue", "averageValue": "3"}}},
    {"type": "External", "external": {"metric": {"name": "f", "selector": {}}, "target": {"type": "Value", "value": "4"}}},
    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 50}}},
    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1500m"}}},
    {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": {"type": "AverageValue", "averageValue": "100m"}}},
]  # fmt: skip
# As the server completes it: selectPolicy and the other direction have defaults.
BEHAVIOR = {
    "scaleUp": {"stabilizationWindowSeconds": 3, "selectPolicy": "Min", "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}]},
    "scaleDown": {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
}  # fmt: skip
RICH_AUTOSCALER = AUTOSCALER | {
    "spec": AUTOSCALER["spec"] | {"metrics": [*AUTOSCALER["spec"]["metrics"], *METRICS], "behavior": BEHAVIOR}
}


def _rule(kind, **more):
    group, version, plural = KINDS[kind]
    rule = {"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": [plural]}
    return rule | more


def _says(expression, **more):
    return {"expression": expression, **more}


NO = [_says("false", message="no")]
# One call of contains costs 180,000 here (a tenth of each length, multiplied), one of the last two 604 and 605.
BIG = CONFIG_MAP | {
    "data": {"big": "ab" * 15000, "part": "c" * 600, "tail": "c" * 330, "fit": "c" * 6040, "not": "c" * 6041}
}
DEAR = "!object.data.big.contains(object.data.part)"
SPENT = [_says(DEAR)] * 55 + [_says("!object.data.big.contains(object.data.tail)")]
# name -> (object, more of the policy's spec, more of the binding's spec)
CASES = {
    "deny": (CONFIG_MAP, {"validations": NO}, {}),
    "warn": (CONFIG_MAP, {"validations": NO}, {"validationActions": ["Warn"]}),
    "audit": (CONFIG_MAP, {"validations": NO}, {"validationActions": ["Audit"]}),
    "deny-and-audit": (CONFIG_MAP, {"validations": NO}, {"validationActions": ["Deny", "Audit"]}),
    "warn-and-audit": (CONFIG_MAP, {"validations": NO}, {"validationActions": ["Warn", "Audit"]}),
    "two-fail": (CONFIG_MAP, {"validations": [*NO, _says("1 == 2")]}, {"validationActions": ["Warn", "Audit"]}),
    "second-fails": (CONFIG_MAP, {"validations": [_says("true"), _says("1 == 2", reason="Forbidden")]}, {"validationActions": ["Deny", "Audit"]}),
    "too-large": (CONFIG_MAP, {"validations": [_says("false", reason="RequestEntityTooLarge", message="big")]}, {}),
    "error": (CONFIG_MAP, {"validations": [_says("object.data.zz == ''")]}, {}),
    "error-ignored": (CONFIG_MAP, {"validations": [_says("object.data.zz == ''"), *NO], "failurePolicy": "Ignore"}, {}),
    "error-warned": (CONFIG_MAP, {"validations": [_says("object.data.zz == ''")]}, {"validationActions": ["Warn"]}),
    "message-expression-fails": (CONFIG_MAP, {"validations": [_says("false", messageExpression="string(object.data.zz)", message="plain")]}, {}),
    "message-expression-empty": (CONFIG_MAP, {"validations": [_says("false", messageExpression="'  '")]}, {}),
    "message-expression-lines": (CONFIG_MAP, {"validations": [_says("false", messageExpression="'a\\nb'", message="plain")]}, {}),
    "message-expression-trimmed": (CONFIG_MAP, {"validations": [_says("false", messageExpression="'  <b> & c  '")]}, {"validationActions": ["Deny", "Audit"]}),
    "annotated": (
        CONFIG_MAP,
        {"validations": [_says("true")], "auditAnnotations": [
            {"key": "value", "valueExpression": "'  a is ' + object.data.a + ' '"}, {"key": "empty", "valueExpression": "''"},
            {"key": "null", "valueExpression": "null"}]},
        {},
    ),
    "annotated-only": (CONFIG_MAP, {"auditAnnotations": [{"key": "k", "valueExpression": "'v'"}]}, {"validationActions": ["Audit"]}),
    "annotation-fails": (CONFIG_MAP, {"validations": [_says("true")], "auditAnnotations": [{"key": "k", "valueExpression": "string(object.data.zz)"}]}, {"validationActions": ["Audit"]}),
    "annotation-fails-ignored": (
        CONFIG_MAP,
        {"failurePolicy": "Ignore", "validations": [_says("true")], "auditAnnotations": [{"key": "k", "valueExpression": "string(object.data.zz)"}]}, {},
    ),
    "conditions": (CONFIG_MAP, {"validations": NO, "matchConditions": [_says("false", name="a"), _says("object.data.zz == ''", name="b")]}, {}),
    "conditions-fail": (CONFIG_MAP, {"validations": NO, "matchConditions": [_says("object.data.z1 == ''", name="a"), _says("object.data.z2 == ''", name="b")]}, {}),
    "excluded": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap")], "excludeResourceRules": [_rule("ConfigMap", resourceNames=["c"])]}}, {}),
    "excluded-other-name": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap")], "excludeResourceRules": [_rule("ConfigMap", resourceNames=["d"])]}}, {}),
    "named": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap", resourceNames=["c"])]}}, {}),
    "cluster-scope": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap", scope="Cluster")]}}, {}),
    "update-only": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap", operations=["UPDATE"])]}}, {}),
    "object-selector": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap")], "objectSelector": {"matchLabels": {"l": "2"}}}}, {}),
    "object-selector-in": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap")], "objectSelector": {"matchExpressions": [{"key": "l", "operator": "In", "values": ["1"]}]}}}, {}),
    "unknown-version": (CONFIG_MAP, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("ConfigMap", apiVersions=["v7"])]}}, {}),
    "other-version": (WIDGET, {"validations": [_says("object.apiVersion == 'nothing'", messageExpression="string(object.apiVersion) + ' ' + request.kind.version + ' ' + request.requestKind.version + ' ' + request.resource.version")],
                               "matchConstraints": {"resourceRules": [_rule("Widget", apiVersions=["v2"])]}}, {}),
    "other-version-exact": (WIDGET, {"validations": NO, "matchConstraints": {"matchPolicy": "Exact", "resourceRules": [_rule("Widget", apiVersions=["v2"])]}}, {}),
    "other-version-excluded": (WIDGET, {"validations": NO, "matchConstraints": {"resourceRules": [_rule("Widget")], "excludeResourceRules": [_rule("Widget", apiVersions=["v2"])]}}, {}),
    "other-version-excluded-exact": (WIDGET, {"validations": NO, "matchConstraints": {"matchPolicy": "Exact", "resourceRules": [_rule("Widget")], "excludeResourceRules": [_rule("Widget", apiVersions=["v2"])]}}, {}),
    "both-versions": (WIDGET, {"validations": [_says("false", messageExpression="request.kind.version")], "matchConstraints": {"resourceRules": [_rule("Widget", apiVersions=["v2"]), _rule("Widget")]}}, {}),
    "autoscaler-as-v1": (AUTOSCALER, {"validations": [_says("object.spec.targetCPUUtilizationPercentage < 50", messageExpression="string(object.spec.targetCPUUtilizationPercentage)")],
                                      "matchConstraints": {"resourceRules": [_rule("HorizontalPodAutoscaler", apiVersions=["v1"])]}}, {}),
    "autoscaler-as-v1-annotations": (RICH_AUTOSCALER, {"validations": [_says("false", messageExpression="object.metadata.annotations.map(k, k + '=' + object.metadata.annotations[k]).filter(t, t.startsWith('autoscaling.alpha.kubernetes.io/metrics')).join(' ')")],
                                                   "matchConstraints": {"resourceRules": [_rule("HorizontalPodAutoscaler", apiVersions=["v1"])]}}, {}),
    "autoscaler-as-v1-behavior": (RICH_AUTOSCALER, {"validations": [_says("false", messageExpression="string(object.metadata.annotations['autoscaling.alpha.kubernetes.io/behavior'])")],
                                                "matchConstraints": {"resourceRules": [_rule("HorizontalPodAutoscaler", apiVersions=["v1"])]}}, {}),
    "params-of-namespace": (CONFIG_MAP, {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [_says("object.data.a == params.data.want", messageExpression="'want ' + params.data.want")]},
                            {"paramRef": {"name": "limits", "parameterNotFoundAction": "Deny"}}),
    "params-missing": (CONFIG_MAP, {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": NO}, {"paramRef": {"name": "absent", "parameterNotFoundAction": "Deny"}}),
    "params-missing-allowed": (CONFIG_MAP, {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": NO}, {"paramRef": {"name": "absent", "parameterNotFoundAction": "Allow"}}),
    "params-unused": (CONFIG_MAP, {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [_says("params != null", message="null")]}, {}),
    "params-warn-each": (CONFIG_MAP, {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [_says("false", messageExpression="string(params.metadata.name)")]},
                         {"paramRef": {"selector": {"matchLabels": {"limits": "yes"}}, "parameterNotFoundAction": "Deny"}, "validationActions": ["Warn"]}),
    "budget-fits-exactly": (BIG, {"validations": [*SPENT, _says("!object.data.fit.contains('x')")]}, {}),
    "budget-is-one-too-small": (BIG, {"validations": [*SPENT, _says("!object.data.not.contains('x')")]}, {}),
    "budget-with-variables-fits": (BIG, {"variables": [{"name": "v", "expression": "!object.data.fit.contains('x')"}], "validations": [*SPENT[:-1], _says("variables.v && variables.v"), *[_says("variables.v")] * 40]}, {}),
    "budget-of-messages": (BIG, {"validations": [*SPENT[:-1], _says("true", messageExpression=f"{DEAR} ? 'a' : 'b'")]}, {"validationActions": ["Deny", "Audit"]}),
    "budget-of-annotations": (BIG, {"validations": [_says("false")], "auditAnnotations": [{"key": f"k{n}", "valueExpression": f"{DEAR} ? 'a' : 'b'"} for n in range(20)]}, {"validationActions": ["Audit"]}),
    "budget-of-variables-in-annotations": (
        BIG,
        {"variables": [{"name": "v", "expression": " && ".join([DEAR] * 5)}], "validations": [_says("variables.v")] * 5,
         "auditAnnotations": [{"key": f"k{n}", "valueExpression": f"variables.v && {DEAR} && {DEAR} && {DEAR} && {DEAR} && {DEAR} ? 'a' : 'b'"} for n in range(11)]},
        {},
    ),
    "budget-of-conditions": (BIG, {"validations": NO, "matchConditions": [_says("false", name="a"), *[_says(DEAR, name=f"c{n}") for n in range(14)]]}, {}),
    "budget-of-conditions-fits": (BIG, {"validations": NO, "matchConditions": [_says("false", name="a"), *[_says(DEAR, name=f"c{n}") for n in range(13)]]}, {}),
    "limit-of-a-call": (BIG, {"validations": [_says(" && ".join([DEAR] * 6) + " || true")]}, {}),
    "limit-of-a-call-fits": (BIG, {"validations": [_says(" && ".join([DEAR] * 5))]}, {}),
    "limit-of-a-call-in-a-variable": (BIG, {"variables": [{"name": "v", "expression": " && ".join([DEAR] * 6)}], "validations": [_says("variables.v || true"), _says("variables.v")]}, {}),
    "authorizer-in-annotations": (CONFIG_MAP, {"auditAnnotations": [{"key": "k", "valueExpression": "string(authorizer.path('/x').check('get').allowed())"}]}, {}),
    "authorizer-in-a-variable-of-a-message": (CONFIG_MAP, {"variables": [{"name": "v", "expression": "authorizer.path('/x').check('get').allowed()"}], "validations": [_says("!variables.v", messageExpression="'allowed ' + string(variables.v)", message="plain")]}, {}),
    "long-annotation": (BIG, {"auditAnnotations": [{"key": "k", "valueExpression": "'ü' + object.data.big"}, {"key": "l", "valueExpression": "'ab' + object.data.big.replace('a', 'ü')"}]}, {}),
    "dry-run": (CONFIG_MAP, {"validations": [_says("!request.dryRun", message="dry")]}, {}),
    "options": (CONFIG_MAP, {"validations": [_says("false", messageExpression="request.options.kind + ' ' + string(request.options.dryRun)")]}, {}),
}  # fmt: skip


def _objects(name):
    obj, spec, binding = CASES[name]
    policy = {"matchConstraints": {"resourceRules": [_rule(obj["kind"])]}, "failurePolicy": "Fail", **spec}
    bound = {"policyName": name, "validationActions": ["Deny"], **binding}
    bound["matchResources"] = {"namespaceSelector": {"matchLabels": {"with": name}}}
    return [
        {
            "apiVersion": GROUP,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": policy,
        },
        {
            "apiVersion": GROUP,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": bound,
        },
    ]


def _path(kind, namespace):
    group, version, plural = KINDS[kind]
    return f"/{f'apis/{group}' if group else 'api'}/{version}/namespaces/{namespace}/{plural}"


def _request(obj, namespace, **more):
    group, version, plural = KINDS[obj["kind"]]
    return {
        "uid": "u", "operation": "CREATE", "name": obj["metadata"]["name"], "namespace": namespace, "dryRun": True,
        "kind": {"group": group, "version": version, "kind": obj["kind"]},
        "resource": {"group": group, "version": version, "resource": plural},
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "dryRun": ["All"]},
        "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters"]}, "object": obj, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def server(cluster_factory):
    made = cluster_factory(api_only=True, audit=True, admission_config=admission.CONFIG)
    assert made.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)[0] == 201
    return made


def _cut(message):
    head, mark, _ = (message or "").partition("resulted in error: ")
    return head + mark


def _theirs(server, path, obj, **identity):
    answer = server.ask("POST", f"{path}?dryRun=All", obj, **identity)
    good = answer.status == 201
    annotations = admission.annotations(server, answer.headers["Audit-Id"])
    return (
        answer.status, None if good else answer.body.get("reason"), None if good else _cut(answer.body["message"]),
        sorted(map(_cut, answer.warnings)), {key: _cut(value) for key, value in annotations.items()},
    )  # fmt: skip


def _mine(decide, request):
    response = decide.answer({"request": request})["response"]
    status = response.get("status") or {"code": 201, "reason": None, "message": None}
    annotations = {key: _cut(value) for key, value in (response.get("auditAnnotations") or {}).items()}
    message = status["message"] if status["message"] is None else _cut(status["message"])
    return (
        status["code"],
        status["reason"],
        message,
        sorted(map(_cut, response.get("warnings") or ())),
        annotations,
    )


@pytest.mark.live
def test_policies_of_every_kind_answer_the_same(server):
    world = [CRD]
    plurals = {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    }
    for name in CASES:
        world.append(admission.namespace(server, f"d-{name}", **{"with": name}))
        if name.startswith("params"):
            for each, want in (("limits", "y"), ("more", "z")):
                param = {
                    "apiVersion": "v1", "kind": "ConfigMap", "data": {"want": want},
                    "metadata": {"name": each, "namespace": f"d-{name}", "labels": {"limits": "yes"}},
                }  # fmt: skip
                assert server.request("POST", f"/api/v1/namespaces/d-{name}/configmaps", param)[0] == 201
                world.append(param)
        for obj in _objects(name):
            status, body = server.request("POST", f"/apis/{GROUP}/{plurals[obj['kind']]}", obj)
            assert status == 201, (name, body)
            world.append(body)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    last = list(CASES)[-1]
    for _ in range(200):
        if server.request("POST", f"{_path('ConfigMap', f'd-{last}')}?dryRun=All", CONFIG_MAP)[0] == 422:
            break
        time.sleep(0.05)
    time.sleep(1)  # params and custom resources are followed by informers of their own
    different = []
    for name, (obj, _, _) in CASES.items():
        theirs = _theirs(server, _path(obj["kind"], f"d-{name}"), obj)
        given = copy.deepcopy(obj)
        given["metadata"]["namespace"] = f"d-{name}"
        mine = _mine(decide, _request(given, f"d-{name}"))
        if mine != theirs:
            different.append(f"{name}\n  mine   {mine}\n  theirs {theirs}")
    assert different == [], "\n".join(different)


POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "a", "image": "x"}], "automountServiceAccountToken": False, "serviceAccountName": "default"},
}  # fmt: skip
BAD = {**POD["spec"], "hostNetwork": True, "hostPID": True}
DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
    "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": BAD}},
}  # fmt: skip
KINDS |= {"Pod": ("", "v1", "pods"), "Deployment": ("apps", "v1", "deployments")}


@pytest.mark.live
def test_pod_security_with_exemptions_and_audit_annotations(server):
    class_ = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "exempt-class"},
        "handler": "h",
    }
    assert server.request("POST", "/apis/node.k8s.io/v1/runtimeclasses", class_)[0] == 201
    labels = {
        "psa-exempt": {"enforce": "restricted"}, "psa-strict": {"enforce": "restricted"}, "psa-open": {},
        "psa-audit": {"audit": "restricted", "warn": "baseline", "warn-version": "v1.30"},
        "psa-mixed": {"enforce": "baseline", "audit": "restricted", "audit-version": "v1.24"},
    }  # fmt: skip
    world = [admission.POD_SECURITY]
    for name, each in labels.items():
        world.append(
            admission.namespace(server, name, **{PREFIX + key: value for key, value in each.items()})
        )
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    bad = POD | {"spec": BAD}
    classed = POD | {"spec": {**BAD, "runtimeClassName": "exempt-class"}}
    different = []
    for namespace in labels:
        for obj in (POD, bad, classed, DEPLOYMENT):
            for user in ("kim", "exempt-user"):
                identity = {"user": user, "groups": ["system:masters"]}
                theirs = _theirs(server, _path(obj["kind"], namespace), obj, **identity)
                given = copy.deepcopy(obj)
                given["metadata"]["namespace"] = namespace
                more = {"userInfo": {"username": user, "groups": ["system:masters"]}}
                mine = _mine(decide, _request(given, namespace, **more))
                if mine != theirs:
                    different.append(f"{namespace} {obj['kind']} {user}\n  mine   {mine}\n  theirs {theirs}")
    assert different == [], "\n".join(different)


@pytest.mark.live
def test_a_namespace_that_is_tightened_warns_of_the_pods_in_it(server):
    namespace = admission.namespace(server, "tighten")
    pods = []
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "r",
        "uid": "11111111-1111-1111-1111-111111111111",
        "controller": True,
    }
    for name, spec, owners in (
        ("plain", POD["spec"], []), ("bad-2", BAD, []), ("bad-1", BAD, []), ("owned-1", BAD, [owner]), ("owned-2", BAD, [owner]),
    ):  # fmt: skip
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "ownerReferences": owners},
            "spec": spec,
        }
        status, body = server.request("POST", "/api/v1/namespaces/tighten/pods", pod)
        assert status == 201, body
        pods.append(body)
    exempt = server.request("GET", "/api/v1/namespaces/psa-exempt")[1]
    decide = engine("admission", EngineOptions())
    decide.load({"objects": [admission.POD_SECURITY, namespace, exempt, *pods]})
    different = []
    for old, labels in (
        (namespace, {"enforce": "baseline"}),
        (namespace, {"enforce": "restricted", "enforce-version": "v1.30"}),
        (namespace, {"enforce": "privileged", "warn": "restricted"}),
        (namespace, {"enforce": "nothing"}),
        (exempt, {"enforce": "baseline", "enforce-version": "v1.31"}),
    ):
        name = old["metadata"]["name"]
        new = copy.deepcopy(old)
        new["metadata"]["labels"] = {"kubernetes.io/metadata.name": name} | {
            PREFIX + k: v for k, v in labels.items()
        }
        answer = server.ask("PUT", f"/api/v1/namespaces/{name}?dryRun=All", new)
        good = answer.status == 200
        theirs = (good, None if good else answer.body["message"], sorted(answer.warnings))
        request = {
            "uid": "u", "operation": "UPDATE", "name": name, "namespace": name, "object": new, "oldObject": old,
            "kind": {"group": "", "version": "v1", "kind": "Namespace"},
            "resource": {"group": "", "version": "v1", "resource": "namespaces"},
            "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters"]},
        }  # fmt: skip
        response = decide.answer({"request": request})["response"]
        mine = (
            response["allowed"],
            (response.get("status") or {}).get("message"),
            sorted(response.get("warnings") or ()),
        )
        if mine != theirs:
            different.append(f"{labels}\n  mine   {mine}\n  theirs {theirs}")
    assert different == [], "\n".join(different)
