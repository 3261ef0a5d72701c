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


CLUSTERS = "resources | where type =~ 'Microsoft.ContainerService/managedClusters' "
FAULTY = [
    (CLUSTERS + "| project id, p = properties | where p.enableRbac == true", "property-case"),
    (
        CLUSTERS + "| project-rename x = properties | where x.networkProfil.networkPlugin == 'azure'",
        "unknown-property",
    ),
    (
        CLUSTERS
        + "| extend x = properties.networkProfile | extend y = x.networkPlugin | where y == 'calico'",
        "enum-value",
    ),
    (
        CLUSTERS
        + "| mv-expand pool = properties.agentPoolProfiles | where pool.enableFips == true | project id, pool.name",
        "property-case",
    ),
    ("let t = " + CLUSTERS + "; t | where properties.enableRbac == true", "property-case"),
    (
        "let t = materialize("
        + CLUSTERS
        + "| project id, net = properties.networkProfile); t | where net.networkPolicy == 'weave'",
        "enum-value",
    ),
    ("(" + CLUSTERS + ") | where properties.nope == 1", "unknown-property"),
    (
        "resources | where tolower(type) == 'microsoft.containerservice/managedclusters' | where properties.enableRbac == true",
        "property-case",
    ),
    (
        "resources | where type has 'containerservice/managedClusters' | where properties.enableRbac == true",
        "property-case",
    ),
    (
        CLUSTERS + "| where parse_json(tostring(properties.networkProfile)).networkPlugin == 'calico'",
        "enum-value",
    ),
    (
        CLUSTERS
        + "| extend s = case(properties.networkProfile.networkPlugin == 'calico', 1, properties.networkProfile.networkPlugin == 'azure', 2, 3)",
        "enum-value",
    ),
    (
        CLUSTERS
        + "| extend s = case(properties.enableRBAC == true, 'a', properties.fqdn == 'x', 'b', properties.enableRBAC == true, 'c', 'd')",
        "dead-branch",
    ),
    (CLUSTERS + "| where not(not(properties.networkProfile.outboundType == 'firewall'))", "enum-value"),
    (CLUSTERS + "| where properties.networkProfile.networkPlugin has 'flannel'", "enum-value"),
    (
        CLUSTERS + "| where tostring(properties.autoUpgradeProfile.upgradeChannel) contains 'weekly'",
        "enum-value",
    ),
    (CLUSTERS + "| where properties.networkProfile.networkPolicy in~ ('azure', 'calcio')", "enum-value"),
    (CLUSTERS + "| where toupper(properties.networkProfile.networkPlugin) == 'Azure'", "folded-text"),
    (
        CLUSTERS + "| where tolower(tostring(properties.networkProfile.loadBalancerSku)) in ('Standard')",
        "folded-text",
    ),
    (CLUSTERS + "| where properties['networkProfile']['networkPlugin'] == 'Azure'", "enum-value"),
    (CLUSTERS + "| where properties.['enablerbac'] == true", "property-case"),
    (CLUSTERS + "| where isempty(properties.['disableLocalAccounts'])", "empty-bool"),
    (
        CLUSTERS
        + "| extend off = isnull(properties.apiServerAccessProfile.enablePrivateCluster) | where off",
        "empty-bool",
    ),
    (
        CLUSTERS
        + "| extend first = properties.agentPoolProfiles[-1] | where first.enableEncryptionAtHost != true",
        "first-pool-only",
    ),
    (
        CLUSTERS + "| extend ps = properties.agentPoolProfiles | where ps[0].mode == 'System'",
        "first-pool-only",
    ),
    (CLUSTERS + "| where properties.agentPoolProfiles.enableNodePublicIP == true", "unknown-property"),
    (CLUSTERS + "| where properties.agentPoolProfiles has 'CriticalAddonsOnly'", "pool-text"),
    (
        CLUSTERS
        + "| where tostring(properties.agentPoolProfiles) !contains '\"enableEncryptionAtHost\":true'",
        "pool-text",
    ),
    (CLUSTERS + "| where properties.networkProfile.networkPolicy == ''", "empty-text"),
    (CLUSTERS + "| where tostring(properties.enableRBAC) == 'True'", "enum-value"),
    (
        CLUSTERS
        + "| where properties.addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation == true",
        "text-for-bool",
    ),
    (
        CLUSTERS
        + "| where properties.networkProfile.networkPlugin == 'azure' | where properties.networkProfile.networkPlugin == 'kubenet'",
        "dead-branch",
    ),
    (
        CLUSTERS + "| where isnull(properties.kubernetesVersion) and properties.kubernetesVersion == '1.30'",
        "dead-branch",
    ),
    (CLUSTERS + "| extend v = tostring(properties.kubernetesVersion) | where isnotnull(v)", "text-of-bool"),
    (
        CLUSTERS
        + "| mv-apply pool = properties.agentPoolProfiles on (where pool.osType == 'windows' | summarize n = count())",
        "enum-value",
    ),
    (
        CLUSTERS + "| summarize arg_max(name, properties) by id | where properties.enableRbac == true",
        "property-case",
    ),
    (CLUSTERS + "| summarize p = any(properties) by id | where p.enableRbac == true", "property-case"),
    (CLUSTERS + "| where properties.enableRBAC == false", "absent-is-not-false"),
    (
        CLUSTERS
        + "| mv-expand pool = properties.agentPoolProfiles | where pool.mode == 'System' and pool.mode == 'User' | project id, pool.name",
        "dead-branch",
    ),
    (
        CLUSTERS
        + "| join kind=leftouter (resources | where type == 'microsoft.containerservice/managedclusters' | where properties.enableRbac == true | project id) on id",
        "property-case",
    ),
    (CLUSTERS + "| distinct id, tostring(properties.networkProfil)", "unknown-property"),
    (CLUSTERS + "| where sku.Tier == 'Free'", "property-case"),
]
"""Mistakes in forms that are read past: renamed, expanded, through `let`, in brackets, by functions."""

RIGHT = [
    CLUSTERS + "| where tolower(properties.networkProfile.outboundType) == 'userdefinedrouting'",
    CLUSTERS + "| where tolower(tostring(properties.networkProfile.networkPlugin)) in ('azure', 'none')",
    CLUSTERS + "| where isnull(parse_json(tostring(properties.networkProfile)).networkPolicy)",
    CLUSTERS + "| where properties.networkProfile.networkPlugin has 'azure'",
    CLUSTERS + "| where properties.networkProfile.networkPolicy in~ ('Azure', 'Calico', 'CILIUM')",
    CLUSTERS + "| where isnull(properties.enableRBAC) or properties.enableRBAC == false",
    CLUSTERS + "| where properties.enableRBAC != true",
    CLUSTERS + "| where isempty(tostring(properties.networkProfile.networkPolicy))",
    CLUSTERS + "| where isnotnull(properties.securityProfile.defender.logAnalyticsWorkspaceResourceId)",
    CLUSTERS + "| extend n = array_length(properties.agentPoolProfiles) | project id, n",
    CLUSTERS
    + "| mv-expand pool = properties.agentPoolProfiles | where pool.osType =~ 'windows' | project id, pool = tostring(pool.name)",
    CLUSTERS
    + "| where array_length(properties.agentPoolProfiles) == 1 and properties.agentPoolProfiles[0].mode == 'System'",
    CLUSTERS + "| extend properties = parse_json('{}') | where properties.anything == 1",
    CLUSTERS + "| project properties = tags | where properties.anything == 'x'",
    CLUSTERS + "| where properties.addonProfiles['anything'].enabled == true",
    CLUSTERS + "| where properties.addonProfiles.omsagent.config.logAnalyticsWorkspaceResourceID =~ '/x'",
    CLUSTERS
    + "| where properties.addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation =~ 'true'",
    CLUSTERS + "| where tostring(properties.enableRBAC) == 'true'",
    CLUSTERS + "| where properties.autoUpgradeProfile.upgradeChannel !in~ ('none', 'patch')",
    CLUSTERS
    + "| where properties.kubernetesVersion startswith '1.3' and properties.kubernetesVersion != '1.30'",
    CLUSTERS
    + "| where (properties.networkProfile.networkPlugin == 'azure' or properties.networkProfile.networkPlugin == 'kubenet')",
    CLUSTERS + "| extend r = case(properties.enableRBAC == true, 1, isnull(properties.enableRBAC), 2, 3)",
    CLUSTERS
    + "| mv-expand a = properties.agentPoolProfiles | mv-expand b = a.nodeTaints | where b contains 'NoSchedule' | project id, a.name",
    CLUSTERS
    + "| where tostring(tags['environment']) in~ ('dev') | where identity.type =~ 'SystemAssigned' and sku.tier in ('Standard', 'Premium')",
    CLUSTERS + "| summarize count() by tostring(properties.kubernetesVersion)",
    "resources | where type in~ ('microsoft.containerservice/managedclusters', 'microsoft.storage/storageaccounts') | where properties.primaryEndpoints.blob != ''",
    "resources | where type has 'servicefabric/managedclusters' | where properties.nope == 1",
    "resources | where type == 'microsoft.compute/disks' | where toupper(name) == 'ABC' | where properties.x == ''",
    CLUSTERS
    + "| where properties.networkProfile.networkPolicy != 'azure' and properties.networkProfile.networkPolicy != 'calico'",
    CLUSTERS
    + "| where properties.networkProfile.networkPlugin == 'azure' and name == 'x' | where properties.networkProfile.networkPlugin in ('azure', 'none')",
]
"""What looks like a mistake and is none."""


@pytest.mark.parametrize(("query", "rule"), FAULTY, ids=range(len(FAULTY)))
def test_a_mistake_is_found_in_any_form(query, rule):
    assert rule in rules(query)


@pytest.mark.parametrize("query", RIGHT, ids=range(len(RIGHT)))
def test_what_is_right_is_not_reproached(query):
    assert lint(query) == []


def test_a_query_of_many_parts_is_read_without_recursion():
    assert lint(CLUSTERS + " and name != ''" * 500) == []
