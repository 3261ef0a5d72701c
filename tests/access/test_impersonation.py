"""Constrained impersonation (KEP-5284; specs b3, b10): both rights, the modes in order, what is refused outright."""

from __future__ import annotations

import pytest

from seawall.access.decide import AccessEngine

API = "rbac.authorization.k8s.io/v1"
AUTH = "authentication.k8s.io"


def rule(verbs, resources, groups=("",), names=()):
    return {"verbs": verbs, "resources": resources, "apiGroups": list(groups), "resourceNames": list(names)}


ON_PODS = {
    mode: rule([f"impersonate-on:{mode}:list"], ["pods"])
    for mode in ("user-info", "serviceaccount", "arbitrary-node", "associated-node")
}


def ask(rules, headers, user="jane", extra=None, gate=True):
    world = [
        {"apiVersion": API, "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": rules},
        {
            "apiVersion": API,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "User", "name": user}],
        },
    ]
    engine = AccessEngine()
    engine.load({"objects": world, "featureGates": {"ConstrainedImpersonation": gate}})
    identity = {"username": user, "groups": ["system:authenticated"], "extra": extra or {}}
    request = {"method": "GET", "path": "/api/v1/pods", "headers": headers, "user": identity}
    return engine.answer({"request": request})


def test_both_rights_are_needed():
    user = rule(["impersonate:user-info"], ["users"], [AUTH])
    bob = [["Impersonate-User", "bob"]]
    assert ask([user, ON_PODS["user-info"]], bob)["constraint"] == "impersonate:user-info"
    # What is told is the refusal of the first mode that applied, which asks for the real target first.
    refused = ask([user], bob)
    assert refused["code"] == 403
    assert 'cannot impersonate-on:user-info:list resource "pods"' in refused["message"]
    refused = ask([ON_PODS["user-info"]], bob)
    assert 'cannot impersonate:user-info resource "users"' in refused["message"]


def test_the_legacy_verb_goes_on_working_without_a_constraint():
    answer = ask([rule(["impersonate"], ["users"])], [["Impersonate-User", "bob"]])
    assert "constraint" not in answer
    assert answer["spec"]["user"] == "bob"
    assert answer["spec"]["groups"] == ["system:authenticated"]


def test_a_node_gets_its_fixed_groups():
    rules = [rule(["impersonate:arbitrary-node"], ["nodes"], [AUTH]), ON_PODS["arbitrary-node"]]
    answer = ask(rules, [["Impersonate-User", "system:node:n1"]])
    assert answer["constraint"] == "impersonate:arbitrary-node"
    assert answer["spec"]["groups"] == ["system:nodes", "system:authenticated"]


def test_an_associated_node_is_checked_for_every_name():
    account = "system:serviceaccount:blue:agent"
    extra = {"authentication.kubernetes.io/node-name": ["n1"]}
    rules = [rule(["impersonate:associated-node"], ["nodes"], [AUTH]), ON_PODS["associated-node"]]
    header = [["Impersonate-User", "system:node:n1"]]
    assert ask(rules, header, account, extra)["constraint"] == "impersonate:associated-node"
    named = [rule(["impersonate:associated-node"], ["nodes"], [AUTH], ["n1"]), ON_PODS["associated-node"]]
    assert ask(named, header, account, extra)["code"] == 403
    other = [["Impersonate-User", "system:node:n2"]]
    assert ask(rules, other, account, extra)["code"] == 403


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([["Impersonate-Group", "system:masters"]], "impersonating the system:masters group is not allowed"),
        ([["Impersonate-Group", ""]], "impersonating the empty string group is not allowed"),
        ([["Impersonate-Extra-Scopes", "x"]], "must be a domain-prefixed path"),
        (
            [["Impersonate-Extra-Example.com%2fscopes", ""]],
            "impersonating the empty string value in extra is not allowed",
        ),
    ],
)
def test_what_no_right_allows(headers, text):
    rules = [rule(["impersonate:user-info"], ["*"], [AUTH]), ON_PODS["user-info"]]
    answer = ask(rules, [["Impersonate-User", "bob"], *headers])
    assert answer["code"] == 403
    assert text in answer["message"]


@pytest.mark.parametrize(("gate", "code"), [(True, 400), (False, 500)])
def test_headers_without_a_user(gate, code):
    answer = ask([], [["Impersonate-Group", "a"]], gate=gate)
    assert answer["code"] == code
    expected = (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string(nil)} '
        "without impersonating a user name"
        if gate
        else 'Internal Server Error: "/api/v1/pods": requested [{Group  a    }] without impersonating a user'
    )
    assert answer["message"] == expected


def test_a_refusal_tells_the_first_mode_and_shows_the_last_check():
    """Every mode was tried; the legacy verb was the last question (apiserver 1.35: getImpersonatedUser)."""
    engine = AccessEngine()
    engine.load({"objects": [], "featureGates": {"ConstrainedImpersonation": True}})
    request = {
        "method": "GET",
        "path": "/api/v1/pods",
        "headers": [["Impersonate-User", "bob"]],
        "user": {"username": "ann", "groups": ["system:authenticated"]},
    }
    answer = engine.answer({"request": request})
    assert "cannot impersonate-on:user-info:list resource" in answer["message"]
    assert answer["spec"]["resourceAttributes"] == {
        "verb": "impersonate",
        "version": "v1",
        "resource": "users",
        "name": "bob",
    }
