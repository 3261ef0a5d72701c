"""What is told of failures: in an audit annotation the first alone up to 1.36, up to 50 from 1.37 (specs/policy.md b4).

As a warning each is told once (apiserver endpoints/filters/warning.go).
"""

from __future__ import annotations

import json

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine

API = "admissionregistration.k8s.io/v1"
KEY = "validation.policy.admission.k8s.io/validation_failure"


@pytest.mark.parametrize(("version", "count"), [("1.34", 1), ("1.36", 1), ("1.37", 50)])
def test_how_many_failures_are_published(version, count):
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    world = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}]
    for name in ("a", "b"):
        spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "false"}] * 30}
        world += [
            {"apiVersion": API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
            {
                "apiVersion": API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
                "spec": {"policyName": name, "validationActions": ["Audit", "Warn"]},
            },
        ]  # fmt: skip
    made = engine("admission", EngineOptions(kubernetes_version=version))
    made.load({"objects": world})
    request = {
        "uid": "u", "operation": "CREATE", "name": "c", "namespace": "n",
        "object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "resource": {"group": "", "version": "v1", "resource": "configmaps"},
    }  # fmt: skip
    response = made.answer({"request": request})["response"]
    entries = json.loads(response["auditAnnotations"][KEY])
    assert response["allowed"] is True
    assert len(entries) == count
    assert (entries[0]["policy"], entries[0]["expressionIndex"]) == ("a", 0)
    assert [warning.count("'a'") for warning in response["warnings"]] == [2, 0]
    if count > 1:
        assert (entries[-1]["policy"], entries[-1]["expressionIndex"]) == ("b", 19)
