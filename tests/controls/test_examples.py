"""Every control against its own labelled examples: passing, failing, field absent, near miss."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from seawall.controls import Catalogue, Options, assess
from seawall.controls.catalogue import BUILT_IN
from seawall.core import Outcome
from support.estates import NOW, snapshot_of

CATALOGUE = Catalogue()
CASES = [
    (control, example)
    for control in CATALOGUE.controls.values()
    for example in yaml.safe_load(Path(control.file.removesuffix(".kql") + ".examples.yaml").read_text())
]


def judged(control, given):
    options = Options(now=NOW, controls=frozenset({control.id}), include_passed=True, locate=False)
    return assess(snapshot_of(given), CATALOGUE, options)


def test_every_control_file_can_be_used():
    assert CATALOGUE.broken == []


@pytest.mark.parametrize(
    ("control", "example"), CASES, ids=[f"{control.id}: {example['name']}" for control, example in CASES]
)
def test_example(control, example):
    report = judged(control, example["given"])
    (coverage,) = report.coverage
    assert not coverage.error
    outcomes = {finding.outcome.value for finding in report.findings} or {"not-applicable"}
    # An example that shows several subjects (a good pod beside a bad one) fails where any of them fails.
    shown = "fail" if "fail" in outcomes else min(outcomes)
    assert shown == example["expect"], [
        (finding.outcome.value, finding.evidence) for finding in report.findings
    ]


@pytest.mark.parametrize("control", CATALOGUE.controls.values(), ids=lambda control: control.id)
def test_examples_show_every_side(control):
    examples = [example for owner, example in CASES if owner is control]
    outcomes = Counter(example["expect"] for example in examples)
    names = " ".join(example["name"] for example in examples)
    assert len(examples) >= 3
    if control.header.decides == "query":
        assert outcomes[Outcome.PASS.value], "no example passes"
        assert outcomes[Outcome.FAIL.value], "no example fails"
        assert "absent" in names or "no " in names, "no example shows the field absent"


def test_every_example_file_belongs_to_a_control():
    examples = {path.name.removesuffix(".examples.yaml") for path in BUILT_IN.rglob("*.examples.yaml")}
    assert examples == set(CATALOGUE.controls)
