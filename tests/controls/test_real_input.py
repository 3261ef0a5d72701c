"""Input that no one here wrote: templates with labels in their names, and two real estates."""

from __future__ import annotations

import json

import pytest

from seawall.controls import Catalogue, Options, assess
from seawall.core import Outcome
from seawall.sources import read_paths
from support import SHARED, missing, shared
from support.command import seawall
from support.estates import NOW

CATALOGUE = Catalogue()
TEMPLATES = sorted((SHARED / "data/posture/checkov-arm-aks").rglob("*.json"))
CONTROLS = {
    "AKSApiServerAuthorizedIpRanges": "api-authorized-ip-ranges",
    "AKSDashboardDisabled": "dashboard-off",
    "AKSEncryptionAtHostEnabled": "encryption-at-host",
    "AKSEphemeralOSDisks": "ephemeral-os-disks",
    "AKSLocalAdminDisabled": "local-accounts-disabled",
    "AKSLoggingEnabled": "container-insights",
    "AKSMaxPodsMinimum": "pods-per-node",
    "AKSNetworkPolicy": "network-policy-engine",
    "AKSPoolTypeIsScaleSet": "scale-set-pools",
    "AKSRbacEnabled": "rbac-enabled",
    "AKSUpgradeChannel": "auto-upgrade-channel",
}
NO_DASHBOARD = "the add-on is not named: a cluster has had no dashboard by default since 1.19, so it is off"
NO_ENTRA = "without Entra ID local accounts cannot be disabled (specs b.11): there is nothing to judge"
LABELS_THAT_ARE_WRONG = {
    "AKSDashboardDisabled/AKSDashboardDisabled-FAILED.json": ("pass", NO_DASHBOARD),
    "AKSDashboardDisabled/AKSDashboardDisabled-FAILED2.json": ("pass", NO_DASHBOARD),
    "AKSDashboardDisabled/AKSDashboardDisabled-FAILED4.json": ("pass", NO_DASHBOARD),
    "AKSLocalAdminDisabled/fail.json": ("not-applicable", NO_ENTRA),
    "AKSLocalAdminDisabled/fail2.json": ("not-applicable", NO_ENTRA),
    "AKSLocalAdminDisabled/pass.json": ("not-applicable", NO_ENTRA),
    "AKSLoggingEnabled/aksLoggingEnabled-FAILED3.json": (
        "unknown",
        "whether the add-on is on hangs on a parameter without a value: it may be either",
    ),
}


def verdict(file):
    """Return what the property under test gets in a template."""
    control = CONTROLS[file.parent.name.removeprefix("example_")]
    options = Options(now=NOW, controls=frozenset({control}), include_passed=True)
    report = assess(read_paths([str(file)]), CATALOGUE, options)
    outcomes = {finding.outcome.value for finding in report.findings} or {"not-applicable"}
    return "fail" if "fail" in outcomes else min(outcomes)


def test_the_labelled_templates_are_there():
    if not TEMPLATES:
        missing("../shared", "data/posture/checkov-arm-aks is not there")
    assert len(TEMPLATES) >= 49
    names = {f"{file.parent.name.removeprefix('example_')}/{file.name}" for file in TEMPLATES}
    assert set(LABELS_THAT_ARE_WRONG) <= names


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_verdicts_agree_with_the_labels(file):
    name = f"{file.parent.name.removeprefix('example_')}/{file.name}"
    label = "fail" if "fail" in file.name.lower() else "pass"
    expected, _reason = LABELS_THAT_ARE_WRONG.get(name, (label, ""))
    assert verdict(file) == expected


@pytest.mark.parametrize(
    ("folder", "unread", "failing"),
    [
        ("aks-store-demo", set(), ("own-service-account", "read-only-root", "no-literal-credentials")),
        # Its overlay patches what it does not hold: kustomize is needed to read it, and is not always there.
        ("aks-baseline", {"workload"}, ("read-only-root",)),
    ],
)
def test_real_estates_are_judged_whole(folder, unread, failing):
    done = seawall("assess", str(shared("data", "real", folder)), "-o", "json")
    data = json.loads(done.stdout)
    assert done.returncode in {1, 4}
    assert {item["path"].rstrip("/").rpartition("/")[2] for item in data["unread"]} <= unread
    assert data["counts"]["objects"] > 10
    found = {item["control"] for item in data["findings"] if item["outcome"] == Outcome.FAIL.value}
    assert set(failing) <= found
    assert not [item for item in data["findings"] if item["outcome"] == "error"]
