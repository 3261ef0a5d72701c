"""Shredded tables answer as unshredded ones do: the same rows below and above the size where shredding begins."""

from __future__ import annotations

import msgspec
import pytest

from seawall.kql import Database, KqlError, shredding

COLUMNS = [("id", "string"), ("properties", "dynamic"), ("tags", "dynamic")]
ROWS = [
    ["r1", {"a": 1, "s": "x", "b": True, "f": 1.5, "mix": 1, "list": [{"n": 1, "t": "p"}, {"n": 2}], "big": 9223372036854775807}, {"k": "v"}],
    ["r2", {"a": -5, "s": "", "b": False, "f": -2.0, "mix": "1", "list": [], "Big": 1}, None],
    ["r3", {"a": None, "list": None, "mix": {"z": 1}}, {}],
    ["r4", {"list": [None, {"n": "text"}, 7], "s": "é\"'\\", "a.b": {"c d": 4}}, {"k": ["w"]}],
    ["r5", None, None],
]  # fmt: skip
QUERIES = (
    "T | project id, properties.a, properties.s, properties.b, properties.f, properties.mix, properties.big, properties.Big",
    "T | where properties.a < 0 or properties.s == '' | project id",
    "T | where properties.a != 1 | project id",
    "T | where properties.b == true | project id, tostring(properties.f), tolong(properties.mix)",
    "T | where properties.mix == '1' | project id",
    "T | project id, isnull(properties.a), isempty(properties.s), gettype(properties.f), gettype(properties.mix), gettype(properties.zzz)",
    "T | mv-expand x = properties.list | project id, x, x.n, x.t, isnull(x.n)",
    "T | where properties.a == 1 | mv-expand x = properties.list | where x.n > 1 | project id, x.n, properties.s",
    "T | mv-expand x = properties.list to typeof(long) | project id, x",
    "T | mv-expand x = properties.list | project id, properties, x.n",
    "T | mv-expand x = properties.list | summarize count(), make_set(tostring(x.n)) by id",
    "T | extend p = properties | where p.a == 1 | project id, q = p.s",
    "T | project id, properties['a.b']['c d'], properties.s has 'é'",
    "T | join kind=leftouter (T | where properties.b == true | project id, f = properties.f) on id | project id, f, properties.a",
    "T | project id, tags.k, bag_keys(tags)",
)


def answers(database, query):
    rows = database.query(query).rows
    return {msgspec.json.encode(row, order="sorted") for row in rows}, database.compile(query).columns


@pytest.mark.parametrize("query", QUERIES)
def test_many_rows_give_what_few_rows_give(query):
    few, many = Database(), Database()
    few.add_table("T", COLUMNS, ROWS)
    many.add_table("T", COLUMNS, ROWS * (shredding.LEAST_ROWS // len(ROWS) + 1))
    if "summarize" in query:
        query = query.replace("count(), ", "")
    assert answers(many, query) == answers(few, query)
    many.prepare(QUERIES)
    assert answers(many, query) == answers(few, query)


def test_json_lines_load_as_rows_do():
    lines = "\n".join(
        f'{{"id": "r{i}", "properties": {{"a": {i}, "n" : [1, 2.50, null]}}, "other": 1}}' for i in range(3)
    )
    one, two = Database(), Database()
    one.add_jsonl("T", COLUMNS, lines.encode())
    two.add_table("T", COLUMNS, [[f"r{i}", {"a": i, "n": [1, 2.5, None]}, None] for i in range(3)])
    query = "T | project id, properties, text = tostring(properties), tags"
    assert one.query(query).rows == two.query(query).rows
    with pytest.raises(KqlError, match="line 2"):
        one.add_jsonl("T", COLUMNS, b'{"id": "a"}\n{nope}')


def test_a_value_of_another_type_is_named():
    with pytest.raises(KqlError, match="row 2: 'x' is not a long"):
        Database().add_table("T", [("n", "long")], [[1], ["x"]])
