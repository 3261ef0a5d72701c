"""Terraform plans. The attribute names are those of azurerm 3 and 4; the ARM names those of the service."""

from __future__ import annotations

import pytest

from seawall.snapshot import Origin, Snapshot
from seawall.snapshot.tables import Estate
from seawall.sources.azure import read_azure
from seawall.sources.azure.casing import properties_tree
from seawall.sources.azure.terraform import _table

CLUSTER = "azurerm_kubernetes_cluster"


def resource(kind, name, values, module=""):
    address = f"{module}{kind}.{name}"
    return {"address": address, "mode": "managed", "type": kind, "name": name, "values": values}


def plan(*resources, unknown=None, configuration=None):
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": list(resources)}},
        "resource_changes": [
            {"address": address, "change": {"actions": ["create"], "after_unknown": tree}}
            for address, tree in (unknown or {}).items()
        ],
        "configuration": configuration or {},
    }


def read(document):
    return read_azure(document, Origin("plan.json"))


def one(values, unknown=None, kind=CLUSTER):
    (found,) = read(
        plan(resource(kind, "x", {"name": "c", **values}), unknown={f"{kind}.x": unknown or {}})
    ).resources
    return found


def test_what_is_known_after_apply_is_unknown_not_absent():
    found = one(
        {"network_profile": [{"network_plugin": "azure"}], "tags": {}},
        {"kubernetes_version": True, "network_profile": [{"network_policy": True}], "local_account_disabled": True,
         "api_server_access_profile": [{"authorized_ip_ranges": [False, True]}], "oms_agent": True},
    )  # fmt: skip
    assert found.row["properties"]["networkProfile"] == {"networkPlugin": "azure"}
    assert {
        "properties.kubernetesVersion", "properties.networkProfile.networkPolicy", "properties.disableLocalAccounts",
        "properties.addonProfiles.omsagent.enabled", "properties.addonProfiles.omsagent.config.logAnalyticsWorkspaceResourceID",
    } <= found.unknown  # fmt: skip


def test_a_list_that_is_known_in_part():
    found = one(
        {"api_server_authorized_ip_ranges": ["1.2.3.4/32"]},
        {"api_server_authorized_ip_ranges": [False, True]},
    )
    assert "properties.apiServerAccessProfile.authorizedIPRanges[1]" in found.unknown
    assert "properties.apiServerAccessProfile.authorizedIPRanges" not in found.unknown


def test_what_the_service_computes_is_unknown_when_unset():
    found = one({"default_node_pool": [{"name": "p", "max_pods": None}], "network_profile": []})
    assert "properties.networkProfile" in found.unknown
    assert "properties.agentPoolProfiles[0].maxPods" in found.unknown
    assert "properties.enableRBAC" not in found.unknown
    pool = one({"max_pods": None}, kind="azurerm_kubernetes_cluster_node_pool")
    assert "properties.maxPods" in pool.unknown


@pytest.mark.parametrize(
    ("values", "path", "expected"),
    [
        ({"public_network_access_enabled": False}, "publicNetworkAccess", "Disabled"),
        ({"run_command_enabled": True}, "apiServerAccessProfile", {"disableRunCommand": False}),
        ({"addon_profile": [{"kube_dashboard": [{"enabled": True}]}]}, "addonProfiles", {"kubeDashboard": {"enabled": True}}),
        ({"addon_profile": [{"azure_policy": [{"enabled": False}]}]}, "addonProfiles", {"azurepolicy": {"enabled": False}}),
        ({"role_based_access_control": [{"enabled": False}]}, "enableRBAC", False),
        ({"oms_agent": []}, "addonProfiles", None),
        ({"key_vault_secrets_provider": [{"secret_rotation_enabled": False}]}, "addonProfiles",
         {"azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "false"}}}),
        ({"key_management_service": [{"key_vault_key_id": "k"}]}, "securityProfile", {"azureKeyVaultKms": {"enabled": True, "keyId": "k"}}),
    ],
)  # fmt: skip
def test_names_of_all_ages(values, path, expected):
    assert one(values).row["properties"].get(path) == expected


def test_node_pools_find_their_cluster_through_modules():
    configuration = {
        "root_module": {
            "module_calls": {
                "aks": {"module": {"resources": [{"address": f"{CLUSTER}.this"}], "outputs": {"id": {"expression": {"references": [f"{CLUSTER}.this.id", f"{CLUSTER}.this"]}}}}},
                "pool": {
                    "expressions": {"cluster": {"references": ["module.aks.id", "module.aks"]}},
                    "module": {"resources": [{"address": "azurerm_kubernetes_cluster_node_pool.p", "expressions": {"kubernetes_cluster_id": {"references": ["var.cluster"]}}}]},
                },
            },
            "resources": [{"address": "azurerm_monitor_diagnostic_setting.d", "expressions": {"target_resource_id": {"references": ["module.aks.id"]}}}],
        }
    }  # fmt: skip
    found = read(plan(
        resource("azurerm_monitor_diagnostic_setting", "d", {"name": "d", "enabled_log": [{"category": "kube-audit"}], "log": [{"category": "guard", "enabled": False}]}),
        resource("azurerm_kubernetes_cluster_node_pool", 'p["a"]', {"name": "user", "host_encryption_enabled": True, "zones": ["1"]}, "module.pool."),
        resource(CLUSTER, "this", {"name": "c", "resource_group_name": "RG"}, "module.aks."),
        resource("azurerm_resource_group", "rg", {"name": "RG"}),
        configuration=configuration,
    ))  # fmt: skip
    cluster, pool, setting = found.resources
    assert (
        cluster.id
        == "/subscriptions/{subscriptionId}/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/c"
    )
    assert cluster.row["resourceGroup"] == "rg"
    assert pool.id == cluster.id + "/agentPools/user"
    assert pool.row["properties"] == {"enableEncryptionAtHost": True, "availabilityZones": ["1"]}
    assert setting.id == cluster.id + "/providers/Microsoft.Insights/diagnosticSettings/d"
    assert setting.row["properties"]["logs"] == [
        {"enabled": True, "category": "kube-audit"},
        {"category": "guard", "enabled": False},
    ]
    assert [item.subject.name for item in Estate(Snapshot(resources=found.resources)).pools()] == ["user"]
    assert "azurerm_resource_group" in found.reason


def test_a_pool_whose_cluster_cannot_be_told_stands_alone():
    found = one({"name": "p"}, kind="azurerm_kubernetes_cluster_node_pool")
    assert "id" in found.unknown
    assert Estate(Snapshot(resources=(found,))).pools()[0].cluster is None


def test_maintenance_windows_become_resources_of_their_own():
    found = read(plan(resource(CLUSTER, "x", {"name": "c", "maintenance_window_auto_upgrade": [
        {"frequency": "Weekly", "interval": 1, "duration": 4, "day_of_week": "Friday", "utc_offset": "+00:00", "start_time": "02:00"}]})))  # fmt: skip
    window = found.resources[1]
    assert window.type == "microsoft.containerservice/managedclusters/maintenanceconfigurations"
    assert window.row["name"] == "aksManagedAutoUpgradeSchedule"
    assert window.row["properties"]["maintenanceWindow"]["schedule"] == {
        "weekly": {"intervalWeeks": 1, "dayOfWeek": "Friday"}
    }


def test_registries_and_azapi():
    registry = one(
        {"sku": "Premium", "admin_enabled": False, "public_network_access_enabled": True,
         "network_rule_set": [{"default_action": "Deny", "ip_rule": [{"action": "Allow", "ip_range": "1.2.3.4"}]}]},
        kind="azurerm_container_registry",
    )  # fmt: skip
    assert registry.row["sku"] == {"name": "Premium"}
    assert registry.row["properties"] == {
        "adminUserEnabled": False,
        "publicNetworkAccess": "Enabled",
        "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "1.2.3.4"}]},
    }
    body = {"properties": {"enableRbac": True}}
    values = {
        "type": "Microsoft.ContainerService/managedClusters@2025-01-01",
        "name": "z",
        "parent_id": "/subscriptions/s/resourceGroups/g",
        "body": body,
    }
    (found,) = read(plan(resource("azapi_resource", "z", values))).resources
    assert (found.id, found.row["properties"]) == (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/z",
        {"enableRBAC": True},
    )


def test_data_sources_are_no_resources():
    body = resource(CLUSTER, "x", {"name": "c"}) | {"mode": "data"}
    assert read(plan(body)).resources == ()


def every_target(table):
    for attribute, target in table.items():
        if attribute == "+":
            yield from target
        elif isinstance(target, dict):
            if "[]" not in target:
                yield from every_target(target)
        elif target and not target.startswith("ignore:"):
            yield target.rpartition(":")[2]


@pytest.mark.parametrize("kind", [CLUSTER, "azurerm_kubernetes_cluster_node_pool"])
def test_every_name_of_the_table_is_a_property_of_the_service(kind):
    """Compared with the paths of azure-mgmt-containerservice 41.8.0: no typing error can hide in the table."""
    entry = _table()[kind]
    tree = properties_tree(entry["type"].lower())
    retired = {"kubeDashboard"}
    missing = []
    for target in every_target(entry["attributes"]):
        steps = target.replace("[0]", "").split(".")
        if steps[0] != "properties" or retired & set(steps):
            continue
        node = tree
        for step in steps[1:]:
            if "" in node:
                break
            node = node.get(step) or ({} if step in node else node.get("*"))
            if node is None:
                missing.append(target)
                break
    assert missing == []
