from __future__ import annotations

import pytest

from seawall.controls import Catalogue, Options, assess
from seawall.core import UsageError
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
