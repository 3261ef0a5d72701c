"""KQL: compile times against duckdb-kql of the same run, import time, load, shredding and judging at 50,000 clusters."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from bench.timing import PEERS, call
from seawall.kql import Database
from seawall.kql.decide import RESOURCES

QUERIES = Path(__file__).resolve().parents[2] / "shared" / "data" / "posture" / "arg_queries.jsonl"
TABLES = (
    "resources", "resourcecontainers", "advisorresources", "appserviceresources", "cdnresources", "dnsresources", "insightsresources",
    "maintenanceresources", "policyresources", "recoveryservicesresources", "resourcechanges", "healthresources",
    "desktopvirtualizationresources", "networkresources", "authorizationresources", "patchassessmentresources",
)  # fmt: skip
PEER = """
import json, sys, time, statistics, duckdb_kql
times = []
for line in open(sys.argv[1]):
    text = json.loads(line)["kql"]
    begin = time.perf_counter()
    try:
        duckdb_kql.to_sql(text)
    except Exception:
        pass
    times.append(time.perf_counter() - begin)
times.sort()
print(statistics.median(times), times[int(len(times) * .99)])
"""
CHECKS = (
    "properties.enableRBAC == true", "properties.disableLocalAccounts == true", "isnotnull(properties.aadProfile)",
    "properties.networkProfile.networkPolicy in~ ('azure', 'calico', 'cilium')", "properties.apiServerAccessProfile.enablePrivateCluster == true",
    "properties.autoUpgradeProfile.upgradeChannel !in~ ('', 'none')", "properties.oidcIssuerProfile.enabled == true",
    "properties.securityProfile.defender.securityMonitoring.enabled == true", "properties.addonProfiles.azurepolicy.enabled == true",
    "array_length(properties.apiServerAccessProfile.authorizedIPRanges) > 0",
)  # fmt: skip


def cluster(i: int) -> list[object]:
    """Return a cluster of about 2.3 KB with three pools."""
    properties = {
        "enableRBAC": True, "disableLocalAccounts": i % 50 != 0, "kubernetesVersion": "1.34.1", "dnsPrefix": f"aks-{i}",
        "aadProfile": {"managed": True, "enableAzureRBAC": True, "tenantID": "t" * 36},
        "networkProfile": {"networkPlugin": "azure", "networkPolicy": "cilium" if i % 40 else "none", "outboundType": "loadBalancer", "podCidr": "10.244.0.0/16"},
        "apiServerAccessProfile": {"enablePrivateCluster": True, "authorizedIPRanges": ["203.0.113.0/24"]},
        "autoUpgradeProfile": {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"},
        "oidcIssuerProfile": {"enabled": True}, "securityProfile": {"defender": {"securityMonitoring": {"enabled": i % 30 != 0}}, "workloadIdentity": {"enabled": True}},
        "addonProfiles": {"azurepolicy": {"enabled": True}, "omsagent": {"enabled": True, "config": {"logAnalyticsWorkspaceResourceID": "/subscriptions/" + "w" * 120}}},
        "agentPoolProfiles": [{"name": f"pool{k}", "count": 3, "vmSize": "Standard_D4s_v5", "osDiskType": "Ephemeral", "mode": "System" if not k else "User", "enableNodePublicIP": False, "enableEncryptionAtHost": True, "maxPods": 50, "vnetSubnetID": "/subscriptions/" + "s" * 120, "osSKU": "AzureLinux", "availabilityZones": ["1", "2", "3"]} for k in range(3)],
        "padding": "p" * 200,
    }  # fmt: skip
    one = {"id": f"/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c{i}", "name": f"c{i}", "type": "microsoft.containerservice/managedclusters", "location": "westeurope", "resourceGroup": "rg", "subscriptionId": "s", "sku": {"name": "Base", "tier": "Standard"}, "properties": properties, "tags": {"owner": f"team-{i % 9}"}}  # fmt: skip
    return [one.get(name) for name, _ in RESOURCES]


def controls(count: int) -> list[str]:
    """Return control queries over clusters."""
    return [
        f"resources | where type =~ 'microsoft.containerservice/managedclusters' | project id, pass = {CHECKS[i % len(CHECKS)]}, path = 'c{i}', observed = '', expected = ''"
        for i in range(count)
    ]


def pool_controls(count: int) -> list[str]:
    """Return control queries over pools."""
    checks = (
        "pool.enableNodePublicIP != true",
        "pool.enableEncryptionAtHost == true",
        "pool.osDiskType =~ 'Ephemeral'",
        "pool.maxPods >= 30",
    )
    return [
        "resources | where type =~ 'microsoft.containerservice/managedclusters' | mv-expand pool = properties.agentPoolProfiles "
        f"| project id, pass = {checks[i % len(checks)]}, path = strcat('pool ', pool.name), observed = '', expected = '{i}'"
        for i in range(count)
    ]


def compile_times() -> None:
    """Compile the 391 public queries; the peer translates them in the same run."""
    if not QUERIES.exists():
        print("not measured: ../shared is not there")
        return
    texts = [msgspec.json.decode(line)["kql"] for line in QUERIES.read_bytes().splitlines()]
    database = Database("arg")
    for name in TABLES:
        database.add_table(name, RESOURCES, [])
    database.compile(texts[0])
    times = []
    for text in texts:
        begin = time.perf_counter()
        try:
            database.compile(text)
        except Exception as error:  # noqa: BLE001 - counted, not hidden
            print("refused:", str(error)[:100])
        times.append(time.perf_counter() - begin)
    times.sort()
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    print(
        f"compile, 391 public queries: median {median * 1000:.2f} ms (at most 1), p99 {p99 * 1000:.2f} ms (at most 5)"
    )
    python = PEERS / "python"
    if (
        python.exists()
        and not subprocess.run(
            [python, "-c", "import duckdb_kql"], capture_output=True, check=False
        ).returncode
    ):
        out = subprocess.run(
            [python, "-c", PEER, str(QUERIES)], capture_output=True, text=True, check=True
        ).stdout.split()
        print(
            f"duckdb-kql 1.1.2: median {float(out[0]) * 1000:.2f} ms, p99 {float(out[1]) * 1000:.2f} ms: {float(out[0]) / median:.1f} times ours (at least 4)"
        )
    else:
        print("duckdb-kql is not installed beside: no ratio")


def import_time() -> None:
    """Import the package in fresh processes."""
    code = "import time; b = time.perf_counter(); import seawall.kql; print(time.perf_counter() - b)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    print(f"import of seawall.kql: {statistics.median(runs) * 1000:.0f} ms (at most 60)")


def judging(count: int) -> None:
    """Load clusters, shred what the controls read, judge them."""
    names = [name for name, _ in RESOURCES]
    lines = b"\n".join(msgspec.json.encode(dict(zip(names, cluster(i), strict=True))) for i in range(count))
    begin = time.perf_counter()
    database = Database()
    database.add_jsonl("resources", RESOURCES, lines)
    loaded = time.perf_counter()
    texts = controls(40) + pool_controls(11)
    plans = database.prepare(texts)
    prepared = time.perf_counter()
    judged = database.judge_all(plans)
    done = time.perf_counter()
    again = call(lambda: database.judge_all(plans))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{count:6} clusters, {len(lines) / 1e6:.0f} MB of JSON lines: load {loaded - begin:.2f} s, prepare {prepared - loaded:.2f} s, "
        f"51 controls {(done - prepared) * 1000:.0f} ms (again {again * 1000:.0f} ms), in all {done - begin:.2f} s; "
        f"{sum(one.failed for one in judged)} failed; {memory:.2f} GB"
    )
    database.close()


def main() -> None:
    """Print all figures."""
    import_time()
    compile_times()
    for count in (500, 5_000, 50_000):
        judging(count)
