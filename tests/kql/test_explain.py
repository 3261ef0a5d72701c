"""A row is explained by the engine itself."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError
from seawall.kql.explain import explain

QUERY = "resources\n| where type == 'k'\n| where properties.enableRBAC == false or properties.pods.max > 2"


@pytest.fixture
def database():
    out = Database()
    rows = [
        ["a", "k", {"enableRBAC": False}],
        ["b", "k", {"pods": {"max": 3}}],
        ["c", "k", {"enableRBAC": True}],
    ]
    out.add_table("resources", [("id", "string"), ("type", "string"), ("properties", "dynamic")], rows)
    yield out
    out.close()


def test_the_deciding_predicate_and_the_smallest_change(database):
    told = explain(database, QUERY, "a")
    assert told.included
    assert [(p.path, p.observed, p.held) for p in told.predicates] == [
        ("type", "k", True),
        ("properties.enableRBAC", False, True),
        ("properties.pods.max", None, None),
    ]
    assert (told.change.path, told.change.before, told.change.after) == ("properties.enableRBAC", False, True)


def test_a_number_changes_to_the_border(database):
    told = explain(database, QUERY, "b")
    assert (told.change.path, told.change.after) == ("properties.pods.max", 2)


def test_a_row_that_is_not_in_the_answer_needs_no_change(database):
    told = explain(database, QUERY, "c")
    assert not told.included
    assert told.change is None


def test_an_unknown_row_is_an_error(database):
    with pytest.raises(KqlError, match="no row"):
        explain(database, QUERY, "zzz")
