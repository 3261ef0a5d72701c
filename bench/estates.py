"""Estates of any size for the benchmarks: made up here, varied, the same for the same number."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    app: {name}
    tier: {tier}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      serviceAccountName: {account}
      containers:
        - name: main
          image: {image}
          ports:
            - containerPort: {port}
          securityContext:
            privileged: {privileged}
            readOnlyRootFilesystem: {read_only}
          resources:
            limits:
              memory: {memory}Mi
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {namespace}
spec:
  selector:
    app: {name}
  ports:
    - port: 80
      targetPort: {port}
"""


def write_manifests(folder: Path, count: int, *, per_folder: int = 250) -> None:
    """Write `count` files with a Deployment and a Service each."""
    dice = random.Random(count)
    for number in range(count):
        team = folder / f"team-{number // per_folder:03d}"
        team.mkdir(parents=True, exist_ok=True)
        text = MANIFEST.format(
            name=f"app-{number:05d}",
            namespace=f"ns-{number % 40:02d}",
            tier=dice.choice(("web", "api", "batch")),
            replicas=dice.randint(1, 5),
            account=dice.choice(("default", f"sa-{number}")),
            image=dice.choice((f"registry.example/app-{number}:1.{number}", "nginx:latest", "nginx")),
            port=dice.randint(1025, 65_000),
            privileged=dice.choice(("true", "false")),
            read_only=dice.choice(("true", "false")),
            memory=dice.choice((64, 128, 256)),
        )
        (team / f"app-{number:05d}.yaml").write_text(text)


def cluster(number: int) -> dict[str, Any]:
    """Make one cluster row of about 2.3 KB: mostly in order, with the odd thing out."""
    dice = random.Random(number)

    def mostly(good: Any, bad: Any) -> Any:
        return good if dice.random() < 0.9 else bad

    name = f"aks-{number:05d}"
    group = f"rg-{number % 200:03d}"
    subscription = f"00000000-0000-0000-0000-{number % 50:012d}"
    pools = [
        {
            "name": f"pool{index}",
            "count": dice.randint(1, 9),
            "vmSize": dice.choice(("Standard_D4ds_v5", "Standard_E8ds_v5")),
            "osType": "Linux",
            "mode": "System" if index == 0 else "User",
            "maxPods": mostly(110, 30),
            "enableNodePublicIP": mostly(False, True),
            "enableEncryptionAtHost": mostly(True, None),
            "orchestratorVersion": "1.35.2",
            "nodeImageVersion": mostly(
                "AKSUbuntu-2404gen2containerd-202611.06.0", "AKSUbuntu-2204gen2containerd-202601.13.0"
            ),
            "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"] if index == 0 else None,
            "upgradeSettings": {"maxSurge": mostly("33%", "1")},
            "securityProfile": {"sshAccess": mostly("Disabled", "LocalUser")},
            "vnetSubnetID": f"/subscriptions/{subscription}/resourceGroups/net/subnets/aks-{index}",
        }
        for index in range(3)
    ]
    properties = {
        "kubernetesVersion": mostly("1.35.2", "1.31.9"),
        "currentKubernetesVersion": "1.35.2",
        "dnsPrefix": name,
        "enableRBAC": mostly(True, False),
        "disableLocalAccounts": mostly(True, None),
        "aadProfile": mostly({"managed": True, "enableAzureRBAC": True}, None),
        "apiServerAccessProfile": mostly(
            {"enablePrivateCluster": True}, {"authorizedIPRanges": ["203.0.113.0/24"]}
        ),
        "autoUpgradeProfile": {
            "upgradeChannel": mostly("patch", "none"),
            "nodeOSUpgradeChannel": mostly("NodeImage", "None"),
        },
        "networkProfile": {
            "networkPlugin": mostly("azure", "kubenet"),
            "networkPolicy": mostly("cilium", "none"),
            "loadBalancerSku": "standard",
            "outboundType": mostly("userDefinedRouting", "loadBalancer"),
        },
        "addonProfiles": {
            "omsagent": {"enabled": mostly(True, False)},
            "azurepolicy": {"enabled": mostly(True, False)},
            "azureKeyvaultSecretsProvider": {
                "enabled": mostly(True, False),
                "config": {"enableSecretRotation": mostly("true", "false")},
            },
        },
        "securityProfile": {
            "defender": {"securityMonitoring": {"enabled": mostly(True, False)}},
            "workloadIdentity": {"enabled": True},
            "imageCleaner": {"enabled": mostly(True, False), "intervalHours": 48},
        },
        "oidcIssuerProfile": {"enabled": mostly(True, False)},
        "agentPoolProfiles": pools,
    }
    return {
        "id": f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}",
        "name": name,
        "type": "microsoft.containerservice/managedclusters",
        "tenantId": "00000000-0000-0000-0000-000000000001",
        "location": dice.choice(("westeurope", "northeurope", "eastus")),
        "resourceGroup": group,
        "subscriptionId": subscription,
        "sku": {"name": "Base", "tier": mostly("Standard", "Free")},
        "identity": {"type": mostly("SystemAssigned", "None")},
        "properties": properties,
        "tags": {"owner": f"team-{number % 17}"},
    }


def write_clusters(file: Path, count: int) -> None:
    """Write `count` Resource Graph rows as one JSON answer."""
    rows = [cluster(number) for number in range(count)]
    file.write_bytes(msgspec.json.encode({"data": rows, "count": count, "totalRecords": count}))
