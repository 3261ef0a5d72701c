"""Operators beyond the documentation's examples. Expected values follow from the pages' definitions, by hand."""

from __future__ import annotations

import pytest

from seawall.kql import Database
from seawall.kql.errors import KqlError


@pytest.fixture
def database():
    made = Database()
    made.add_table(
        "A", [("s", "string"), ("l", "string"), ("v", "long")], [("x", "Error", 1), ("y", "Info", 2)]
    )
    made.add_table("B", [("s", "string"), ("l", "string"), ("w", "long")], [("x", "Error", 5)])
    yield made
    made.close()


def rows(query, database=None):
    return (database or Database()).query(query).rows


NESTED = "range x from 1 to 2 step 1 | extend a = dynamic([[1, 2], [3, 4]])"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            f"{NESTED} | mv-apply a on (mv-apply b = a to typeof(long) on (where b > x) | summarize c = count(), t = sum(b))",
            [[1, 3, 9], [2, 2, 7]],
        ),
        (
            f"{NESTED} | mv-apply a on (extend y = 10 | mv-apply b = a to typeof(long) on (extend z = b + y) | summarize m = max(z))",
            [[1, 14], [2, 14]],
        ),
        (
            "range x from 1 to 6 step 1 | extend k = x % 2, j = x % 3 | partition by k (partition by j (top 1 by x) | count)",
            [[3], [3]],
        ),
        (
            (
                "range x from 1 to 6 step 1 | extend k = x % 2, a = dynamic([1, 2])"
                " | partition by k (mv-apply a to typeof(long) on (summarize s = sum(a)) | summarize sum(s))"
            ),
            [[9], [9]],
        ),
        (
            (
                "let S = range y from 1 to 6 step 1; range x from 1 to 3 step 1 | partition by x {S | where y % 3 == x | top 1 by y}"
                " | sort by y asc"
            ),
            [[4], [5]],
        ),
    ],
)
def test_pipelines_within_pipelines(query, expected):
    assert rows(query) == expected


def test_scan_begins_anew_in_each_partition():
    query = (
        "range x from 1 to 6 step 1 | extend g = x % 2 | sort by x asc"
        " | scan with_match_id = m partition by g declare (c:long = 0) with (step s: true => c = s.c + x;)"
    )
    assert sorted(rows(query)) == [
        [1, 1, 1, 1],
        [2, 0, 2, 0],
        [3, 1, 4, 1],
        [4, 0, 6, 0],
        [5, 1, 9, 1],
        [6, 0, 12, 0],
    ]


def test_scan_puts_out_the_last_of_a_run():
    query = (
        "datatable(k:string, n:int)['a', 1, 'a', 2, 'b', 3, 'b', 4, 'a', 5, 'b', 6] | serialize"
        " | scan with (step s1 output=last: k == 'a'; step s2 output=last: k == 'b';) | project n"
    )
    assert rows(query) == [[2], [4], [5], [6]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("print 9223372036854775807 + 1", -9223372036854775808),
        ("print -9223372036854775807 - 10", 9223372036854775799),
        ("print long(9223372036854775807) * long(9223372036854775807)", 1),
        ("range x from 9223372036854775807 to 9223372036854775807 step 1 | project x * 2", -2),
    ],
)
def test_whole_numbers_overflow_as_in_dotnet(query, expected):
    """Kusto's long is System.Int64, whose unchecked arithmetic keeps the low 64 bits."""
    assert rows(query) == [[expected]]


def test_states_of_hll_and_tdigest_are_gathered_and_merged():
    query = (
        "range x from 1 to 10 step 1 | summarize h = hll(x % 3), t = tdigest(x) by g = x % 2"
        " | summarize m = hll_merge(h), t = tdigest_merge(t)"
        " | project dcount_hll(m), percentile_tdigest(t, 50, typeof(long)), percentiles_array_tdigest(t, dynamic([10, 90])),"
        " rank_tdigest(t, 5)"
    )
    assert rows(query) == [[3, 5, [1.0, 9.0], 5.0]]


def test_aggregates_of_decimals_are_exact():
    query = "datatable(d:decimal)[decimal(0.1), decimal(0.2), decimal(null)] | summarize min(d), max(d), avg(d), sum(d)"
    assert rows(query) == [["0.1", "0.2", "0.15", "0.3"]]


def test_find_without_columns_shows_common_ones_and_packs_the_rest(database):
    assert rows("find where s == 'x'", database) == [
        ["A", "x", "Error", {"v": 1}],
        ["B", "x", "Error", {"w": 5}],
    ]
    assert rows("find in (A) where s == 'x'", database) == [["A", "x", "Error", 1]]


@pytest.mark.parametrize("text", ["ingress", "INGRESS x", "a-gateway", "x.ingress.y"])
def test_has_any_finds_whole_terms(text):
    query = (
        f"print t = '{text}' | project t has_any ('ingress', 'gateway'), t has 'ingress' or t has 'gateway'"
    )
    assert rows(query) == [[True, True]]
    assert rows("print t = 'ingresses' | project t has_any ('ingress', 'gateway')") == [[False]]


def test_rows_before_mv_apply_are_numbered_once():
    """A join in front has no order of its own: both readings of it must see the same rows."""
    query = (
        "range x from 1 to 500 step 1 | extend k = x % 7 | join kind=inner (range k from 0 to 6 step 1 | extend a = range(0, k, 1)) on k"
        " | mv-apply a to typeof(long) on (summarize s = sum(a)) | where s != k * (k + 1) / 2"
    )
    assert rows(query) == []


def test_what_cannot_be_run_is_refused_by_name():
    with pytest.raises(KqlError) as caught:
        rows("range x from 1 to 2 step 1 | partition by x {print y = 1 | summarize max(x)}")
    assert caught.value.kind in {"unsupported", "semantic"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            (
                "datatable(id:string, t:datetime)['a', datetime(2024-01-01), 'b', datetime(2024-01-01), 'a', datetime(2024-01-02), 'c', datetime(2024-01-02)]"
                " | evaluate activity_metrics(id, t, datetime(2024-01-01), datetime(2024-01-03), 1d) | project-away t | where dcount_newvalues == 1"
            ),
            [[2, 1, 0.5, 0.5]],
        ),
        (
            (
                "datatable(d:string, id:string, t:long)['x', 'a', 1, 'y', 'a', 1, 'x', 'a', 2, 'x', 'b', 2]"
                " | evaluate activity_counts_metrics(id, t, 1, 2, 1, d) | sort by t asc, d asc"
            ),
            [[1, "x", 1, 1, 1, 1], [1, "y", 1, 1, 1, 1], [2, "x", 2, 2, 1, 2]],
        ),
        ("print s = dynamic([1, 4, 2, 5, 3, 6]) | project series_seasonal(s, 2)", [[[2.0, 5.0] * 3]]),
        (
            "set query_bin_auto_size=10; set query_bin_auto_at=3; range x from 12 to 13 step 1 | project bin_auto(x)",
            [[3], [13]],
        ),
        ("print a = 1, b = 'four', c = now() | project estimate_data_size(*)", [[20]]),
    ],
)
def test_activity_and_series(query, expected):
    assert rows(query) == expected


SALES = (
    "let T = datatable(region:string, seller:string, item:string, v:long)["
    "'N','a','p',5, 'N','a','q',3, 'N','b','p',2, 'N','c','r',1, 'S','a','p',9, 'S','b','q',1, 'E','a','p',1, 'W','b','',2];"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # one record for what is left over at each level, under each value above; a level without a name for
        # others stays empty there, a deeper one with a name shows its aggregate over all of them
        (
            (
                "T | top-nested 2 of region with others='other regions' by sum(v), top-nested 1 of seller by sum(v),"
                " top-nested 1 of item with others='other items' by sum(v)"
            ),
            [
                ["N", 11, "", None, "other items", 3],
                ["N", 11, "a", 8, "other items", 3],
                ["N", 11, "a", 8, "p", 5],
                ["S", 10, "", None, "other items", 1],
                ["S", 10, "a", 9, "p", 9],
                ["other regions", 3, "", None, "other items", 3],
            ],
        ),
        # the aggregate is over the rows that are left, not over the other groups' aggregates
        (
            "T | top-nested 1 of region with others='rest' by avg(v)",
            [["S", 5.0], ["rest", 14 / 6]],
        ),
        # nothing is left: no record
        ("T | where region == 'N' | top-nested 3 of region with others='rest' by count()", [["N", 4]]),
        ("T | where region == 'N' | top-nested of region with others='rest' by count()", [["N", 4]]),
        # a number for others of a numeric column
        ("T | where region == 'N' | top-nested 1 of v with others=-1 by max(v) asc", [[-1, 5], [1, 1]]),
    ],
)
def test_top_nested_with_others(query, expected):
    assert sorted(rows(SALES + query), key=lambda row: [str(cell) for cell in row]) == expected


def test_others_are_named_by_a_value_of_the_column_s_type():
    with pytest.raises(KqlError, match="cannot be named by a string"):
        rows(SALES + "T | top-nested 1 of v with others='rest' by count()")


SEEN = (
    "let T = datatable(who:string, at:datetime, k:long)['a', datetime(2024-01-01), 1, 'a', datetime(2024-01-02 05:00), 1,"
    " 'a', datetime(2024-01-02 06:00), 1, 'b', datetime(2024-01-02), 1, 'b', datetime(2024-01-05), 2];"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # the median of the last two bins; a dimension has bins of its own
        (
            "range i from 1 to 6 step 1 | evaluate rolling_percentile(i, 50, i, 2, 2)",
            [[0, 1], [2, 2], [4, 3], [6, 5]],
        ),
        (
            "range i from 1 to 6 step 1 | extend k = i % 2 | evaluate rolling_percentile(i, 100, i, 10, 1, k)",
            [[0, 0, 6], [0, 1, 5]],
        ),
        # rows around those that meet the condition, as many before as after unless said otherwise
        (
            "range i from 1 to 9 step 1 | serialize | evaluate rows_near(i == 4, 1) | project i",
            [[3], [4], [5]],
        ),
        (
            "range i from 1 to 9 step 1 | serialize | evaluate rows_near(i in (1, 8), 1, 0) | project i",
            [[1], [7], [8]],
        ),
        # two times on one day are one day; what lies as far back as the window is wide is outside of it
        (
            f"{SEEN} T | evaluate active_users_count(who, at, datetime(2024-01-01), datetime(2024-01-31), 2d, 1d, 2, 7d)",
            [[638396640000000000, 1]],
        ),
        (
            f"{SEEN} T | evaluate active_users_count(who, at, datetime(2024-01-01), datetime(2024-01-31), 3d, 1d, 2, 7d, k)",
            [[638396640000000000, 1, 1]],
        ),
        (
            f"{SEEN} T | evaluate active_users_count(who, at, datetime(2024-01-01), datetime(2024-01-31), 4d, 1d, 2, 7d)",
            [[638396640000000000, 2]],
        ),
        # pivot takes the aggregates of its page
        (
            "datatable(k:string, s:string, v:long)['a', 'x', 1, 'a', 'y', 2, 'b', 'x', 3] | evaluate pivot(s, make_list(v), k)",
            [["a", [1], [2]], ["b", [3], []]],
        ),
    ],
)
def test_plugins_of_windows_and_columns(query, expected):
    assert rows(query) == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            "range i from 1 to 9 step 1 | where i > 1 | project i | evaluate rows_near(i == 4, -1)",
            "order|whole number",
        ),
        ("range i from 1 to 9 step 1 | evaluate rolling_percentile(i, 50, i, 2, 1.5)", "whole number"),
        (f"{SEEN} T | evaluate active_users_count(who, at, 1, 2, 2d, 1d, 2, 7d)", "takes a datetime"),
        (
            "datatable(s:string, v:long)['x', 1] | evaluate pivot(s, percentile(v, 50))",
            "pivot takes no percentile",
        ),
        (
            "let f = (T:(a:long)) {T | extend c = b}; datatable(a:long, b:long)[1, 2] | invoke f()",
            "no column 'b'",
        ),
    ],
)
def test_what_plugins_do_not_take(query, reason):
    with pytest.raises(KqlError, match=reason):
        rows(query)
