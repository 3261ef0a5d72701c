"""An estate in which every control that judges clusters, pools, pods and containers passes."""

from __future__ import annotations

import copy
from typing import Any

DIGEST = "sha256:" + "a" * 64

POOL: dict[str, Any] = {
    "name": "system",
    "mode": "System",
    "osType": "Linux",
    "vmSize": "Standard_E104is_v5",
    "maxPods": 110,
    "enableNodePublicIP": False,
    "enableEncryptionAtHost": True,
    "orchestratorVersion": "1.35.2",
    "currentOrchestratorVersion": "1.35.2",
    "nodeImageVersion": "AKSUbuntu-2404gen2containerd-202611.06.0",
    "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"],
    "securityProfile": {"sshAccess": "Disabled"},
    "tags": {"seawall-isolation": "required"},
    "upgradeSettings": {"maxSurge": "33%"},
    "vnetSubnetID": "/subscriptions/0/subnets/aks",
    "osDiskType": "Ephemeral",
    "type": "VirtualMachineScaleSets",
    "workloadRuntime": "KataVmIsolation",
}

WINDOWS_POOL: dict[str, Any] = {
    **POOL,
    "name": "win",
    "mode": "User",
    "osType": "Windows",
    "nodeImageVersion": "AKSWindows-2022-containerd-20348.4405.261112",
    "nodeTaints": None,
    "workloadRuntime": "OCIContainer",
}

CLUSTER: dict[str, Any] = {
    "sku": {"name": "Base", "tier": "Standard"},
    "identity": {"type": "SystemAssigned"},
    "properties": {
        "kubernetesVersion": "1.35.2",
        "currentKubernetesVersion": "1.35.2",
        "enableRBAC": True,
        "identityProfile": {"kubeletidentity": {"objectId": "11111111-0000-4000-8000-000000000001"}},
        "disableLocalAccounts": True,
        "diskEncryptionSetID": "/subscriptions/0/diskEncryptionSets/des",
        "aadProfile": {"managed": True, "enableAzureRBAC": True},
        # Integrated into the network, public access off, and ranges besides: nothing is left unjudged.
        "publicNetworkAccess": "Disabled",
        "apiServerAccessProfile": {
            "authorizedIPRanges": ["203.0.113.0/24"],
            "enableVnetIntegration": True,
        },
        "autoUpgradeProfile": {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"},
        "azureMonitorProfile": {"metrics": {"enabled": True}},
        "addonProfiles": {
            "azurepolicy": {"enabled": True},
            "omsagent": {"enabled": True},
            "azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "true"}},
            "httpApplicationRouting": {"enabled": False},
            "kubeDashboard": {"enabled": False},
        },
        "networkProfile": {
            "networkPlugin": "azure",
            "networkPolicy": "cilium",
            "networkDataplane": "azure",
            "loadBalancerSku": "standard",
            "outboundType": "userDefinedRouting",
        },
        "oidcIssuerProfile": {"enabled": True},
        "securityProfile": {
            "azureKeyVaultKms": {"enabled": True},
            "defender": {"securityMonitoring": {"enabled": True}},
            "imageCleaner": {"enabled": True},
            "imageIntegrity": {"enabled": True},
            "workloadIdentity": {"enabled": True},
        },
        "serviceMeshProfile": {"mode": "Istio"},
        "agentPoolProfiles": [POOL, WINDOWS_POOL],
    },
}

NETWORK: dict[str, Any] = {
    "id": "/subscriptions/0/virtualNetworks/v",
    "name": "v",
    "type": "microsoft.network/virtualnetworks",
    "properties": {
        "subnets": [{"id": "/subscriptions/0/subnets/aks", "properties": {"addressPrefix": "10.0.0.0/16"}}]
    },
}
"""The network that the pools stand in: large enough for whatever a mutation makes of them."""

GRANT: dict[str, Any] = {
    "id": "/subscriptions/0/providers/Microsoft.ContainerRegistry/registries/r/providers/Microsoft.Authorization/roleAssignments/a",
    "name": "a",
    "type": "microsoft.authorization/roleassignments",
    "properties": {
        "principalId": "11111111-0000-4000-8000-000000000001",
        # AcrPull
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "scope": "/subscriptions/0/providers/Microsoft.ContainerRegistry/registries/r",
    },
}
"""What the kubelet may do: pull images."""

OWNER: dict[str, Any] = {
    "id": "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleAssignments/o",
    "name": "o",
    "type": "microsoft.authorization/roleassignments",
    "properties": {
        "principalId": "22222222-0000-4000-8000-000000000002",
        "principalType": "Group",
        # Owner
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "scope": "/subscriptions/00000000-0000-0000-0000-000000000000",
    },
}
"""Who could fetch the admin's kubeconfig, were there local accounts."""

NAMESPACES: list[dict[str, Any]] = [
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "shop",
            "labels": {"seawall.dev/tenant": "shop", "seawall.dev/hostile": "true"},
            "annotations": {"seawall.dev/allowed-registries": "contoso.azurecr.io"},
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "bank", "labels": {"seawall.dev/tenant": "bank"}},
    },
]
"""Two tenants, one of them hostile and held to one registry."""

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "serviceAccountName": "web",
                "runtimeClassName": "kata-vm-isolation",
                "automountServiceAccountToken": False,
                "hostPID": False,
                "hostIPC": False,
                "hostNetwork": False,
                "volumes": [{"name": "tmp", "emptyDir": {}}],
                "containers": [
                    {
                        "name": "web",
                        "image": f"contoso.azurecr.io/web@{DIGEST}",
                        "env": [{"name": "MODE", "value": "production"}],
                        "envFrom": [{"configMapRef": {"name": "web"}}],
                        "ports": [{"containerPort": 8080}],
                        "resources": {
                            "requests": {"cpu": "100m", "memory": "64Mi"},
                            "limits": {"cpu": "1", "memory": "128Mi"},
                        },
                        "livenessProbe": {"httpGet": {"path": "/", "port": 8080}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
                        "securityContext": {
                            "privileged": False,
                            "allowPrivilegeEscalation": False,
                            "runAsNonRoot": True,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"},
                            "appArmorProfile": {"type": "RuntimeDefault"},
                        },
                    }
                ],
            },
        },
    },
}


def golden() -> dict[str, Any]:
    """Return a fresh copy of the estate, in the words of `support.estates.snapshot_of`."""
    return copy.deepcopy({"cluster": CLUSTER, "objects": [DEPLOYMENT]})
