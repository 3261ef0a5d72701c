"""One cluster, written by us in every form that people have clusters in. The ARM body is the reference."""

from __future__ import annotations

import copy
import json

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = "rg-shop"
ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ContainerService/managedClusters/shop"
TYPE = "Microsoft.ContainerService/managedClusters"

POOL = {
    "name": "system",
    "count": 3,
    "vmSize": "Standard_D4s_v5",
    "osDiskSizeGB": 128,
    "osDiskType": "Ephemeral",
    "vnetSubnetID": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes",
    "maxPods": 50,
    "osType": "Linux",
    "osSKU": "AzureLinux",
    "mode": "System",
    "type": "VirtualMachineScaleSets",
    "availabilityZones": ["1", "2", "3"],
    "enableAutoScaling": False,
    "enableNodePublicIP": False,
    "enableEncryptionAtHost": True,
    "enableFIPS": False,
    "orchestratorVersion": "1.33",
    "upgradeSettings": {"maxSurge": "33%"},
}
PROPERTIES = {
    "kubernetesVersion": "1.33",
    "dnsPrefix": "shop",
    "nodeResourceGroup": "rg-shop-nodes",
    "enableRBAC": True,
    "disableLocalAccounts": True,
    "agentPoolProfiles": [POOL],
    "addonProfiles": {
        "azurepolicy": {"enabled": True},
        "omsagent": {
            "enabled": True,
            "config": {"logAnalyticsWorkspaceResourceID": "/subscriptions/x/w", "useAADAuth": "true"},
        },
        "azureKeyvaultSecretsProvider": {
            "enabled": True,
            "config": {"enableSecretRotation": "true", "rotationPollInterval": "2m"},
        },
    },
    "networkProfile": {
        "networkPlugin": "azure",
        "networkPolicy": "cilium",
        "networkDataplane": "cilium",
        "networkPluginMode": "overlay",
        "outboundType": "userDefinedRouting",
        "loadBalancerSku": "standard",
        "serviceCidr": "10.0.0.0/16",
        "dnsServiceIP": "10.0.0.10",
    },
    "aadProfile": {
        "managed": True,
        "enableAzureRBAC": True,
        "adminGroupObjectIDs": ["aaaaaaaa-0000-0000-0000-000000000000"],
        "tenantID": "99999999-0000-0000-0000-000000000000",
    },
    "apiServerAccessProfile": {
        "authorizedIPRanges": ["203.0.113.0/24"],
        "enablePrivateCluster": False,
        "disableRunCommand": True,
    },
    "autoUpgradeProfile": {"upgradeChannel": "stable", "nodeOSUpgradeChannel": "NodeImage"},
    "securityProfile": {
        "defender": {
            "logAnalyticsWorkspaceResourceId": "/subscriptions/x/w",
            "securityMonitoring": {"enabled": True},
        },
        "imageCleaner": {"enabled": True, "intervalHours": 48},
        "workloadIdentity": {"enabled": True},
    },
    "oidcIssuerProfile": {"enabled": True},
    "autoScalerProfile": {"scan-interval": "10s", "balance-similar-node-groups": "true"},
}
ARM = {
    "id": ID,
    "name": "shop",
    "type": TYPE,
    "location": "australiaeast",
    "tags": {"team": "shop"},
    "sku": {"name": "Base", "tier": "Standard"},
    "identity": {"type": "SystemAssigned"},
    "properties": PROPERTIES,
}

# How az spells what ARM spells otherwise (a sample of the 69 leaves, by hand).
AZ_NAMES = {
    "enableRBAC": "enableRbac",
    "enableAzureRBAC": "enableAzureRbac",
    "adminGroupObjectIDs": "adminGroupObjectIDs",
    "tenantID": "tenantId",
    "authorizedIPRanges": "authorizedIpRanges",
    "nodeOSUpgradeChannel": "nodeOsUpgradeChannel",
    "osDiskSizeGB": "osDiskSizeGb",
    "vnetSubnetID": "vnetSubnetId",
    "osSKU": "osSku",
    "enableNodePublicIP": "enableNodePublicIp",
    "enableFIPS": "enableFips",
    "dnsServiceIP": "dnsServiceIp",
    "scan-interval": "scanInterval",
    "balance-similar-node-groups": "balanceSimilarNodeGroups",
}


def respelled(value):
    if isinstance(value, dict):
        return {AZ_NAMES.get(key, key): respelled(part) for key, part in value.items()}
    return [respelled(part) for part in value] if isinstance(value, list) else value


def az_show():
    flat = respelled(copy.deepcopy(PROPERTIES))
    flat["addonProfiles"]["omsAgent"] = {**flat["addonProfiles"].pop("omsagent"), "identity": None}
    flat["addonProfiles"]["azurePolicy"] = flat["addonProfiles"].pop("azurepolicy")
    flat["agentPoolProfiles"][0]["nodeTaints"] = None
    return {
        **flat,
        "id": ID.replace("resourceGroups", "resourcegroups"),
        "name": "shop",
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": "Australia East",
        "resourceGroup": GROUP,
        "tags": {"team": "shop"},
        "sku": {"name": "Base", "tier": "Standard"},
        "identity": {"type": "SystemAssigned", "userAssignedIdentities": None, "principalId": None},
        "eTag": "abc",
        "systemData": None,
        "privateLinkResources": None,
    }


def graph_row():
    return {
        "id": ID.lower(),
        "name": "shop",
        "type": TYPE.lower(),
        "tenantId": None,
        "kind": "",
        "location": "australiaeast",
        "resourceGroup": GROUP,
        "subscriptionId": SUBSCRIPTION,
        "managedBy": "",
        "sku": {"name": "Base", "tier": "Standard"},
        "plan": None,
        "properties": copy.deepcopy(PROPERTIES),
        "tags": {"team": "shop"},
        "identity": {"type": "SystemAssigned"},
        "zones": None,
        "extendedLocation": None,
    }


def body_in_az_case():
    """An ARM body whose properties are in az casing, as PSRule's test data has them."""
    return {**copy.deepcopy(ARM), "properties": respelled(copy.deepcopy(PROPERTIES))}


def template():
    """The same as a template with parameters, variables, a copy loop and a child pool."""
    properties = copy.deepcopy(PROPERTIES)
    pool = properties["agentPoolProfiles"][0]
    pool["name"] = "[parameters('poolName')]"
    pool["availabilityZones"] = "[variables('zones')]"
    pool["enableEncryptionAtHost"] = "[if(equals(parameters('tier'), 'Standard'), true(), false())]"
    properties["kubernetesVersion"] = "[concat('1', '.', string(variables('minor')))]"
    properties["dnsPrefix"] = "[parameters('name')]"
    properties["apiServerAccessProfile"]["copy"] = [
        {
            "name": "authorizedIPRanges",
            "count": 1,
            "input": "[format('203.0.113.{0}/24', copyIndex('authorizedIPRanges'))]",
        }
    ]
    del properties["apiServerAccessProfile"]["authorizedIPRanges"]
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "name": {"type": "string", "defaultValue": "shop"},
            "poolName": {"type": "string", "defaultValue": "system"},
            "tier": {"type": "string", "defaultValue": "Standard"},
            "location": {"type": "string", "defaultValue": "Australia East"},
        },
        "variables": {
            "minor": "[add(30, 3)]",
            "copy": [{"name": "zones", "count": 3, "input": "[string(copyIndex('zones', 1))]"}],
        },
        "resources": [
            {
                "type": TYPE,
                "apiVersion": "2025-05-01",
                "name": "[parameters('name')]",
                "location": "[parameters('location')]",
                "tags": {"team": "shop"},
                "sku": {"name": "Base", "tier": "[parameters('tier')]"},
                "identity": {"type": "SystemAssigned"},
                "properties": properties,
            }
        ],
    }


def nested_template():
    """What Bicep makes of a module: a nested deployment with inner scope and symbolic names."""
    inner = template()
    inner["languageVersion"] = "2.0"
    inner["resources"] = {"cluster": inner["resources"][0]}
    inner["parameters"]["location"] = {"type": "string"}
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "parameters": {"where": {"type": "string", "defaultValue": "australiaeast"}},
        "resources": {
            "module": {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "aks",
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "parameters": {"location": {"value": "[parameters('where')]"}},
                    "template": inner,
                },
            }
        },
    }


def plan(version):
    """The same as a plan of azurerm 3 or 4."""
    new = version == 4
    pool = {
        "name": "system",
        "node_count": 3,
        "vm_size": "Standard_D4s_v5",
        "os_disk_size_gb": 128,
        "os_disk_type": "Ephemeral",
        "vnet_subnet_id": POOL["vnetSubnetID"],
        "max_pods": 50,
        "os_sku": "AzureLinux",
        "type": "VirtualMachineScaleSets",
        "zones": ["1", "2", "3"],
        "auto_scaling_enabled" if new else "enable_auto_scaling": False,
        "node_public_ip_enabled" if new else "enable_node_public_ip": False,
        "host_encryption_enabled" if new else "enable_host_encryption": True,
        "fips_enabled": False,
        "orchestrator_version": "1.33",
        "upgrade_settings": [{"max_surge": "33%"}],
        "node_taints": None,
    }
    entra = {
        "azure_rbac_enabled": True,
        "admin_group_object_ids": PROPERTIES["aadProfile"]["adminGroupObjectIDs"],
    }
    entra |= {"tenant_id": PROPERTIES["aadProfile"]["tenantID"]} | ({} if new else {"managed": True})
    values = {
        "name": "shop",
        "location": "australiaeast",
        "resource_group_name": GROUP,
        "sku_tier": "Standard",
        "tags": {"team": "shop"},
        "identity": [{"type": "SystemAssigned", "identity_ids": None}],
        "dns_prefix": "shop",
        "kubernetes_version": "1.33",
        "node_resource_group": "rg-shop-nodes",
        "role_based_access_control_enabled": True,
        "local_account_disabled": True,
        "azure_policy_enabled": True,
        "oms_agent": [
            {"log_analytics_workspace_id": "/subscriptions/x/w", "msi_auth_for_monitoring_enabled": True}
        ],
        "key_vault_secrets_provider": [{"secret_rotation_enabled": True, "secret_rotation_interval": "2m"}],
        "network_profile": [
            {
                "network_plugin": "azure",
                "network_policy": "cilium",
                "network_data_plane" if new else "ebpf_data_plane": "cilium",
                "network_plugin_mode": "overlay",
                "outbound_type": "userDefinedRouting",
                "load_balancer_sku": "standard",
                "service_cidr": "10.0.0.0/16",
                "dns_service_ip": "10.0.0.10",
            }
        ],
        "azure_active_directory_role_based_access_control": [entra],
        "private_cluster_enabled": False,
        "run_command_enabled": False,
        "automatic_upgrade_channel" if new else "automatic_channel_upgrade": "stable",
        "node_os_upgrade_channel" if new else "node_os_channel_upgrade": "NodeImage",
        "microsoft_defender": [{"log_analytics_workspace_id": "/subscriptions/x/w"}],
        "image_cleaner_enabled": True,
        "image_cleaner_interval_hours": 48,
        "workload_identity_enabled": True,
        "oidc_issuer_enabled": True,
        "auto_scaler_profile": [{"scan_interval": "10s", "balance_similar_node_groups": True}],
        "default_node_pool": [pool],
    }
    if new:
        values["api_server_access_profile"] = [{"authorized_ip_ranges": ["203.0.113.0/24"]}]
    else:
        values["api_server_authorized_ip_ranges"] = ["203.0.113.0/24"]
    return {
        "format_version": "1.2",
        "terraform_version": "1.13.0",
        "planned_values": {
            "root_module": {
                "child_modules": [
                    {
                        "address": "module.aks",
                        "resources": [
                            {
                                "address": "module.aks.azurerm_kubernetes_cluster.this",
                                "mode": "managed",
                                "type": "azurerm_kubernetes_cluster",
                                "name": "this",
                                "values": values,
                            }
                        ],
                    }
                ]
            }
        },
        "resource_changes": [
            {
                "address": "module.aks.azurerm_kubernetes_cluster.this",
                "change": {"actions": ["create"], "after_unknown": {"id": True, "fqdn": True}},
            }
        ],
    }


def every_form():
    """Name -> document."""
    return {
        "arm": ARM,
        "arm-list": {"value": [ARM]},
        "az": az_show(),
        "az-list": [az_show()],
        "graph": graph_row(),
        "graph-wrapped": {"count": 1, "data": [graph_row()], "skip_token": None, "total_records": 1},
        "arm-in-az-case": body_in_az_case(),
        "template": template(),
        "bicep-module": nested_template(),
        "terraform-3": plan(3),
        "terraform-4": plan(4),
    }


def as_files(folder):
    """Write every form into its own file; return name -> path."""
    paths = {}
    for name, document in every_form().items():
        paths[name] = folder / f"{name}.json"
        paths[name].write_text(json.dumps(document, indent=2))
    return paths
