"""Audit levels: the rules' own examples (specs b8, b10; apiserver pkg/audit/policy/checker.go)."""

from __future__ import annotations

import pytest

from seawall.access.decide import AuditPolicyEngine
from seawall.core.errors import InputError


def level(rule, **spec):
    request = {"user": "jane", "groups": ["dev"], **spec}
    return AuditPolicyEngine().answer(
        {"policy": {"rules": [rule | {"level": "Request"}]}, "request": request}
    )


def pods(subresource="", **more):
    return {"resourceAttributes": {"verb": "get", "resource": "pods", "subresource": subresource, **more}}


@pytest.mark.parametrize(
    ("rule", "spec", "expected"),
    [
        ({}, pods(), True),
        ({"users": ["bob"]}, pods(), False),
        ({"userGroups": ["dev"]}, pods(), True),
        ({"resources": [{"resources": ["pods"]}]}, pods("log"), False),
        ({"resources": [{"resources": ["pods/*"]}]}, pods(), True),
        ({"resources": [{"resources": ["pods/*"]}]}, pods("log"), True),
        ({"resources": [{"resources": ["*/log"]}]}, pods("log"), True),
        ({"resources": [{"resources": ["*"]}]}, pods("log"), True),
        ({"resources": [{"group": "apps"}]}, pods(), False),
        ({"resources": [{"resources": ["pods"], "resourceNames": ["a"]}]}, pods(name="b"), False),
        ({"namespaces": [""]}, pods(), True),
        ({"namespaces": [""]}, pods(namespace="n"), False),
        ({"namespaces": ["n"]}, {"nonResourceAttributes": {"verb": "get", "path": "/x"}}, False),
        ({"nonResourceURLs": ["/x*"]}, {"nonResourceAttributes": {"verb": "get", "path": "/xy"}}, True),
        ({"nonResourceURLs": ["*"]}, pods(), False),
    ],
)
def test_a_rule(rule, spec, expected):
    assert (level(rule, **spec)["level"] == "Request") is expected


def test_the_first_rule_decides_and_stages_are_united():
    policy = {
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": [
            {"level": "None", "verbs": ["watch"]},
            {"level": "Metadata", "omitStages": ["Panic"], "omitManagedFields": False},
            {"level": "Request"},
        ],
    }
    answer = AuditPolicyEngine().answer({"policy": policy, "request": {"user": "a", **pods()}})
    assert answer["level"] == "Metadata"
    assert set(answer["omitStages"]) == {"RequestReceived", "Panic"}
    assert answer["omitManagedFields"] is False


@pytest.mark.parametrize(
    "rule",
    [
        {"level": "All"},
        {"level": "None", "resources": [{"group": "*"}]},
        {"level": "None", "resources": [{"resourceNames": ["a"]}]},
        {"level": "None", "nonResourceURLs": ["/a*b"]},
        {"level": "None", "omitStages": ["Never"]},
        {"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["n"]},
    ],
)
def test_a_policy_the_server_would_not_start_with_is_an_error(rule):
    with pytest.raises(InputError):
        AuditPolicyEngine().answer({"policy": {"rules": [rule]}, "request": {"user": "a", **pods()}})
