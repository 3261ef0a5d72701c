"""RBAC's own examples (specs/access.md b1, each checked live or in kubernetes' evaluation_helpers.go)."""

from __future__ import annotations

import pytest

from seawall.access.attributes import Attributes, User
from seawall.access.chain import authorize, is_allowed
from seawall.access.world import build_world

API = "rbac.authorization.k8s.io/v1"
JANE = User("jane", ("dev",))


def role(name, *rules, namespace=None, **more):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | more.pop("metadata", {})
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "rules": list(rules), **more}


def bind(name, role_name, *subjects, namespace=None, kind="ClusterRole"):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": API,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": API.partition("/")[0], "kind": kind, "name": role_name},
        "subjects": list(subjects) or [{"kind": "User", "name": "jane"}],
    }


def rule(verbs, resources, groups=("",), names=()):
    return {
        "verbs": list(verbs),
        "apiGroups": list(groups),
        "resources": list(resources),
        "resourceNames": list(names),
    }


def ask(verb, resource, name="", namespace="", group="", user=JANE):
    plain, _, below = resource.partition("/")
    return Attributes(user, verb, namespace, group, "v1", plain, below, name)


def allowed(rules, asked):
    return is_allowed(build_world([role("r", *rules), bind("b", "r")], defaults=False), asked)


@pytest.mark.parametrize(
    ("granted", "asked", "expected"),
    [
        (rule(["get"], ["pods"]), ask("get", "pods"), True),
        (rule(["get"], ["pods"]), ask("get", "pods/log"), False),
        (rule(["get"], ["pods/*"]), ask("get", "pods/log"), False),
        (rule(["get"], ["pods/*"]), ask("get", "pods"), False),
        (rule(["get"], ["*/log"]), ask("get", "pods/log"), True),
        (rule(["get"], ["*/log"]), ask("get", "pods"), False),
        (rule(["get"], ["*"]), ask("get", "pods/log"), True),
        (rule(["*"], ["pods"]), ask("anything", "pods"), True),
        (rule(["GET"], ["pods"]), ask("get", "pods"), False),
        (rule(["get"], ["pods"], ["*"]), ask("get", "pods", group="metrics.k8s.io"), True),
        (rule(["get"], ["pods"], ["apps"]), ask("get", "pods"), False),
        (rule(["get"], ["pods"], names=["a"]), ask("get", "pods", "a"), True),
        (rule(["get"], ["pods"], names=["a"]), ask("get", "pods", "b"), False),
        (rule(["list"], ["pods"], names=["a"]), ask("list", "pods"), False),
        (rule(["list"], ["pods"], names=["a"]), ask("list", "pods", "a"), True),
        (
            rule(["create"], ["serviceaccounts/token"], names=["a"]),
            ask("create", "serviceaccounts/token", "a"),
            True,
        ),
    ],
)
def test_a_resource_rule(granted, asked, expected):
    assert allowed([granted], asked) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*", "/anything", True),
        ("/foo", "/foo", True),
        ("/foo*", "/foobar", True),
        ("/foo**", "/foo", True),
        ("/foo/*", "/foo", False),
        ("/foo*bar", "/fooxbar", False),
        ("/foo*bar", "/foo*bar", True),
        ("/foo", "/foo/", False),
    ],
)
def test_a_url_rule(pattern, path, expected):
    granted = {"verbs": ["get"], "nonResourceURLs": [pattern]}
    assert allowed([granted], Attributes(JANE, "get", path=path, is_resource=False)) is expected


def test_urls_come_from_cluster_bindings_only():
    granted = {"verbs": ["get"], "nonResourceURLs": ["*"]}
    world = build_world([role("r", granted), bind("b", "r", namespace="n")], defaults=False)
    assert not is_allowed(world, Attributes(JANE, "get", path="/x", is_resource=False))


def test_a_role_binding_gives_a_cluster_role_in_its_namespace_only():
    world = build_world([role("r", rule(["get"], ["pods"])), bind("b", "r", namespace="n")], defaults=False)
    assert is_allowed(world, ask("get", "pods", namespace="n"))
    assert not is_allowed(world, ask("get", "pods", namespace="m"))
    assert not is_allowed(world, ask("get", "pods"))


@pytest.mark.parametrize(
    ("subject", "namespace", "user", "expected"),
    [
        ({"kind": "ServiceAccount", "name": "a"}, "n", "system:serviceaccount:n:a", True),
        ({"kind": "ServiceAccount", "name": "a"}, None, "system:serviceaccount::a", False),
        ({"kind": "ServiceAccount", "name": "a", "namespace": "m"}, "n", "system:serviceaccount:m:a", True),
        ({"kind": "User", "name": "system:serviceaccount:n:a"}, None, "system:serviceaccount:n:a", True),
        ({"kind": "User", "name": "*"}, None, "jane", False),
        ({"kind": "User", "name": "jane", "apiGroup": "wrong"}, None, "jane", True),
        ({"kind": "Robot", "name": "jane"}, None, "jane", False),
    ],
)
def test_a_subject(subject, namespace, user, expected):
    world = build_world([role("r", rule(["get"], ["pods"])), bind("b", "r", subject, namespace=namespace)])
    assert is_allowed(world, ask("get", "pods", namespace=namespace or "", user=User(user))) is expected


def test_a_missing_role_is_an_error_that_joins_the_refusal_and_stops_nothing():
    objects = [bind("a", "absent"), role("r", rule(["get"], ["pods"])), bind("b", "r")]
    world = build_world(objects, defaults=False)
    assert authorize(world, ask("get", "pods")).allowed
    refused = authorize(world, ask("list", "pods"))
    assert refused.reason == 'RBAC: clusterrole.rbac.authorization.k8s.io "absent" not found'


def test_masters_pass_with_an_empty_reason():
    decision = authorize(build_world([], defaults=False), ask("x", "y", user=User("a", ("system:masters",))))
    assert (decision.allowed, decision.reason) == (True, "")


def test_aggregation_reaches_its_fixpoint_through_cycles():
    def aggregated(name, label, *selected):
        selectors = [{"matchLabels": {each: "yes"}} for each in selected]
        return role(
            name, metadata={"labels": {label: "yes"}}, aggregationRule={"clusterRoleSelectors": selectors}
        )

    leaf = role("leaf", rule(["get"], ["pods"]), metadata={"labels": {"leaf": "yes"}})
    objects = [aggregated("a", "in-b", "in-a"), aggregated("b", "in-a", "in-b", "leaf"), leaf, bind("b", "a")]
    assert is_allowed(build_world(objects, defaults=False), ask("get", "pods"))


def test_the_defaults_are_added_unless_the_world_is_a_dump_that_holds_its_own():
    health = Attributes(User("a", ("system:authenticated",)), "get", path="/healthz", is_resource=False)
    assert is_allowed(build_world([]), health)
    marked = role("x", metadata={"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}})
    assert not is_allowed(build_world([marked]), health)


def test_an_object_of_the_wrong_shape_is_named_and_the_rest_decided():
    broken = {"apiVersion": API, "kind": "ClusterRole", "metadata": {"name": "x"}, "rules": "all"}
    world = build_world([broken, role("r", rule(["get"], ["pods"])), bind("b", "r")])
    assert [(each.name, each.reason) for each in world.problems] == [("x", "rules is not a list of objects")]
    assert is_allowed(world, ask("get", "pods"))


def test_a_rule_of_a_hundred_million_pairs_is_walked_and_not_multiplied_out():
    many = [f"r{number}" for number in range(10_000)]
    world = build_world([role("r", rule(["get"], many, many)), bind("b", "r")])
    assert is_allowed(world, ask("get", "r7", group="r8"))
    assert not is_allowed(world, ask("get", "r7", group="other"))
