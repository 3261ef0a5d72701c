from __future__ import annotations

import csv
import re

import pytest

from seawall.controls import Catalogue, Options, assess
from seawall.core import UsageError
from support import shared
from support.estates import NOW, snapshot_of

CATALOGUE = Catalogue()


def states(given, framework="cis-aks-1.8"):
    report = assess(snapshot_of(given), CATALOGUE, Options(now=NOW, framework=framework, locate=False))
    return {item.id: item.state for item in report.requirements}


def test_every_requirement_of_the_benchmark_is_there_in_its_order():
    found = list(states({"cluster": {}}))
    assert len(found) == 51
    assert found.index("4.1.9") + 1 == found.index("4.1.10")


def test_a_requirement_is_answered_by_its_controls():
    good = states({"cluster": {"properties": {"networkProfile": {"networkPolicy": "cilium"}}}})
    bad = states({"cluster": {"properties": {"networkProfile": {"networkPolicy": "none"}}}})
    assert (good["5.4.4"], bad["5.4.4"]) == ("pass", "fail")
    assert good["4.1.1"] == "not evaluated"
    assert good["4.4.1"] == "not covered"


def test_only_controls_of_the_framework_are_run():
    report = assess(
        snapshot_of({"cluster": {}}), CATALOGUE, Options(now=NOW, framework="cis-aks-1.8", locate=False)
    )
    assert {item.control for item in report.coverage} == {
        control.id for control in CATALOGUE.controls.values() if "cis-aks-1.8" in control.header.mappings
    }


def test_a_framework_that_is_not_there_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        states({"cluster": {}}, "cis-aks-1.9")
    assert "'cis-aks-1.8'" in caught.value.hint


def test_every_mapping_to_the_benchmark_names_a_recommendation_of_it():
    known = set(states({"cluster": {}}))
    for control in CATALOGUE.controls.values():
        assert set(control.header.mappings.get("cis-aks-1.8", ())) <= known, control.id


def test_the_pod_security_standards_are_listed_whole():
    found = states({"cluster": {}}, "pss")
    # k8s.io/pod-security-admission: 12 checks of baseline and 6 of restricted, at 1.34.
    assert (len(found), sum(name.startswith("restricted/") for name in found)) == (18, 6)
    assert found["baseline/sysctls"] == "not covered"


def lines(name):
    return shared("data", "posture", name).read_text(encoding="utf-8").splitlines()


def test_what_others_count_to_the_hardening_guide_is_mapped():
    """kubescape's framework NSA (regolibrary), by the ids that controls.csv gives our controls."""
    members = {row[1] for row in csv.reader(lines("FWName_CID_CName.csv")) if row[0] == "NSA"}
    by_alias = {alias: control for control in CATALOGUE.controls.values() for alias in control.header.aliases}
    theirs = {
        row["id"]: set(re.findall(r"C-\d{4}", row["kubescape"])) & members
        for row in csv.DictReader(lines("controls.csv"))
    }
    missing = {
        alias for alias, ids in theirs.items() if ids and "nsa-cisa" not in by_alias[alias].header.mappings
    }
    # C-0035 is cluster-admin-holders, C-0034 token-mounted-on-purpose: both are mapped, under those.
    assert missing == {"SW-API-08", "SW-ID-04"}
