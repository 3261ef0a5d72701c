from __future__ import annotations

import pytest

from seawall.core import Subject
from seawall.report.text import subject_label, value


@pytest.mark.parametrize(
    ("observed", "shown"),
    [
        (None, "absent"),
        ("", '""'),
        ("text", "text"),
        (False, "false"),
        (3, "3"),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_values_are_shown_as_a_reader_writes_them(observed, shown):
    assert value(observed) == shown


def test_subjects_are_named_as_people_name_them():
    cluster = Subject("microsoft.containerservice/managedclusters", "rg", "aks", "/subscriptions/0")
    assert subject_label(cluster) == "AKS cluster rg/aks"
    assert subject_label(Subject("Namespace", "", "shop", "Namespace/shop")) == "Namespace shop"
