"""The linter finds the real bugs of public queries (specs/posture.md A2) and stays silent on sound ones."""

from __future__ import annotations

import msgspec
import pytest

from seawall.kql.lint import lint, rule_ids
from support import shared

SOUND = """
resources
| where type =~ 'Microsoft.ContainerService/managedClusters'
| mv-expand pool = properties.agentPoolProfiles
| where pool.enableAutoScaling != true and pool.osSKU in~ ('AzureLinux', 'Ubuntu')
| project id, pool = tostring(pool.name)
"""


def clusters(line):
    return f"resources\n| where type == 'microsoft.containerservice/managedclusters'\n{line}"


def rules(text):
    return [remark.rule for remark in lint(text)]


@pytest.fixture(scope="module")
def remarks():
    lines = shared("data", "posture", "arg_queries.jsonl").read_bytes().splitlines()
    queries = [msgspec.json.decode(line) for line in lines]
    return {query["path"].rsplit("/", 1)[1]: lint(query["kql"]) for query in queries}


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("dcaf8128-94bd-4d53-9235-3a0371df6b74.kql", "empty-bool"),
        ("5f3cbd68-692a-4121-988c-9770914859a9.kql", "property-case"),
        ("902c82ff-4910-4b61-942d-0d6ef7f39b67.kql", "first-pool-only"),
        ("aks-003.kql", "first-pool-only"),
        ("ca324d71-54b0-4a3e-b9e4-10e767daa9fc.kql", "shown-not-decided"),
    ],
)
def test_the_known_bugs_of_public_queries_are_found(remarks, query, rule):
    assert rule in {remark.rule for remark in remarks[query]}


def test_few_other_public_queries_are_reproached(remarks):
    assert sum(bool(found) for found in remarks.values()) <= 8


def test_a_sound_query_is_not_reproached():
    assert lint(SOUND) == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("| where properties.enableRbac == true", "property-case"),
        ("| where properties.enableRback == true", "unknown-property"),
        ("| where properties.networkProfile.networkPlugin == 'calico'", "enum-value"),
        ("| where isempty(properties.disableLocalAccounts)", "empty-bool"),
        ("| where properties.agentPoolProfiles[0].enableFIPS == true", "first-pool-only"),
        ("| where properties.disableLocalAccounts == false", "absent-is-not-false"),
        ("| extend x = tostring(properties.fqdn) | where isnull(x)", "text-of-bool"),
        ("| where type == 'microsoft.network/x'", "dead-branch"),
        ("| mv-expand p = properties.agentPoolProfiles | where p.count > 1 | project id", "pool-rows"),
    ],
)
def test_each_rule_finds_its_fault(line, rule):
    assert rule in rules(clusters(line))
    assert rule in rule_ids()


def test_type_with_capitals_never_equals():
    found = lint("resources | where type == 'Microsoft.ContainerService/managedClusters' | project id")
    assert [remark.rule for remark in found] == ["dead-branch"]
    assert (found[0].line, found[0].column) == (1, 27)


def test_queries_over_other_types_are_left_alone():
    assert (
        lint(
            "resources | where type == 'microsoft.storage/x' | where properties.agentPoolProfiles[0].nope == 1"
        )
        == []
    )
