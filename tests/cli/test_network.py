"""`seawall network` as a user calls it: answers, exit codes, bad input."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner

from seawall.cli.network import network
from support import ROOT
from support.command import seawall

ESTATE = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: batch, namespace: shop, labels: {app: batch}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from:
    - podSelector: {matchLabels: {app: web}}
    ports:
    - {port: 5432}
"""


@pytest.fixture
def run(tmp_path):
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE, encoding="utf-8")

    def call(*arguments):
        texts = [each.replace("ESTATE", str(file)) for each in arguments]
        return CliRunner().invoke(network, texts)

    return call


def test_reach_names_the_rule_with_its_line_and_what_would_stop_it(run):
    done = run("reach", "shop/web", "shop/db", "--port", "5432", "--snapshot", "ESTATE", "-o", "json")
    answer = json.loads(done.output)
    assert (done.exit_code, answer["verdict"]) == (0, "allow")
    ingress = answer["path"][-1]
    assert ingress["by"]["name"] == "db"
    assert ingress["at"].endswith("estate.yaml:23:5")
    assert answer["proposal"]["edits"][0]["policy"]["spec"]["ingress"] == []
    assert answer["proposal"]["others"] == 0


def test_reach_denied_ends_with_1_and_shows_the_rule_to_add(run):
    done = run("reach", "shop/batch", "shop/db", "--port", "5432", "--snapshot", "ESTATE")
    assert done.exit_code == 1
    assert done.output.startswith("deny: shop/batch -> shop/db TCP 5432\n")
    assert "isolates ingress and no rule allows this" in done.output
    assert "app: batch" in done.output


@pytest.mark.parametrize(
    ("end", "verdict"), [("internet", "allow"), ("imds", "allow"), ("203.0.113.9", "allow")]
)
def test_reach_of_addresses(run, end, verdict):
    done = run("reach", "shop/web", end, "--port", "80", "--snapshot", "ESTATE", "--no-edit", "-o", "json")
    assert json.loads(done.output)["verdict"] == verdict


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("reach", "shop/wep", "shop/db", "--snapshot", "ESTATE"), "did you mean 'shop/web'"),
        (("reach", "shop/web", "mcr.microsoft.com", "--snapshot", "ESTATE"), "is a name"),
        (("reach", "shop/web", "shop/db", "--port", "99999", "--snapshot", "ESTATE"), "no port"),
        (("reach", "shop/web", "shop/db", "--port", "ICMP/300", "--snapshot", "ESTATE"), "no port"),
    ],
)
def test_bad_questions_say_what_to_write(run, arguments, words):
    error = run(*arguments).exception
    assert words in f"{error.message} {error.hint}"


def test_matrix_in_its_forms(run):
    lines = run("matrix", "--snapshot", "ESTATE").output.splitlines()
    assert "shop/web[Pod] => shop/db[Pod] : TCP 5432" in lines
    assert not any(line.startswith("shop/batch[Pod] => shop/db[Pod]") for line in lines)
    rows = list(csv.DictReader(io.StringIO(run("matrix", "--snapshot", "ESTATE", "-o", "csv").output)))
    assert {"from": "shop/web[Pod]", "to": "shop/db[Pod]", "ports": "TCP 5432"} in rows
    answer = json.loads(run("matrix", "--snapshot", "ESTATE", "-o", "json").output)
    assert {"from": "shop/web[Pod]", "to": "shop/db[Pod]", "ports": "TCP 5432"} in answer["connections"]


def test_a_policy_that_the_server_refuses_is_said_and_the_answer_is_incomplete(run, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: imds, namespace: shop}\n"
        "spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.10.0.0/0#example}}]}]}\n"
    )
    done = run("matrix", "--snapshot", "ESTATE", "--snapshot", str(bad))
    assert done.exit_code == 4
    assert "must be a valid CIDR value" in done.stderr


LAYER7 = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: http, namespace: NAMESPACE}
spec:
  endpointSelector: {}
  ingress:
  - toPorts: [{ports: [{port: "80"}], rules: {http: [{method: GET}]}}]
"""


@pytest.mark.parametrize(("namespace", "verdict", "code"), [("shop", "unknown", 4), ("other", "allow", 4)])
def test_a_policy_that_is_not_decided_makes_the_answer_unknown_where_it_may_select_an_end(
    run, tmp_path, namespace, verdict, code
):
    place = tmp_path / "layer7.yaml"
    place.write_text(LAYER7.replace("NAMESPACE", namespace))
    asked = (
        "reach",
        "shop/web",
        "shop/db",
        "--port",
        "5432",
        "--snapshot",
        "ESTATE",
        "--snapshot",
        str(place),
    )
    done = run(*asked, "-o", "json")
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["verdict"]) == (code, verdict)
    assert ("proposal" in answer) is (verdict == "allow")
    assert ("rules of layer 7" in answer["path"][-1]["why"]) is (verdict == "unknown")


def test_diff_fails_on_what_opens_and_not_on_what_closes(run, tmp_path):
    narrower = tmp_path / "new.yaml"
    narrower.write_text(ESTATE.replace("port: 5432", "port: 5433"))
    closed = tmp_path / "closed.yaml"
    closed.write_text(ESTATE[: ESTATE.index("  ingress:")])
    done = run("diff", "ESTATE", str(narrower), "--fail-on-widening")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "+ shop/web[Pod] => shop/db[Pod] : TCP 5433",
        "- shop/web[Pod] => shop/db[Pod] : TCP 5432",
        "1 pairs gain, 1 lose",
    ]
    assert run("diff", "ESTATE", str(closed), "--fail-on-widening").exit_code == 0
    assert run("diff", "ESTATE", str(narrower)).exit_code == 0


def test_lint_names_the_place_the_witness_and_the_rule(run):
    done = run("lint", "ESTATE", "--rule", "default-deny-missing")
    assert done.exit_code == 1
    assert (
        "warning: namespace shop has no policy that holds every pod inwards [default-deny-missing]"
        in done.output
    )
    assert json.loads(run("lint", "ESTATE", "--rule", "default-deny-missing", "-o", "json").output)[0][
        "witness"
    ]
    assert run("lint", "ESTATE", "--rule", "default-deny-missing", "--fail-on", "error").exit_code == 0


def test_lint_lists_its_rules_and_refuses_unknown_ones(run):
    listed = json.loads(run("lint", "--list-rules", "-o", "json").output)
    assert len(listed) >= 40
    assert {"id", "severity", "meaning"} == set(listed[0])
    assert "no such rule" in run("lint", "ESTATE", "--rule", "nothing").exception.message


def test_a_refused_policy_is_a_remark_of_the_linter(run, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: imds, namespace: shop}\n"
        "spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.10.0.0/0#example}}]}]}\n"
    )
    done = run("lint", "ESTATE", str(bad), "--rule", "policy-refused")
    assert done.exit_code == 1
    assert "put a space before #" in done.output


CLUSTER = {
    "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks",
    "type": "Microsoft.ContainerService/managedClusters",
    "name": "aks",
    "resourceGroup": "rg",
    "properties": {
        "networkProfile": {"networkPlugin": "azure"},
        "agentPoolProfiles": [
            {"name": "p", "count": 50, "maxPods": 30, "upgradeSettings": {"maxSurge": "1"}}
        ],
    },
}


def test_plan_counts_as_the_documentation_does(run, tmp_path):
    """50 nodes, one for the upgrade, 30 pods each: 1,581 addresses (concepts-network-ip-address-planning.md)."""
    file = tmp_path / "aks.json"
    file.write_text(json.dumps([CLUSTER]))
    answer = json.loads(run("plan", "--snapshot", str(file), "-o", "json").output)
    assert (answer["plans"][0]["needed"], answer["plans"][0]["prefix"]) == (1581, 21)


def test_isolate_metadata_writes_policies_that_close_it(run, tmp_path):
    done = run("isolate-metadata", "--snapshot", "ESTATE", "--engine", "cilium")
    file = tmp_path / "imds.yaml"
    file.write_text(done.stdout)
    asked = ("reach", "shop/web", "imds", "--port", "80", "--no-edit", "--snapshot", "ESTATE")
    assert run(*asked).exit_code == 0
    assert run(*asked, "--snapshot", str(file)).exit_code == 1
    assert run("reach", "shop/web", "shop/db", "--port", "5432", "--no-edit", "--snapshot", "ESTATE",
               "--snapshot", str(file)).exit_code == 0  # fmt: skip


def test_expose_and_synthesize_answer(run, tmp_path):
    assert "(a new pod) may call shop/web[Pod] : all" in run("expose", "--snapshot", "ESTATE").output
    flows = tmp_path / "flows.txt"
    flows.write_text("udp 17 29 src=203.0.113.5 dst=203.0.113.6 sport=9 dport=53\n")
    done = run("synthesize", str(flows), "--snapshot", "ESTATE")
    assert done.exit_code == 0
    assert "between addresses" in done.stderr


@pytest.mark.parametrize("command", ["matrix", "plan", "isolate-metadata", "expose"])
def test_the_estate_is_given_as_arguments_or_by_an_option(command):
    place = str(ROOT / "examples" / "contoso")
    plain = seawall("network", command, place)
    assert plain.stdout
    assert plain.stdout == seawall("network", command, "--snapshot", place).stdout
    nothing = seawall("network", command)
    assert (nothing.returncode, "no PATH is given" in nothing.stderr) == (2, True)
