"""The same cluster in every input form gets the same findings."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from seawall.controls import Catalogue, Options, assess
from seawall.core import Outcome
from seawall.sources import read_paths
from support.estates import NOW

_FILE = Path(__file__).parents[1] / "sources" / "forms.py"
_SPEC = importlib.util.spec_from_file_location("source_forms", _FILE)
forms = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(forms)
DOCUMENTS = forms.every_form()
CATALOGUE = Catalogue()


def findings(tmp_path, document):
    file = tmp_path / "cluster.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    report = assess(read_paths([str(file)]), CATALOGUE, Options(now=NOW, include_passed=True))
    assert report.unread == ()
    return {
        (item.control, item.subject.name, item.evidence[0].path): item
        for item in report.findings
        if item.subject.kind.startswith("microsoft.containerservice/managedclusters")
    }


@pytest.fixture
def reference(tmp_path):
    return findings(tmp_path, forms.ARM)


@pytest.mark.parametrize("form", sorted(DOCUMENTS))
def test_the_same_findings(tmp_path, reference, form):
    assert len(reference) > 40
    found = findings(tmp_path, DOCUMENTS[form])
    assert found.keys() == reference.keys()
    for key, item in found.items():
        assert (item.outcome, item.evidence) == (reference[key].outcome, reference[key].evidence), key


@pytest.mark.parametrize("form", sorted(DOCUMENTS))
def test_every_failure_has_its_line(tmp_path, form):
    for item in findings(tmp_path, DOCUMENTS[form]).values():
        if item.outcome is Outcome.FAIL:
            assert item.locations[0].line >= 1, item.control
