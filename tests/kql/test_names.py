"""Names and types of columns as Microsoft's analyser gives them (npm @kusto/language-service-next 12.4.1, 2026-11-21).

Each line was put to the analyser; `python -m bench kql_analyser` puts thousands of others to it where Node and the
package are at hand.
"""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError

COLUMNS = [
    ("s", "string"),
    ("S", "string"),
    ("i", "int"),
    ("l", "long"),
    ("r", "real"),
    ("b", "bool"),
    ("d", "datetime"),
    ("t", "timespan"),
    ("y", "dynamic"),
    ("m", "decimal"),
]


def ask(query):
    database = Database()
    database.add_table(
        "T", COLUMNS, [["a b", "X", 1, 2, 0.5, True, "2020-01-02", "01:00:00", {"k": [1]}, "1.5"]]
    )
    return [f"{name}:{kind}" for name, kind in database.query(query).columns]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Given names stand, derived ones give way; a given one behind a derived one gets a number, too.
        ("T | project tolong(s), s=b, round(r,1)", "s:long s1:bool r:real"),
        ("T | project s, tolong(s)", "s:string s1:long"),
        ("T | project tolong(s), tostring(s), s", "s:long s1:string s2:string"),
        ("T | summarize count() by tolong(s), s", "s:long s1:string count_:long"),
        ("T | summarize max(l), max_l=min(l)", "max_l:long max_l1:long"),
        ("T | summarize arg_max(l, s), s=count()", "l:long s:string s1:long"),
        ("T | distinct tolong(s), s", "s:long s1:string"),
        ("T | project Column1=1, strcat(s,S)", "Column1:long Column11:string"),
        ("T | project strcat(s,S), Column1=1, strcat(S,s)", "Column1:string Column11:long Column2:string"),
        # One row of numbers goes through the query, nested tables and let tables included.
        ("T | extend strcat(s,S) | project strcat(s,S)", "Column2:string"),
        ("T | project strcat(s,S), l+1 | project strcat(Column1,'x')", "Column3:string"),
        ("T | extend strcat(s,S) | summarize count()*2", "Column2:long"),
        ("T | join (T | project s, strcat(s,S)) on s | project strcat(s,S)", "Column2:string"),
        ("let X = T | project strcat(s,S); X | project strcat(Column1,'a')", "Column2:string"),
        ("let X = T | extend strcat(s,S); T | project strcat(s,'a')", "Column2:string"),
        ("let f = (x:long) { T | project l+x }; f(1) | project strcat('a','b')", "Column1:string"),
        ("T | mv-apply y on (project l+1) | project l+2", "Column2:long"),
        ("T | project s | extend Column1=5, l=1 | extend l+1", "s:string Column1:long l:long Column2:long"),
        # extend replaces; of two new columns of one name the last counts; serialize replaces nothing.
        ("T | project s, y | extend tostring(y.k), y.k", "s:string y:dynamic y_k:dynamic"),
        ("T | project s, y | extend y.k, y_k=1", "s:string y:dynamic y_k:long"),
        ("T | project s | extend tolong(s), s", "s:long"),
        ("T | project s, l | serialize l=2", "s:string l:long l1:long"),
        # A second name of a join is one that neither side has.
        ("T | project s, l | join (T | project l, s, s1=1, s2=2) on l", "s:string l:long l1:long s3:string s1:long s2:long"),
        ("T | project s, l | join kind=inner (T | project l, s1=1, s, l1=3) on l", "s:string l:long l2:long s1:long s2:string l1:long"),
        ("T | project s, l, s1=1 | join (T | project l, s, s1=1) on l", "s:string l:long s1:long l1:long s2:string s11:long"),
        # `*` leaves out what is a key, not what a key is made of.
        ("T | project s,l,i | summarize arg_max(l,*) by s=tolower(s)", "s:string l:long s1:string i:int"),
        ("T | project s,l,i | summarize arg_max(l,*) by q=s", "q:string l:long i:int"),
        ("T | project s,l,i | summarize arg_max(i+1,*) by bin(l,5)", "l:long max_:long s:string l1:long i:int"),
        ("T | summarize arg_max(m, s), arg_min(m)", "m:decimal s:string m1:decimal"),
        # Columns below and beside.
        ("T | project y, s | mv-apply y on (where true)", "s:string y:dynamic"),
        ("T | project S, l, s, b | project-reorder * asc", "b:bool l:long S:string s:string"),
        ("T | project array_sort_asc(y, y.k), array_sort_desc(y)", "y_sorted:dynamic y_k_sorted:dynamic y_sorted1:dynamic"),
        ("print array_sort_asc(dynamic([1]), dynamic([2]))", "array0_sorted:dynamic array1_sorted:dynamic"),
        ("T | summarize array_sort_asc(make_list(l))", "list_l_sorted:dynamic"),
        ("T | project dynamic({'a':1}).a, dynamic([1])[0]", "a:dynamic 0:dynamic"),
        ("T | project -i, -int(3), bin(m, 0.5), ceiling(i)", "Column1:long Column2:int m:decimal i:int"),
        ("T | summarize binary_all_and(i), binary_all_or(l)", "i:int l:long"),
    ],
)  # fmt: skip
def test_columns_are_named_and_typed_as_the_analyser_does(query, expected):
    assert " ".join(ask(query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        "T | project s=b, s",
        "T | project s, s",
        "T | extend q=1, q=2",
        "T | summarize s=count() by s",
        "T | distinct q=s, q=S",
        "T | summarize by s, s",
        "T | project coalesce(s, l)",
        "T | project datetime_part('x', d)",
        "T | project datetime_diff(s, d, d)",
        "T | project countof(s, 'a', 'x')",
    ],
)
def test_what_the_analyser_refuses_is_refused(query):
    with pytest.raises(KqlError):
        ask(query)


def test_columns_that_are_left_out_after_summarize_do_not_change_its_groups():
    """GROUP BY counts columns: leaving one out, or another order, must not touch what is grouped by."""
    rows = [("a", "x", 1), ("a", "y", 2), ("b", "x", 3)]
    database = Database()
    database.add_table("T", [("p", "string"), ("q", "string"), ("n", "long")], rows)
    for steps, expected in (
        ("summarize c=sum(n) by p, q | project-away p", [["x", 1], ["y", 2], ["x", 3]]),
        ("summarize c=sum(n) by p, q | project-keep c", [[1], [2], [3]]),
        ("summarize c=sum(n) by p, q | project-reorder c", [[1, "a", "x"], [2, "a", "y"], [3, "b", "x"]]),
        ("summarize by p, q | project-away q", [["a"], ["a"], ["b"]]),
        ("top-hitters 1 of p | project-away p", [[2]]),
    ):
        assert sorted(database.query(f"T | {steps}").rows) == sorted(expected)


def test_decimals_are_ordered_and_compared_by_value():
    database = Database()
    texts = ["10", "9.5", "-1.5", "-1.51", "0", "0.001", "-100", "100.25", "1e-7"]
    database.add_table("T", [("m", "decimal")], [[text] for text in texts])
    shown = [row[0] for row in database.query("T | order by m asc").rows]
    assert shown == ["-100", "-1.51", "-1.5", "0", "0.0000001", "0.001", "9.5", "10", "100.25"]
    assert database.query("T | where m > 9 and m <= 10.0 | count").rows == [[2]]
    assert database.query("T | summarize arg_max(m), a=arg_min(m, m)").rows == [["100.25", "-100", "-100"]]
    assert database.query("T | where m == 9.5 | project bin(m, 2)").rows == [["8"]]


def test_texts_of_other_types_and_values_of_the_wrong_shape():
    database = Database()
    database.add_table("T", [("l", "long"), ("y", "dynamic")], [[102, [1, "a"]]])
    query = "T | project tolower(l), split(l, '0'), substring(l, 1), strcat_array(y, tostring(l)), tdigest_merge(y, y)"
    assert database.query(query).rows == [["102", ["1", "2"], "02", "1102a", None]]
    for call in (
        "unixtime_seconds_todatetime(real(nan))",
        "array_split(y, y)",
        "series_pearson_correlation(y, y)",
        "ipv4_is_in_any_range(dynamic([1]), y)",
    ):
        assert database.query(f"T | project x = {call}").rows == [[None]]
