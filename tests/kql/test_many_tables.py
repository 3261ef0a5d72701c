"""union, search and find over several tables and views; expected values follow from the pages' rules, by hand."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError

VIEWS = (
    "let Logs = view () {datatable(id:string, level:string, text:string, version:string)"
    "['a', 'Error', 'disk full', 'v1', 'a', 'Info', 'started', 'v1', 'b', 'Error', 'killed', 'v2']};"
    "let Events = view () {datatable(id:string, level:string, text:string, name:string)"
    "['a', 'Error', 'oom', 'E1', 'c', 'Info', 'pulled image', 'E2']};"
)
ONES = (
    "let One = view () {print x = 1}; let Two = view () {print x = toint(2)}; let Other = () {print x = 3};"
)


def ask(query):
    result = Database().query(query)
    return " ".join(f"{name}:{kind}" for name, kind in result.columns), result.rows


@pytest.mark.parametrize(
    ("query", "columns", "rows"),
    [
        # views stand beside tables for patterns, plain functions do not; they keep their names
        (f"{ONES} union withsource=of O*", "of:string x:long", [["One", 1]]),
        (
            f"{ONES} union withsource=of One, Two",
            "of:string x_long:long x_int:int",
            [["One", 1, None], ["Two", None, 2]],
        ),
        # a column that is called so by itself keeps its name
        (
            f"{ONES} let Three = view () {{print x_long = 3}}; union One, Two, Three",
            "x_long1:long x_int:int x_long:long",
            [[1, None, None], [None, 2, None], [None, None, 3]],
        ),
        (f"{ONES} union kind=inner One, One", "x:long", [[1], [1]]),
        # isfuzzy leaves out what does not exist, also within parentheses and patterns
        (
            f"{ONES} union isfuzzy=true One, (Nowhere | where x > 0), Nobody*, Neither | count",
            "Count:long",
            [[1]],
        ),
        # search: each table's rows, by table; a column that a table lacks is null there
        (
            f"{VIEWS} search in (Logs, Events) 'oom' or version == 'v2' | project-away text",
            "$table:string id:string level:string version:string name:string",
            [["Events", "a", "Error", "", "E1"], ["Logs", "b", "Error", "v2", ""]],
        ),
        (f"{VIEWS} search text:'imag*' | project $table, id", "$table:string id:string", [["Events", "c"]]),
        (f"{VIEWS} search kind=case_sensitive 'error' | count", "Count:long", [[0]]),
        # find: columns of all tables, then those of the predicate, then the rest
        (
            f"{VIEWS} find in (Logs, Events) where id == 'a' and level == 'Error'",
            "source_:string id:string level:string text:string pack_:dynamic",
            [
                ["Events", "a", "Error", "oom", {"name": "E1"}],
                ["Logs", "a", "Error", "disk full", {"version": "v1"}],
            ],
        ),
        (
            f"{VIEWS} find withsource=t in (Logs, Events) where version == 'v2' or name == 'E1' | project-away text",
            "t:string id:string level:string version:string name:string",
            [["Events", "a", "Error", "", "E1"], ["Logs", "b", "Error", "v2", ""]],
        ),
        # a table with none of the columns is left out, whatever the predicate would say of nulls
        (
            f"{VIEWS} find in (Logs, Events) where version != 'v1' project id",
            "source_:string id:string",
            [["Logs", "b"]],
        ),
        (
            f"{VIEWS} find in (Logs, Events) where id == 'b' project text, name, version:string, pack_all()",
            "source_:string text:string name:string version:string pack_:dynamic",
            [["Logs", "killed", "", "v2", {"id": "b", "level": "Error", "text": "killed", "version": "v2"}]],
        ),
        # a bare text, without where
        (f"{VIEWS} find 'image' | project source_, id", "source_:string id:string", [["Events", "c"]]),
    ],
)
def test_over_several_tables(query, columns, rows):
    found, given = ask(query)
    assert found == columns
    assert sorted(given, key=repr) == sorted(rows, key=repr)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f"{ONES} union isfuzzy=true Nowhere, Nobody*", "has no table"),
        (f"{ONES} union Nobody*", "no table is called"),
        (f"{ONES} find in (One, Two) where x == 1 project x", "several types"),
        (f"{VIEWS} find in (Logs) where id == 'a' project nothing", "no column 'nothing'"),
        (f"{VIEWS} find in (Logs) where nothing == 1", "no table has the columns"),
    ],
)
def test_what_is_not_there(query, reason):
    with pytest.raises(KqlError, match=reason):
        ask(query)


NAMES = "print a1 = 1, a20 = 2, a100 = 3, a3 = 4, b = 5"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("a* asc", "a1 a100 a20 a3 b"),
        ("a* desc", "a3 a20 a100 a1 b"),
        ("a* granny-asc", "a1 a3 a20 a100 b"),  # numbers in names as numbers (the analyser's order)
        ("a* granny-desc", "a100 a20 a3 a1 b"),
        ("b, *", "b a1 a20 a100 a3"),
        ("a3, a*", "a3 a1 a20 a100 b"),
    ],
)
def test_columns_reordered(order, expected):
    assert (
        " ".join(name for name, _ in Database().query(f"{NAMES} | project-reorder {order}").columns)
        == expected
    )


def test_a_column_stands_once():
    with pytest.raises(KqlError, match="twice"):
        ask(f"{NAMES} | project-reorder b, b")


@pytest.mark.parametrize(
    ("text", "how", "expected"),
    [
        # both delimiters: spaces around do not count, the first value of a key does
        ("a = 1 ; b =  two words ;a=3", "with (pair_delimiter=';', kv_delimiter='=')", ["1", "two words"]),
        ("b=x=y;noise;a=", "with (pair_delimiter=';', kv_delimiter='=')", ["", "x=y"]),
        (
            "a: 'x, y', b: \"q\"",
            "with (pair_delimiter=',', kv_delimiter=':', quote=\"'\", quote='\"')",
            ["x, y", "q"],
        ),
        (
            "a=(x y) 'b'=2",
            "with (pair_delimiter=' ', kv_delimiter='=', quote='()', quote=\"'\")",
            ["x y", "2"],
        ),
        (
            "a='it%'s' b=%q",
            "with (pair_delimiter=' ', kv_delimiter='=', quote=\"'\", escape='%')",
            ["it's", "%q"],
        ),
        ("a=x y b=z w", "with (pair_delimiter=' ', kv_delimiter='=')", ["x", "z"]),
        ("a=x y b=z w", "with (pair_delimiter=' ', kv_delimiter='=', greedy=true)", ["x y", "z w"]),
        # none: whatever is no letter and no digit delimits; what is not asked for is passed over
        ("12 odd words [b]: 7, a->x.y", "", ["x", "7"]),
        ("a 'one two' b: 'it%'s'", "with (quote=\"'\", escape='%')", ["one two", "it's"]),
        ("[a is x] [b is y]", "with (regex=@'(\\w+) is (\\w+)')", ["x", "y"]),
        ("nothing here", "", ["", ""]),
    ],
)
def test_keys_and_values(text, how, expected):
    database = Database()
    database.add_table("T", [("s", "string")], [(text,)])
    assert database.query(f"T | parse-kv s as (a:string, b:string) {how} | project a, b").rows == [expected]


def test_keys_with_a_delimiter_in_them_are_found():
    query = (
        "print s = 'x user_id: 7, user: 8' | parse-kv s as (user:long, user_id:long) | project user, user_id"
    )
    assert Database().query(query).rows == [[8, 7]]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("pair_delimiter=','", "or none of them"),
        ("quote='abc'", "one character or two"),
        ("escape='ab'", "one character"),
        ("greedy=true", "greedy needs"),
        ("colour='red'", "no option"),
    ],
)
def test_options_that_say_nothing(options, reason):
    with pytest.raises(KqlError, match=reason):
        Database().query(f"print s = 'a=1' | parse-kv s as (a:long) with ({options})")
