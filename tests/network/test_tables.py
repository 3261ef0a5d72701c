"""The table `reach`: what each class may send where."""

from __future__ import annotations

from seawall.network.tables import COLUMNS, rows_of
from seawall.snapshot import KubernetesObject, Origin

NAMES = [line.split()[0] for line in COLUMNS.strip().splitlines()]


def rows(*objects):
    items = [KubernetesObject(raw, Origin("f")) for raw in objects]
    return [dict(zip(NAMES, row, strict=True)) for row in rows_of(items)]


def pod(name, **labels):
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": labels}}


SPACE = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "a"}}
DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "a"},
    "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress", "Egress"]},
}


def test_open_pods_are_one_row_for_each_kind_of_what_they_reach():
    found = rows(pod("x"), pod("y"))
    reached = {(row["fromKind"], row["toKind"], row["target"]): row for row in found}
    assert reached["workload", "workload", ""]["from"] == ["a/x[Pod]", "a/y[Pod]"]
    assert reached["workload", "external", "imds"]["to"] == ["169.254.169.254[External]"]
    assert reached["workload", "external", "wireserver"]["tcp"] == [[1, 65_535]]
    assert reached["external", "workload", ""]["ports"] == "all"


def test_a_pod_that_may_say_nothing_has_no_row_of_its_own():
    found = rows(pod("x", app="db"), DENY)
    assert found == []


def test_a_namespace_counts_where_a_new_pod_would_be_open():
    found = rows(SPACE, pod("x", app="db"), DENY)
    assert {tuple(row["fromNamespaces"]) for row in found if row["target"] == "imds"} == {("a",)}
    assert {tuple(row["from"]) for row in found if row["target"] == "imds"} == {()}


def test_nothing_to_ask_about_is_no_row():
    assert rows(DENY) == []
