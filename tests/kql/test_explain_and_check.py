"""A row is explained by the engine itself; obstacles in Resource Graph follow specs/posture.md b.6."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError
from seawall.kql.check import obstacles
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


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("resources | join kind=fullouter (resources) on id", "no join of kind fullouter"),
        ("resources | evaluate bag_unpack(properties)", "no operator evaluate"),
        ("resources | lookup (resources) on id", "no lookup"),
        ("resources | mv-expand tags limit 500", "at most 400"),
        ("print 1", "no operator print"),
        ("let f = (x:long) { x }; resources | where f(1) == 1", "no functions"),
        ("resources" + " | join (resources | project id) on id" * 4, "3 joins"),
    ],
)
def test_obstacles_are_named(query, reason):
    assert any(reason in one.reason for one in obstacles(query))


def test_observed_profile_allows_what_public_queries_use():
    assert obstacles("resources | join kind=fullouter (resources) on id", "arg-observed") == []
    assert obstacles("resources | where type =~ 'a' | project id", "arg-documented") == []
