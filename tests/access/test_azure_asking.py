"""Azure in the answers: what would stop an allowance, what would allow, who can, custom roles from audit logs."""

from __future__ import annotations

import json

import msgspec
import pytest

from seawall.access import build_world, review_attributes
from seawall.access.azure.cluster import AzureCluster, authorize_cluster
from seawall.access.azure.directory import Directory
from seawall.access.azure.explain import azure_grants, azure_removals, without
from seawall.access.azure.roles import Assignment, AzureAccess, Permission, RoleDefinition, ancestors_of
from seawall.access.explain import removals
from seawall.access.mine import azure_role, azure_uncovered, mine
from seawall.access.opened import data_powers
from seawall.access.who import who_can

CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c"
CS = "Microsoft.ContainerService/managedClusters"
OID, TEAM = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
READER, WRITER, ADMIN = (
    "7f6c6a51-bcf8-42ba-9220-52d62157d7db",
    "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb",
    "3498e952-d568-435e-9b2c-8d77e338d7f7",
)


def cluster(*assignments, definitions=(), directory=None):
    return AzureCluster(CLUSTER, AzureAccess(definitions, assignments), directory=directory or Directory())


def asked(verb="get", resource="pods", namespace="blue", group="", groups=()):
    attributes = {"verb": verb, "resource": resource, "namespace": namespace, "group": group}
    return review_attributes(
        {"user": "ann", "groups": list(groups), "extra": {"oid": [OID]}, "resourceAttributes": attributes}
    )


def test_every_assignment_that_allows_must_go_and_no_other():
    held = cluster(
        Assignment("a", READER, OID, CLUSTER),
        Assignment("b", WRITER, TEAM, f"{CLUSTER}/namespaces/blue"),
        Assignment("c", WRITER, OID, f"{CLUSTER}/namespaces/red"),
    )
    question = asked(groups=[TEAM])
    gone = azure_removals(held, question)
    assert gone == ("a", "b")
    assert without(held, frozenset(gone)).authorize(question).decision == "deny"
    assert azure_removals(held, asked("delete", groups=[TEAM])) == ("b",)


def test_both_models_must_lose_what_each_allows():
    rbac = "rbac.authorization.k8s.io"
    world = build_world(
        [
            {
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "viewers"},
                "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "view"},
                "subjects": [{"kind": "User", "name": "ann"}],
            }
        ]
    )
    azure = cluster(Assignment("a", READER, OID, CLUSTER))
    change = removals(world, asked(), azure)
    assert change.size == 2
    assert {each["kind"] for each in change.removals} == {"ClusterRoleBinding", "RoleAssignment"}
    assert removals(world, asked(), None).size == 1


def test_what_every_entra_user_may_cannot_be_taken_away():
    discovery = review_attributes(
        {"user": "ann", "extra": {"oid": [OID]}, "nonResourceAttributes": {"verb": "get", "path": "/api"}}
    )
    assert azure_removals(cluster(), discovery) is None


def test_grants_come_from_the_smallest_on_and_each_was_tried():
    found = azure_grants(cluster(), asked("get", "secrets"))
    assert found[0].custom == (f"{CS}/secrets/read",)
    assert [each.size for each in found] == sorted(each.size for each in found)
    assert all(each.scope == f"{CLUSTER}/namespaces/blue" for each in found)
    assert "Azure Kubernetes Service RBAC Reader" not in {each.role for each in found}
    assert azure_grants(cluster(Assignment("a", WRITER, OID, CLUSTER)), asked("get", "secrets")) == []


def test_who_can_with_groups_and_namespaces():
    held = cluster(
        Assignment("a", READER, TEAM, f"{CLUSTER}/namespaces/blue"),
        directory=Directory([(TEAM, [OID])]),
    )
    question = msgspec.structs.replace(asked(namespace=""))
    found = {
        (each.name, each.member_of)
        for each in who_can(build_world([]), question, held).holders
        if each.by == "azure"
    }
    assert found == {(TEAM, ""), (OID, TEAM)}
    elsewhere = asked(namespace="red")
    assert not any(each.by == "azure" for each in who_can(build_world([]), elsewhere, held).holders)


def event(verb, resource, namespace="blue", **more):
    reference = {"resource": resource, "namespace": namespace} | more
    return json.dumps(
        {
            "stage": "ResponseComplete",
            "verb": verb,
            "user": {"username": "ann", "groups": [], "extra": {"oid": [OID]}},
            "objectRef": reference,
            "responseStatus": {"code": 200},
            "annotations": {"authorization.k8s.io/decision": "allow"},
        }
    ).encode()


@pytest.mark.parametrize("namespace", ["blue", ""])
def test_a_custom_role_covers_what_was_used_by_the_engines_word(namespace):
    lines = [
        event("list", "pods", namespace),
        event("get", "pods", namespace, subresource="log"),
        event("update", "deployments", namespace, apiGroup="apps"),
        json.dumps(
            {
                "stage": "ResponseComplete",
                "verb": "get",
                "requestURI": "/api?timeout=3s",
                "user": {"username": "ann", "extra": {"oid": [OID]}},
            }
        ).encode(),
    ]
    found = mine(lines)
    user, used = found.extra["ann"], found.used["ann"]
    role = azure_role("mined", user, used, cluster())
    assert role["DataActions"] == [f"{CS}/apps/deployments/write", f"{CS}/pods/read"]
    assert azure_uncovered(user, used, role, cluster()) == []
    less = role | {"DataActions": role["DataActions"][1:]}
    assert [atom[2] for atom in azure_uncovered(user, used, less, cluster())] == ["deployments"]


def test_a_role_opens_more_than_its_words():
    """pods/read is asked for `get pods/log`, `pods/proxy` and `pods/attach` too (specs b7)."""
    definition = RoleDefinition("r", "r", (Permission(data_actions=(f"{CS}/pods/read",)),))
    assert {"pod-log", "pod-proxy", "pod-attach"} <= {each["id"] for each in data_powers(definition)}


@pytest.mark.parametrize(
    ("request_", "reader", "writer", "admin"),
    [
        (("get", "pods/log"), True, True, True),
        (("get", "pods/proxy"), True, True, True),
        (("get", "services/proxy"), True, True, True),
        (("get", "pods/portforward"), True, True, True),
        (("get", "pods/attach"), True, True, True),
        (("create", "serviceaccounts/token"), False, True, True),
        (("impersonate", "serviceaccounts"), False, True, True),
        (("patch", "pods/ephemeralcontainers"), False, True, True),
        (("get", "nodes/proxy"), False, False, True),
        (("create", "nodes/proxy"), False, False, True),
        (("impersonate", "users"), False, False, True),
        (("impersonate", "groups"), False, False, True),
        (("impersonate", "userextras/oid", "authentication.k8s.io"), False, False, True),
        (("escalate", "clusterroles", "rbac.authorization.k8s.io"), False, False, True),
        (("bind", "clusterroles", "rbac.authorization.k8s.io"), False, False, True),
        (("update", "certificatesigningrequests/approval", "certificates.k8s.io"), False, False, True),
        (("create", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"), False, False, True),
        (("create", "clusterrolebindings", "rbac.authorization.k8s.io"), False, False, True),
        (("create", "resourcequotas"), False, False, False),
        (("update", "namespaces"), False, False, False),
    ],
)
def test_the_table_of_hidden_grants(request_, reader, writer, admin):
    """specs b7, row by row, by the engine and the built-in roles."""
    verb, resource, *group = request_
    plain, _, below = resource.partition("/")
    attributes = {"verb": verb, "resource": plain, "subresource": below, "group": group[0] if group else ""}
    spec = {"user": "ann", "extra": {"oid": [OID]}, "resourceAttributes": attributes}
    world = build_world([])
    for role, expected in ((READER, reader), (WRITER, writer), (ADMIN, admin)):
        held = cluster(Assignment("a", role, OID, CLUSTER))
        assert authorize_cluster(world, held, review_attributes(spec)).allowed == expected, role


def test_a_management_group_counts_where_its_chain_is_known():
    top = "/providers/Microsoft.Management/managementGroups/top"
    subscription = {
        "id": "/subscriptions/s",
        "type": "microsoft.resources/subscriptions",
        "properties": {"managementGroupAncestorsChain": [{"name": "Platform"}, {"name": "Top"}]},
    }
    assert ancestors_of([], CLUSTER) is None
    assert ancestors_of([subscription | {"id": "/subscriptions/t"}], CLUSTER) is None
    chain = ancestors_of([subscription], CLUSTER)
    held = [Assignment("a", READER, OID, top)]
    for ancestors, decision in ((chain, "allow"), (None, "unknown"), (frozenset(), "deny")):
        azure = AzureCluster(CLUSTER, AzureAccess([], held, [], ancestors))
        assert azure.authorize(asked()).decision == decision
