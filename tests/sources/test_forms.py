"""The same cluster in every form gives the same normal row (issue 3, sources; specs/posture.md b.8)."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from seawall.snapshot import Origin
from seawall.snapshot.tables import Estate
from seawall.sources import Locator, read_paths
from seawall.sources.azure import read_azure

_SPEC = importlib.util.spec_from_file_location("source_forms", Path(__file__).with_name("forms.py"))
forms = importlib.util.module_from_spec(_SPEC)
sys.modules["source_forms"] = forms
_SPEC.loader.exec_module(forms)

FORMS = sorted(forms.every_form())
CHOSEN_AT_DEPLOYMENT = {"subscriptionId", "resourceGroup"}


def read_one(tmp_path, document):
    path = tmp_path / "input.json"
    path.write_text(json.dumps(document, indent=2))
    snapshot = read_paths([str(path)])
    assert snapshot.unread == ()
    return snapshot, path


@pytest.fixture
def reference(tmp_path):
    return read_one(tmp_path, forms.ARM)[0].resources[0]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_yields_the_same_row(tmp_path, reference, form):
    snapshot, _ = read_one(tmp_path, forms.every_form()[form])
    (resource,) = snapshot.resources
    left_out = {"id", "apiVersion"} | (CHOSEN_AT_DEPLOYMENT & resource.unknown)
    expected = {key: value for key, value in reference.row.items() if key not in left_out}
    assert {key: value for key, value in resource.row.items() if key not in left_out} == expected
    if not resource.unknown & CHOSEN_AT_DEPLOYMENT:
        assert resource.id.lower() == reference.id.lower()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("properties.enableRBAC", ("enableRBAC", "enableRbac", "role_based_access_control_enabled")),
        ("properties.agentPoolProfiles[0].enableFIPS", ("enableFIPS", "enableFips", "fips_enabled")),
        ("properties.addonProfiles.azurepolicy", ("azurepolicy", "azurePolicy", "azure_policy_enabled")),
        ("properties.autoUpgradeProfile.nodeOSUpgradeChannel",
         ("nodeOSUpgradeChannel", "nodeOsUpgradeChannel", "node_os_upgrade_channel", "node_os_channel_upgrade")),
        ("sku.tier", ("tier", "sku_tier")),
    ],
)  # fmt: skip
def test_a_normal_path_leads_back_to_the_spelling_of_the_file(tmp_path, form, path, words):
    snapshot, file = read_one(tmp_path, forms.every_form()[form])
    place = Locator(snapshot).locate_resource(snapshot.resources[0], path)
    line = file.read_text().splitlines()[place.line - 1]
    assert line.strip().startswith(tuple(f'"{word}"' for word in words))
    assert line[place.column - 1] == '"'


def test_an_absent_property_is_placed_at_its_nearest_parent(tmp_path):
    snapshot, file = read_one(tmp_path, forms.ARM)
    place = Locator(snapshot).locate_resource(snapshot.resources[0], "properties.aadProfile.nothing.here")
    assert file.read_text().splitlines()[place.line - 1].strip() == '"aadProfile": {'


@pytest.mark.parametrize("form", FORMS)
def test_pools_come_out_of_every_form(tmp_path, form):
    snapshot, _ = read_one(tmp_path, forms.every_form()[form])
    (pool,) = Estate(snapshot).pools()
    assert (pool.subject.name, pool.properties["maxPods"], pool.cluster) == (
        "system",
        50,
        snapshot.resources[0],
    )
    place = Locator(snapshot).locate_resource(pool.resource, f"{pool.path}.vmSize")
    assert place.line > 1


def test_a_graph_table_reads_like_objects(tmp_path, reference):
    row = forms.graph_row()
    table = {"columns": [{"name": name} for name in row], "rows": [list(row.values())]}
    snapshot, file = read_one(tmp_path, {"totalRecords": 1, "data": table, "facets": []})
    (resource,) = snapshot.resources
    assert resource.row["properties"] == reference.row["properties"]
    place = Locator(snapshot).locate_resource(resource, "properties.enableRBAC")
    assert '"enableRBAC"' in file.read_text().splitlines()[place.line - 1]


def test_bodies_of_sub_resources_are_read():
    diagnostic = {
        "id": forms.ID + "/providers/microsoft.insights/diagnosticSettings/to-workspace",
        "name": "to-workspace",
        "properties": {"workspaceId": "/w", "logs": [{"category": "kube-audit", "enabled": True}]},
    }
    window = {
        "id": forms.ID + "/maintenanceConfigurations/aksManagedAutoUpgradeSchedule",
        "name": "aksManagedAutoUpgradeSchedule",
        "properties": {"maintenanceWindow": {"durationHours": 4}},
    }
    found = [read_azure(body, Origin("f")).resources[0] for body in (diagnostic, window)]
    assert [item.type for item in found] == [
        "microsoft.insights/diagnosticsettings",
        "microsoft.containerservice/managedclusters/maintenanceconfigurations",
    ]
    assert [item.row["resourceGroup"] for item in found] == ["rg-shop", "rg-shop"]
    assert found[0].row["name"] == "to-workspace"


def test_add_on_keys_fold_to_one_spelling_and_nulls_are_absent():
    body = {**forms.ARM, "properties": {
        "addonProfiles": {"omsAgent": {"enabled": False}, "HTTPapplicationrouting": {"enabled": True, "config": None}},
        "aadProfile": None,
    }}  # fmt: skip
    (resource,) = read_azure(body, Origin("f")).resources
    assert resource.row["properties"] == {
        "addonProfiles": {"omsagent": {"enabled": False}, "httpApplicationRouting": {"enabled": True}}
    }
    assert resource.origins["properties.addonProfiles.omsagent"] == (
        "properties",
        "addonProfiles",
        "omsAgent",
    )


def test_child_pools_join_their_cluster_and_win_over_the_inline_profile(tmp_path):
    child = {
        "id": forms.ID.replace("resourceGroups", "RESOURCEGROUPS") + "/agentPools/system",
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "name": "shop/system",
        "properties": {"maxPods": 70, "enableNodePublicIp": True},
    }
    other = {**child, "id": forms.ID + "/agentPools/user", "name": "user"}
    snapshot, _ = read_one(tmp_path, [forms.ARM, child, other])
    pools = Estate(snapshot).pools()
    assert [(pool.subject.name, pool.properties["maxPods"]) for pool in pools] == [
        ("system", 70),
        ("user", 70),
    ]
    assert all(pool.cluster is snapshot.resources[0] for pool in pools)
    assert pools[0].properties["enableNodePublicIP"] is True


def test_az_nodepool_show_keeps_the_type_of_the_pool(tmp_path):
    pool = {
        "id": forms.ID + "/agentPools/user",
        "name": "user",
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "typePropertiesType": "VirtualMachineScaleSets",
        "enableFips": True,
        "resourceGroup": "rg-shop",
    }
    snapshot, _ = read_one(tmp_path, pool)
    assert snapshot.resources[0].row["properties"] == {"type": "VirtualMachineScaleSets", "enableFIPS": True}
