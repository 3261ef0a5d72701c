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
            "uid": "u", "operation": "CREATE", "name": name, "object": obj, "userInfo": {},
            "kind": group | {"kind": kind}, "resource": group | {"resource": plural},
        }  # fmt: skip
        response = decide.answer({"request": request})["response"]
        mine = {cause["field"] for cause in response.get("status", {}).get("details", {}).get("causes", ())}
        if response["allowed"] != (status == 201) or not mine <= fields:
            different.append((name, status, sorted(fields), sorted(mine), body.get("message")))
    assert different == []
