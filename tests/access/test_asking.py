"""who-can, explanations, differences, mining, paths: each answer is checked by the engine that decides."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.access.attributes import Attributes, User
from seawall.access.chain import is_allowed
from seawall.access.diff import differences
from seawall.access.explain import grants, removals
from seawall.access.mine import atom_request, mine, roles_for, uncovered, unused_bindings
from seawall.access.paths import Cut, build_graph, cut, shortest
from seawall.access.paths.graph import ADMIN
from seawall.access.resources import parse_question, person
from seawall.access.who import who_can
from seawall.access.world import build_world
from support import shared

API = "rbac.authorization.k8s.io/v1"


def role(name, verbs, resources, groups=("",), names=(), namespace=None):
    rules = [
        {"verbs": verbs, "resources": resources, "apiGroups": list(groups), "resourceNames": list(names)}
    ]
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": API,
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": metadata,
        "rules": rules,
    }


def bind(name, role_name, subject, namespace=None, kind="ClusterRole"):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": API,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"kind": kind, "name": role_name},
        "subjects": [subject],
    }


def user(name):
    return {"kind": "User", "name": name}


def account(name, namespace):
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


# ---- who can ----


@pytest.mark.parametrize(
    ("file", "verb", "what", "name", "expected"),
    [
        # The query and the subjects that each file names in its comment.
        ("secret-reader", "get", "secrets", "", {"test/test-secret-reader-sa", "test-secret-reader"}),
        (
            "clusterrole-aggregate",
            "create",
            "pod",
            "",
            {"test-aggregate-group", "test/test-aggregate-sa", "test-aggregate-user"},
        ),
        (
            # Its comment asks `get`, which the role does not hold: `create` is what finds them.
            "gatewat-api-operator",
            "create",
            "gateways",
            "",
            {"test/gateway-network-operator-sa", "gateway-network-operator-user"},
        ),
        (
            "pod-creator",
            "create",
            "pods",
            "",
            {"test-pod-creator-group", "test/test-pod-creator-sa", "test-pod-creator-user"},
        ),
        (
            "specific-resource-reader",
            "get",
            "secrets",
            "some-secret",
            {"test/test-specific-secret-reader-sa", "test-specific-secret-reader"},
        ),
        ("impersonator", "impersonate", "serviceaccounts", "", {"test-impersonator-user"}),
    ],
)
def test_who_can_finds_the_subjects_of_the_public_examples(file, verb, what, name, expected):
    text = shared("data", "access", "whocan", f"{file}.yaml").read_text(encoding="utf-8")
    world = build_world(item for item in yaml.safe_load_all(text) if item)
    found = who_can(world, parse_question(verb, what, User(), "", name, list(world.rules())))
    assert expected <= {holder.name for holder in found.holders}


def test_who_can_opens_the_groups_of_service_accounts():
    group = {"kind": "Group", "name": "system:serviceaccounts:blue"}
    objects = [role("r", ["get"], ["secrets"]), bind("b", "r", group)]
    objects += [
        {"kind": "ServiceAccount", "metadata": {"name": "a", "namespace": ns}} for ns in ("blue", "red")
    ]
    found = who_can(build_world(objects), parse_question("get", "secrets", User()))
    members = {holder.name for holder in found.holders if holder.member_of}
    assert members == {"blue/a"}


# ---- explanations ----


def test_the_smallest_grant_is_one_rule_and_works():
    world = build_world([role("broad", ["*"], ["*"], ["*"])])
    asked = parse_question("get", "secrets", person("jane"), "blue", "one")
    best = grants(world, asked)[0]
    assert best.objects[0]["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["get"]}
    ]
    assert is_allowed(build_world([role("broad", ["*"], ["*"], ["*"]), *best.objects]), asked)


def test_the_smallest_removal_names_every_binding_that_allows():
    objects = [
        role("r", ["get"], ["pods"]),
        bind("one", "r", user("jane")),
        bind("two", "r", {"kind": "Group", "name": "dev"}, "blue"),
        bind("other", "r", user("bob")),
    ]
    asked = parse_question("get", "pods", person("jane", ("dev",)), "blue")
    removal = removals(build_world(objects), asked)
    assert {each["name"] for each in removal.removals} == {"one", "two"}
    left = [each for each in objects if each["metadata"]["name"] not in ("one", "two")]
    assert not is_allowed(build_world(left), asked)


def test_masters_cannot_be_stopped_by_taking_bindings_away():
    asked = Attributes(User("root", ("system:masters",)), "get", resource="pods")
    assert removals(build_world([]), asked) is None


# ---- differences ----

words = st.sampled_from(["get", "list", "*"])
resources = st.sampled_from(["pods", "pods/log", "secrets", "*", "*/log", "pods/*"])
worlds = st.lists(
    st.tuples(words, resources, st.sampled_from(["", "apps", "*"]), st.sampled_from([(), ("a",)])), max_size=4
)


def world_of(rules):
    objects = []
    for number, (verb, resource, group, names) in enumerate(rules):
        objects.append(role(f"r{number}", [verb], [resource], [group], names))
        objects.append(bind(f"b{number}", f"r{number}", user("jane")))
    return build_world(objects, defaults=False)


@settings(max_examples=60)
@given(worlds, worlds)
def test_differences_are_none_exactly_where_no_request_tells_the_worlds_apart(first, second):
    old, new = world_of(first), world_of(second)
    found = list(differences(old, new))
    requests = [
        Attributes(User("jane"), verb, "", group, "*", resource, below, name)
        for verb in ("get", "list", "else")
        for group in ("", "apps", "else")
        for resource, below in (
            ("pods", ""),
            ("pods", "log"),
            ("secrets", ""),
            ("else", "log"),
            ("else", "else"),
        )
        for name in ("", "a", "else")
    ]
    gained = any(is_allowed(new, each) and not is_allowed(old, each) for each in requests)
    lost = any(is_allowed(old, each) and not is_allowed(new, each) for each in requests)
    assert ({"gained"} if gained else set()) | ({"lost"} if lost else set()) == {
        each.change for each in found
    }


# ---- mining ----


def event(verb, resource, code=200, stage="ResponseComplete", name="", **more):
    reference = {"resource": resource, "namespace": "blue", "name": name}
    return json.dumps(
        {
            "kind": "Event",
            "stage": stage,
            "verb": verb,
            "user": {"username": "jane"},
            "objectRef": reference,
            "responseStatus": {"code": code},
            **more,
        }
    ).encode()


def test_mining_leaves_out_refused_requests_and_early_stages_but_not_failures():
    lines = [
        event("get", "pods"),
        event("get", "secrets", 403),
        event("list", "configmaps", stage="RequestReceived"),
        event("update", "deployments", 409),
        b"not json",
    ]
    found = mine(lines)
    assert {atom[2] for atom in found.used["jane"]} == {"pods", "deployments"}
    assert (found.denied, found.unreadable) == (1, 1)


def test_mining_reads_the_records_of_aks_with_the_event_as_text():
    record = {"category": "kube-audit", "properties": {"log": event("get", "pods").decode()}}
    assert mine([json.dumps({"records": [record]}).encode()]).used.keys() == {"jane"}


def test_an_impersonation_is_two_users_rights():
    lines = [
        event("get", "pods", impersonatedUser={"username": "bob", "groups": ["dev", "system:authenticated"]})
    ]
    used = mine(lines).used
    assert {atom[2:] for atom in used["jane"]} == {
        ("users", "impersonate", "bob"),
        ("groups", "impersonate", "dev"),
    }
    assert {atom[2] for atom in used["bob"]} == {"pods"}


@pytest.mark.parametrize("names", [False, True])
def test_mined_roles_cover_what_was_used_and_nothing_of_another_kind(names):
    log = shared("data", "access", "audit", "audit2rbac-demo.log").read_bytes().splitlines()
    found = mine(log, names=names)
    assert found.counted
    for name, used in found.used.items():
        made = roles_for(name, used)
        assert uncovered(name, used, made) == []
        objects = [each for pair in made for each in pair]
        assert all("*" not in rule.verbs for each in objects[::2] for rule in each.rules)
        world = build_world([], defaults=False)
        assert not any(is_allowed(world, atom_request(User(name), atom)) for atom in used)


def test_unused_bindings_are_unknowable_without_reads():
    world = build_world([role("r", ["get"], ["pods"]), bind("b", "r", user("jane"))], defaults=False)
    assert unused_bindings(world, mine([event("create", "pods")])) is None
    assert unused_bindings(world, mine([event("get", "pods")])) == ("ClusterRoleBinding/b",)
    reason = {
        "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "jane"'
    }
    assert unused_bindings(world, mine([event("get", "pods", annotations=reason)])) == ()


# ---- paths ----


def way(objects, source, goal=ADMIN):
    steps = shortest(build_graph(build_world(objects, defaults=False)), source, goal)
    return None if steps is None else [edge.kind for _, edge in steps]


JANE = ("User", "jane")
USERS = {
    "kind": "List",
    "items": [role("u", ["impersonate"], ["users"]), bind("also", "u", user("jane"))],
}


@pytest.mark.parametrize(
    ("granted", "kinds"),
    [
        ([role("r", ["*"], ["*"], ["*"])], ["all-rights"]),
        (
            [role("r", ["create", "bind"], ["clusterroles", "clusterrolebindings"], [API[:-3]])],
            ["bind-cluster-role"],
        ),
        ([role("r", ["escalate", "patch"], ["clusterroles"], [API[:-3]])], ["escalate-cluster-role"]),
        ([role("r", ["impersonate"], ["users", "groups"])], ["impersonate-group"]),
        (
            [role("r", ["impersonate"], ["groups"], names=["system:masters"]), USERS],
            ["impersonate-named-group", "masters"],
        ),
        ([role("r", ["escalate", "create"], ["clusterroles"], [API[:-3]])], None),
        ([role("r", ["bind"], ["clusterroles"], [API[:-3]])], None),
        ([role("r", ["impersonate"], ["groups"])], None),
        ([role("r", ["patch"], ["mutatingwebhookconfigurations"], ["*"])], ["webhook-mutating"]),
    ],
)
def test_rights_that_lead_to_cluster_admin(granted, kinds):
    assert way([*granted, bind("b", "r", user("jane"))], JANE) == kinds


def test_a_path_through_a_pod_its_account_and_a_token():
    objects = [
        role("exec", ["create"], ["pods/exec"]),
        bind("b", "exec", user("jane"), "blue"),
        role("all", ["*"], ["*"], ["*"]),
        bind("c", "all", account("robot", "blue")),
        {
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "blue"},
            "spec": {"serviceAccountName": "robot", "containers": [{"name": "c"}]},
        },
    ]
    assert way(objects, JANE) == ["pod-exec", "enters-pod", "pod-container", "runs-as", "all-rights"]
    graph = build_graph(build_world(objects, defaults=False))
    assert len(cut(graph, [JANE], ADMIN).bindings) == 1


def test_a_secret_named_in_a_rule_is_reached_and_no_other():
    secrets = [{"kind": "Secret", "metadata": {"name": name, "namespace": "blue"}} for name in ("one", "two")]
    objects = [role("r", ["get"], ["secrets"], names=["one"]), bind("b", "r", user("jane"), "blue"), *secrets]
    assert way(objects, JANE, ("secret", "blue/one")) == ["secret-get"]
    assert way(objects, JANE, ("secret", "blue/two")) is None


def test_the_cut_is_the_one_binding_that_all_paths_share():
    objects = [role("run", ["create"], ["pods"]), role("all", ["*"], ["*"], ["*"])]
    objects += [bind(f"b{n}", "run", user(f"u{n}"), "blue") for n in range(5)]
    objects.append(bind("danger", "all", account("robot", "blue")))
    objects.append({"kind": "Namespace", "metadata": {"name": "blue"}})
    graph = build_graph(build_world(objects, defaults=False))
    starts = [("User", f"u{n}") for n in range(5)]
    assert cut(graph, starts, ADMIN) == Cut(("ClusterRoleBinding//danger",), exact=True)


@pytest.mark.parametrize(
    ("verbs", "resource", "group", "name", "shown"),
    [
        (["impersonate"], "users", "", "jane", "impersonators"),
        (["impersonate"], "users", "", "nobody", None),
        (["bind"], "clusterroles", "rbac.authorization.k8s.io", "reader", "escalators"),
        (["bind"], "clusterroles", "rbac.authorization.k8s.io", "other", None),
        (["escalate"], "*", "*", "reader", "escalators"),
    ],
)
def test_a_right_for_one_name_counts_where_the_name_does(verbs, resource, group, name, shown):
    objects = [
        role("reader", ["get"], ["pods"]),
        bind("a", "reader", user("jane")),
        role("side", verbs, [resource], [group], names=[name]),
        bind("b", "side", user("eve")),
    ]
    world = build_world(objects, defaults=False)
    found = who_can(world, Attributes(User(), "get", "", "", "v1", "pods"))
    for part in ("impersonators", "escalators"):
        assert ("eve" in {each.name for each in getattr(found, part)}) == (part == shown)
