"""`seawall access` as a user calls it: answers, exit codes, bad input."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from seawall.cli.access import access
from support import ROOT
from support.command import seawall

WORLD = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: blue}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects:
- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}
"""


@pytest.fixture
def run(tmp_path):
    file = tmp_path / "world.yaml"
    file.write_text(WORLD, encoding="utf-8")

    def call(*arguments):
        return CliRunner().invoke(access, [each.replace("WORLD", str(file)) for each in arguments])

    return call


def test_can_names_the_rule_with_its_line(run):
    done = run("can", "get", "secret", "-n", "blue", "--as", "jane", "--snapshot", "WORLD", "-o", "json")
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["allowed"]) == (0, True)
    assert answer["ruleAt"].endswith("world.yaml:6:3")
    assert answer["removal"]["removals"][0]["name"] == "readers"


def test_cannot_is_exit_code_1_and_says_what_would_do(run):
    done = run("can", "get", "secrets", "--as", "jane", "--snapshot", "WORLD")
    assert done.exit_code == 1
    assert "to allow it: a new ClusterRole with one rule" in done.stdout


def test_who_can_shows_the_binding(run):
    done = run("who-can", "get", "secrets", "--snapshot", "WORLD")
    assert "User jane  RoleBinding/blue/readers of ClusterRole/reader" in done.stdout.splitlines()


def test_diff_of_a_world_with_itself_is_empty(run):
    done = run("diff", "WORLD", "WORLD")
    assert (done.exit_code, done.stdout) == (0, "")


def test_roles_shows_the_hidden_grants_of_an_azure_role(run):
    done = run("roles", "--azure", "Azure Kubernetes Service RBAC Reader", "-o", "json")
    opened = {power["id"] for power in json.loads(done.stdout)[0]["opens"]}
    assert {"pod-attach", "pod-log"} <= opened


def test_paths_to_cluster_admin_and_a_target_that_is_none(run):
    assert run("paths", "--to", "cluster-admin", "--snapshot", "WORLD").exit_code == 0
    done = run("paths", "--to", "moon", "--snapshot", "WORLD")
    assert "is no target" in done.exception.message


def test_mining_says_what_could_not_be_read(run, tmp_path):
    log = tmp_path / "audit.log"
    event = {
        "stage": "ResponseComplete",
        "verb": "get",
        "user": {"username": "jane"},
        "requestURI": "/healthz",
    }
    log.write_text(json.dumps(event) + "\nnot json\n", encoding="utf-8")
    done = run("mine", str(log))
    assert done.exit_code == 4
    assert "nonResourceURLs" in done.stdout


@pytest.mark.parametrize(
    ("ranges", "address", "code"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 1),
        (["203.0.113.0/24"], "198.51.100.1", 0),
        (["AzureCloud"], "198.51.100.1", 4),
    ],
)
def test_reach_says_whether_an_address_may_connect(run, tmp_path, ranges, address, code):
    cluster = {
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c",
        "name": "c",
        "type": "Microsoft.ContainerService/managedClusters",
        "properties": {"apiServerAccessProfile": {"authorizedIPRanges": ranges}},
    }
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps(cluster), encoding="utf-8")
    done = run("reach", address, "--snapshot", str(file), "-o", "json")
    assert done.exit_code == code
    assert json.loads(done.stdout)[0]["verdict"] == {0: "deny", 1: "allow", 4: "unknown"}[code]


def test_can_with_azure_names_the_assignment_with_its_line_and_what_it_cannot_see(run, tmp_path):
    cluster = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
    oid = "11111111-1111-1111-1111-111111111111"
    row = {
        "id": f"{cluster}/providers/Microsoft.Authorization/roleAssignments/a",
        "name": "a",
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": "/x/roleDefinitions/7f6c6a51-bcf8-42ba-9220-52d62157d7db",
            "principalId": oid,
            "scope": cluster,
        },
    }
    file = tmp_path / "azure.json"
    file.write_text(json.dumps([row], indent=1), encoding="utf-8")
    arguments = ["--as", "ann", "--oid", oid, "--cluster", cluster, "--snapshot", str(file), "-o", "json"]
    answer = json.loads(run("can", "get", "pods", "-n", "blue", *arguments).stdout)
    assert answer["allowed"] is True
    assert answer["assignmentAt"].endswith("azure.json:2:2")
    assert answer["removal"]["removals"] == [{"kind": "RoleAssignment", "id": row["id"]}]
    assert any("Conditional Access" in each for each in answer["outside"])
    refused = json.loads(run("can", "delete", "pods", "-n", "blue", *arguments).stdout)
    assert refused["azureGrants"][0]["custom"] == ["Microsoft.ContainerService/managedClusters/pods/delete"]


def test_paths_to_a_secret_that_nobody_read_are_not_answered_with_silence():
    place = str(ROOT / "examples" / "contoso")
    done = seawall("access", "paths", "--to", "secret", "shop/none", "--snapshot", place)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no secret shop/none was read" in done.stderr


OPEN = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everybody}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: Group, name: "system:authenticated", apiGroup: rbac.authorization.k8s.io}
"""


def test_paths_start_at_the_groups_of_everybody_and_at_users_that_no_binding_names(tmp_path, run):
    place = tmp_path / "open.yaml"
    place.write_text(OPEN, encoding="utf-8")
    done = run("paths", "--to", "cluster-admin", "--snapshot", str(place), "-o", "json")
    assert [each["from"] for each in json.loads(done.stdout)["paths"]] == ["Group/system:authenticated"]
    for stranger in ("User/new", "ServiceAccount/blue/new"):
        arguments = ("--from", stranger, "--snapshot", str(place), "-o", "json")
        answer = json.loads(run("paths", "--to", "cluster-admin", *arguments).stdout)
        assert [each["kind"] for each in answer["paths"][0]["steps"]] == ["member-of", "all-rights"]


def test_no_path_is_said(run):
    done = run("paths", "--to", "cluster-admin", "--from", "User/jane", "--snapshot", "WORLD")
    assert (done.exit_code, done.stdout[:30]) == (0, "no path leads to cluster-admin")
    done = run("paths", "--to", "cluster-admin", "--from", "ServiceAccount/x", "--snapshot", "WORLD")
    assert done.exit_code != 0


def test_what_had_to_be_left_out_counts_in_the_exit_code_of_every_question(tmp_path, run):
    place = tmp_path / "bad.yaml"
    # A name that YAML 1.1 reads as a boolean: the API server refuses the object, too.
    place.write_text(WORLD + "---\n" + OPEN.replace("everybody", "y"), encoding="utf-8")
    for question in (
        ("can", "get", "secrets", "-n", "blue", "--as", "jane"),
        ("who-can", "get", "secrets"),
        ("roles", "reader"),
        ("paths", "--to", "cluster-admin"),
    ):
        done = run(*question, "--snapshot", str(place))
        assert (done.exit_code, "metadata.name is not a text" in done.stderr) == (4, True), question
    assert run("diff", "WORLD", str(place)).exit_code == 4
