"""The 797 real expressions as the real API server 1.34 sees them in a new policy: taken by both, or by neither."""

from __future__ import annotations

import json
import re

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine
from support import shared

API = "admissionregistration.k8s.io"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def _policy(number, expression):
    """An expression of any type is a variable; what makes an object or a patch is a mutation."""
    names = sorted(set(re.findall(r"\bvariables\.([A-Za-z_]\w*)", expression)))
    variables = [{"name": name, "expression": "dyn(object)"} for name in names]
    rules = {"resourceRules": [RULE]}
    mutates = "Object{" in expression or "Object." in expression or "JSONPatch{" in expression
    if mutates:
        form = (
            ("JSONPatch", "jsonPatch")
            if "JSONPatch{" in expression
            else ("ApplyConfiguration", "applyConfiguration")
        )
        spec = {
            "matchConstraints": rules, "variables": variables, "reinvocationPolicy": "Never", "failurePolicy": "Fail",
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "mutations": [{"patchType": form[0], form[1]: {"expression": expression}}],
        }  # fmt: skip
        return "MutatingAdmissionPolicy", "v1beta1", "mutatingadmissionpolicies", spec
    variables.append({"name": f"asked{number}", "expression": expression})
    spec = {
        "matchConstraints": rules, "variables": variables, "validations": [{"expression": "true"}],
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
    }  # fmt: skip
    return "ValidatingAdmissionPolicy", "v1", "validatingadmissionpolicies", spec


@pytest.mark.live
def test_the_same_expressions_are_taken(cluster_factory):
    source = shared("data", "policy", "tables", "real-cel-expressions.json")
    expressions = list(dict.fromkeys(item["cel"] for item in json.loads(source.read_text(encoding="utf-8"))))
    server = cluster_factory(api_only=True, mutating_admission_policy=True)
    decide = engine("admission", EngineOptions())
    different, taken = [], 0
    for number, expression in enumerate(expressions):
        kind, version, plural, spec = _policy(number, expression)
        obj = {
            "apiVersion": f"{API}/{version}",
            "kind": kind,
            "metadata": {"name": f"e{number}"},
            "spec": spec,
        }
        status, body = server.request("POST", f"/apis/{API}/{version}/{plural}?dryRun=All", obj)
        about = {"group": API, "version": version}
        request = {
            "uid": "u", "operation": "CREATE", "name": f"e{number}", "object": {**obj, "spec": {"failurePolicy": "Fail", **spec}},
            "kind": about | {"kind": kind}, "resource": about | {"resource": plural}, "userInfo": {},
        }  # fmt: skip
        response = decide.answer({"request": request})["response"]
        taken += status == 201
        if response["allowed"] != (status == 201):
            mine = (response.get("status") or {}).get("message")
            different.append(f"{number}: {status} {body.get('message')}\n  mine: {mine}\n  {expression}")
    assert different == [], "\n".join(different)
    assert taken > 500
