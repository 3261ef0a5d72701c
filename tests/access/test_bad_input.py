"""Lines of the wrong shape are answered with an error that says what is wrong, never with a bug's words."""

from __future__ import annotations

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.access.decide import AccessEngine, AuditPolicyEngine, DataActionEngine
from seawall.access.structured import read_authentication
from seawall.access.tokens import authenticate
from seawall.access.tokens.jose import read_keys
from seawall.cli.decide import answer_line
from seawall.core.errors import InputError
from support.issuer import SigningKey

API = "rbac.authorization.k8s.io/v1"
ROLE = {
    "apiVersion": API,
    "kind": "ClusterRole",
    "metadata": {"name": "r", "labels": {"a": "b"}},
    "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}, "matchExpressions": []}]},
    "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
}
BINDING = {
    "apiVersion": API,
    "kind": "RoleBinding",
    "metadata": {"name": "b", "namespace": "n"},
    "roleRef": {"kind": "ClusterRole", "name": "r"},
    "subjects": [{"kind": "User", "name": "jane"}],
}
POD = {
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "n"},
    "spec": {"nodeName": "n1", "containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}]},
}
LINES = [
    {"objects": [ROLE, BINDING, POD]},
    {"spec": {"user": "system:node:n1", "groups": ["system:nodes"], "resourceAttributes": {"verb": "get"}}},
    {"write": ROLE, "operation": "update", "user": {"username": "jane", "groups": ["system:masters"]}},
    {"write": BINDING, "operation": "create", "user": {"username": "jane", "groups": []}},
    {"request": {"method": "GET", "path": "/api/v1/pods?limit=1", "headers": [["Impersonate-User", "bob"]]}},
    {"policy": {"rules": [{"level": "None", "resources": [{"group": ""}]}]}, "request": {"user": "a"}},
    {"operations": [{"id": "x", "group": "", "resource": "pods", "verb": "read"}]},
]
JUNK = [None, 1, 1e300, "", [], {}, [None], {"a": None}, True, "*", "%zz", "/../.."]


def places(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from places(each, (*path, key))


@settings(max_examples=300)
@given(st.data())
def test_no_line_is_an_internal_error(data):
    line = copy.deepcopy(data.draw(st.sampled_from(LINES)))
    path = data.draw(st.sampled_from(list(places(line))))
    holder = line
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(st.sampled_from(JUNK))
    for engine in (AccessEngine(), AuditPolicyEngine(), DataActionEngine()):
        answer, _ = answer_line(engine, json.dumps(line).encode())
        assert not isinstance(answer.get("error"), dict) or answer["error"]["code"] != "internal", answer


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"spec": {}}, "at least one of user or group must be specified"),
        ({"spec": {"user": "a"}}, "exactly one of"),
        ({"write": {"kind": "Pod"}, "user": {}}, "no Role"),
        ({"request": {"path": "pods"}}, "is no path"),
        ({}, "no access question"),
    ],
)
def test_what_is_wrong_is_said(line, text):
    answer, bad = answer_line(AccessEngine(), json.dumps(line).encode())
    assert bad
    assert text in answer["error"]["message"]


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    "line",
    [
        lambda deep: {"write": {"kind": "Role", "metadata": {"name": "n", "annotations": deep}}, "user": {"username": "a"}},
        lambda deep: {"configuration": {"kind": "AuthenticationConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "jwt": [deep]}},
        lambda deep: {"spec": deep},
        lambda deep: {"request": deep},
    ],
)  # fmt: skip
def test_deep_lines_end_in_an_error_of_their_own(line):
    engine = AccessEngine()
    answer = None
    with contextlib.suppress(InputError):
        answer = engine.answer(line(nested(600)))
    assert answer is None or answer.get("valid") is False or answer.get("verdict") == "deny"


def test_deep_claims_prove_nobody():
    key = SigningKey("one", "ES256")
    configuration = read_authentication(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "jwt": [
                {
                    "issuer": {"url": "https://i", "audiences": ["c"]},
                    "claimMappings": {"username": {"expression": "claims.sub"}},
                }
            ],
        }
    )
    for depth in (100, 300, 400, 450, 480, 5_000):
        deep = b'{"a":[' * depth + b"1" + b"]}" * depth
        token = key.sign(b'{"iss":"https://i","aud":"c","exp":9,"sub":"ann","deep":' + deep + b"}")
        found = authenticate(configuration, token, {"https://i": read_keys({"keys": [key.jwk()]})}, 5.0)
        assert found.user is not None or found.error
        assert (found.user is not None) == (depth == 100) or depth == 300
