"""Policies and bindings that the real API server 1.34 refuses or takes: the same answer, at a field it names."""

from __future__ import annotations

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine

GROUP = "admissionregistration.k8s.io/v1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
MATCH = {"resourceRules": [RULE]}
GOOD = {"matchConstraints": MATCH, "validations": [{"expression": "true"}]}

POLICIES = {
    "good": GOOD,
    "no-match": {"validations": [{"expression": "true"}]},
    "no-rules": {"matchConstraints": {}, "validations": [{"expression": "true"}]},
    "nothing": {"matchConstraints": MATCH},
    "not-bool": {"matchConstraints": MATCH, "validations": [{"expression": "object.data.x"}]},
    "syntax": {"matchConstraints": MATCH, "validations": [{"expression": "1 +"}]},
    "message": {"matchConstraints": MATCH, "validations": [{"expression": "true", "messageExpression": "1"}]},
    "reason": {"matchConstraints": MATCH, "validations": [{"expression": "true", "reason": "Unauthorized"}]},
    "variable": GOOD | {"variables": [{"name": "1x", "expression": "true"}]},
    "unknown-variable": {"matchConstraints": MATCH, "validations": [{"expression": "variables.y"}]},
    "no-params": {"matchConstraints": MATCH, "validations": [{"expression": "params.x == 1"}]},
    "condition": GOOD | {"matchConditions": [{"name": "c", "expression": "'x'"}]},
    "audit": GOOD | {"auditAnnotations": [{"key": "k", "valueExpression": "1"}]},
    "sort-is-too-new": {
        "matchConstraints": MATCH,
        "validations": [{"expression": "[2, 1].sort() == [1, 2]"}],
    },
    "operation": {
        "matchConstraints": {"resourceRules": [RULE | {"operations": ["EAT"]}]},
        "validations": [{"expression": "true"}],
    },
    "mixed": {"matchConstraints": MATCH, "validations": [{"expression": "object.x in [object.y, 'a']"}]},
    "line-breaks": {"matchConstraints": MATCH, "validations": [{"expression": "true ||\n false"}]},
    "message-line": {"matchConstraints": MATCH, "validations": [{"expression": "true", "message": "a\rb"}]},
    "message-authorizer": {
        "matchConstraints": MATCH,
        "validations": [
            {"expression": "true", "messageExpression": "authorizer.path('/x').check('get').reason()"}
        ],
    },
    "reserved-variable": GOOD | {"variables": [{"name": "in", "expression": "true"}]},
    "condition-variable": GOOD
    | {
        "variables": [{"name": "a", "expression": "true"}],
        "matchConditions": [{"name": "c", "expression": "variables.a"}],
    },
    "names": {
        "matchConstraints": {"resourceRules": [RULE | {"resourceNames": ["a", "a", "..", "b/c"]}]},
        "validations": [{"expression": "true"}],
    },
    "wildcards": {
        "matchConstraints": {"resourceRules": [RULE | {"resources": ["pods/*", "pods/status", "*", "pods"]}]},
        "validations": [{"expression": "true"}],
    },
    "double-wildcard": {
        "matchConstraints": {"resourceRules": [RULE | {"resources": ["*/*", "pods"]}]},
        "validations": [{"expression": "true"}],
    },
    "labels": {
        "matchConstraints": MATCH | {"objectSelector": {"matchLabels": {"a b": "c d"}}},
        "validations": [{"expression": "true"}],
    },
    "selector": {
        "matchConstraints": MATCH
        | {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}},
        "validations": [{"expression": "true"}],
    },
    "param-kind": GOOD | {"paramKind": {"apiVersion": "A_b/V1", "kind": "X_y"}},
    "long-annotation": GOOD | {"auditAnnotations": [{"key": "k", "valueExpression": f"'{'a' * 5200}'"}]},
    "annotation-key": GOOD
    | {
        "auditAnnotations": [{"key": "a/b", "valueExpression": "''"}, {"key": "a/b", "valueExpression": "''"}]
    },
    "format-clause": {"matchConstraints": MATCH, "validations": [{"expression": "'%d'.format(['a']) == ''"}]},
    "bad-constant": {"matchConstraints": MATCH, "validations": [{"expression": "int('x') == 1"}]},
    "last": {"matchConstraints": MATCH, "validations": [{"expression": "[1, 2].last().orValue(0) == 2"}]},
    "format": {"matchConstraints": MATCH, "validations": [{"expression": "'%s %d'.format(['a', 1]) == ''"}]},
}
BINDINGS = {
    "good": {"policyName": "p", "validationActions": ["Deny", "Audit"]},
    "no-action": {"policyName": "p"},
    "both": {"policyName": "p", "validationActions": ["Deny", "Warn"]},
    "no-policy": {"validationActions": ["Deny"]},
    "reference": {"policyName": "p", "validationActions": ["Deny"], "paramRef": {"name": "x"}},
}


@pytest.mark.live
@pytest.mark.parametrize(
    ("kind", "plural", "cases"),
    [
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies", POLICIES),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", BINDINGS),
    ],
)
def test_the_same_policies_are_refused_at_the_same_fields(cluster, kind, plural, cases):
    decide = engine("admission", EngineOptions())
    different = []
    for name, spec in cases.items():
        obj = {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}
        status, body = cluster.request("POST", f"/apis/{GROUP}/{plural}?dryRun=All", obj)
        fields = (
            {cause["field"] for cause in (body.get("details") or {}).get("causes", ())}
            if status == 422
            else set()
        )
        group = {"group": GROUP.partition("/")[0], "version": "v1"}
        request = {
            "uid": "u", "operation": "CREATE", "name": obj["metadata"]["name"], "object": obj, "userInfo": {},
            "kind": group | {"kind": kind}, "resource": group | {"resource": plural},
        }  # fmt: skip
        response = decide.answer({"request": request})["response"]
        mine = {cause["field"] for cause in response.get("status", {}).get("details", {}).get("causes", ())}
        if response["allowed"] != (status == 201) or mine != fields:
            different.append((name, status, sorted(fields), sorted(mine), body.get("message")))
    assert different == []


APPLY = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}
PATCH = {"patchType": "JSONPatch", "jsonPatch": {"expression": '[JSONPatch{op: "test", path: "/a"}]'}}
CHANGE = {
    "matchConstraints": MATCH,
    "mutations": [APPLY],
    "reinvocationPolicy": "Never",
    "failurePolicy": "Fail",
}


def _expression(text, form="applyConfiguration"):
    kind = {"applyConfiguration": "ApplyConfiguration", "jsonPatch": "JSONPatch"}[form]
    return CHANGE | {"mutations": [{"patchType": kind, form: {"expression": text}}]}


MUTATING = {
    "good": CHANGE,
    "good-patch": CHANGE | {"mutations": [PATCH]},
    "no-mutations": CHANGE | {"mutations": []},
    "no-match": {key: value for key, value in CHANGE.items() if key != "matchConstraints"},
    "no-rules": CHANGE | {"matchConstraints": {}},
    "no-reinvocation": {key: value for key, value in CHANGE.items() if key != "reinvocationPolicy"},
    "reinvocation": CHANGE | {"reinvocationPolicy": "Always"},
    "delete": CHANGE | {"matchConstraints": {"resourceRules": [RULE | {"operations": ["DELETE"]}]}},
    "no-type": CHANGE | {"mutations": [{"applyConfiguration": {"expression": "Object{}"}}]},
    "type": CHANGE | {"mutations": [APPLY | {"patchType": "Merge"}]},
    "both": CHANGE | {"mutations": [APPLY | {"jsonPatch": PATCH["jsonPatch"]}]},
    "other-form": CHANGE | {"mutations": [{"patchType": "JSONPatch", "applyConfiguration": {"expression": "Object{}"}}]},
    "empty-expression": _expression(" "),
    "not-an-object": _expression("1"),
    "a-map": _expression("{'a': 'b'}"),
    "inner-object": _expression("Object.spec{}"),
    "conditional": _expression("has(object.data) ? Object{} : Object{data: {'a': 'b'}}"),
    "syntax": _expression("Object{"),
    "empty-list": _expression("[]", "jsonPatch"),
    "list-of-maps": _expression("[{'op': 'add'}]", "jsonPatch"),
    "patch-field": _expression('[JSONPatch{op: "add", paht: "/a"}]', "jsonPatch"),
    "patch-type": _expression("[JSONPatch{op: 1}]", "jsonPatch"),
    "escape-key": _expression("[JSONPatch{op: 'remove', path: '/a/' + jsonpatch.escapeKey('b/c')}]", "jsonPatch"),
    "variable-object": CHANGE | {"variables": [{"name": "v", "expression": "Object{}"}]},
    "variable": CHANGE | {"variables": [{"name": "v", "expression": "1"}], "mutations": [{
        "patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{spec: Object.spec{replicas: variables.v}}"}}]},
    "unknown-variable": _expression("Object{data: variables.y}"),
    "condition-object": CHANGE | {"matchConditions": [{"name": "c", "expression": "Object{} == Object{}"}]},
    "no-params": _expression("Object{data: params.x}"),
}  # fmt: skip
MUTATING_BINDINGS = {
    "good": {"policyName": "p"},
    "no-policy": {},
    "delete": {"policyName": "p", "matchResources": {"resourceRules": [RULE | {"operations": ["DELETE"]}]}},
    "reference": {"policyName": "p", "paramRef": {"name": "x"}},
}


@pytest.mark.live
@pytest.mark.parametrize(
    ("kind", "plural", "cases"),
    [
        ("MutatingAdmissionPolicy", "mutatingadmissionpolicies", MUTATING),
        ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", MUTATING_BINDINGS),
    ],
)
def test_the_same_mutating_policies_are_refused_at_the_same_fields(mutating_cluster, kind, plural, cases):
    decide = engine("admission", EngineOptions())
    different = []
    for name, spec in cases.items():
        api = "admissionregistration.k8s.io/v1beta1"
        obj = {"apiVersion": api, "kind": kind, "metadata": {"name": f"check-{name}"}, "spec": spec}
        status, body = mutating_cluster.request("POST", f"/apis/{api}/{plural}?dryRun=All", obj)
        causes = (body.get("details") or {}).get("causes", ()) if status == 422 else ()
        fields = {cause["field"] for cause in causes}
        group = {"group": "admissionregistration.k8s.io", "version": "v1beta1"}
        request = {
            "uid": "u", "operation": "CREATE", "name": obj["metadata"]["name"], "object": obj, "userInfo": {},
            "kind": group | {"kind": kind}, "resource": group | {"resource": plural},
        }  # fmt: skip
        response = decide.answer({"request": request})["response"]
        mine = {cause["field"] for cause in response.get("status", {}).get("details", {}).get("causes", ())}
        if response["allowed"] != (status == 201) or not mine <= fields:
            different.append((name, status, sorted(fields), sorted(mine), body.get("message")))
    assert different == []
