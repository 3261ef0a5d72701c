"""Null rules of Kusto (docs: scalar-data-types/null-values, quoted in specs/posture.md b.1)."""

from __future__ import annotations

import pytest

from seawall.kql import Database

CLUSTERS = [
    ["off", {"enableRBAC": False}],
    ["on", {"enableRBAC": True}],
    ["absent", {}],
    ["null", {"enableRBAC": None}],
    ["text", {"enableRBAC": "false"}],
    ["nothing", None],
]


@pytest.fixture(params=["few rows", "shredded rows"])
def database(request):
    """The same answers from JSON text (few rows) and from typed columns (many rows)."""
    database = Database()
    copies = 1 if request.param == "few rows" else 100
    rows = [[name, properties] for name, properties in CLUSTERS for _ in range(copies)]
    if request.param == "shredded rows":
        rows = [row for row in rows if row[0] != "text"]  # one kind of value, so that the leaf is typed
    database.add_table("resources", [("name", "string"), ("properties", "dynamic")], rows)
    yield database
    database.close()


def names(database, query):
    return sorted({row[0] for row in database.query(query + " | project name").rows})


def test_the_seeds_query_does_not_return_a_cluster_without_the_property(database):
    assert names(database, "resources | where properties.enableRBAC == false") == ["off"]


def test_unequal_returns_what_has_no_value(database):
    found = names(database, "where properties.enableRBAC != false")
    assert found == sorted(
        {"on", "absent", "null", "nothing", "text"} & {row[0] for row in database.query("resources").rows}
    )


def test_isnull_sees_absence_and_json_null(database):
    assert names(database, "where isnull(properties.enableRBAC)") == ["absent", "nothing", "null"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("long(null) == long(null)", None),
        ("long(null) == 1", False),
        ("long(null) != 1", True),
        ("long(null) < 1", None),
        ("long(null) + 1", None),
        ("not(bool(null))", None),
        ("bool(null) and false", False),
        ("bool(null) or true", True),
        ("isnull('')", False),
        ("isempty('')", True),
        ("tostring(long(null)) == ''", True),
        ("long(null) in (1, 2)", False),
        ("long(null) !in (1, 2)", True),
    ],
)
def test_null_in_expressions(expression, value):
    database = Database()
    assert database.query(f"print x = {expression}").rows == [[value]]
