"""mv-expand, mv-apply, make-series and the windows over rows in an order, as their pages have them."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError, rest


def answer(query):
    result = Database().query(query)
    return [name for name, _ in result.columns], rest.rows(result.rows, result.columns)


def rows(query):
    return answer(query)[1]


ROW = "print a = 0, d = dynamic([3, 1, 2]), k = 1 | mv-apply "


@pytest.mark.parametrize(
    ("steps", "columns", "first"),
    [
        # as the analyser has it: what the steps give under a name of the row stands in its place
        ("d on (project d, k)", ["a", "k", "d"], [0, 1, 3]),
        ("x = d to typeof(long) on (summarize k = sum(x))", ["a", "d", "k"], [0, [3, 1, 2], 6]),
        ("x = d to typeof(long) on (extend k = 's')", ["a", "d", "k", "x"], [0, [3, 1, 2], "s", 3]),
        ("x = d to typeof(long) on (summarize q = sum(x), a = max(k))", ["a", "d", "k", "q"], [1, [3, 1, 2], 1, 6]),
    ],
)  # fmt: skip
def test_columns_of_mv_apply(steps, columns, first):
    found, made = answer(ROW + steps)
    assert (found, made[0]) == (columns, first)


def test_mv_expand_keeps_the_order_of_rows():
    # window-functions: mv-expand is among the operators that preserve it
    query = "range x from 1 to 3 step 1 | sort by x desc | mv-expand y = range(1, 2) | extend n = row_number(), p = prev(x)"
    assert rows(query) == [
        [3, 1, 1, None],
        [3, 2, 2, 3],
        [2, 1, 3, 3],
        [2, 2, 4, 2],
        [1, 1, 5, 2],
        [1, 2, 6, 1],
    ]


def test_arrays_made_of_another_query_expand():
    # using-hll-tdigest, intermediate results: range(0, daycount), where daycount is a toscalar()
    query = "let n = toscalar(range x from 1 to 3 step 1 | count); print a = 1, b = dynamic([7, 8]) | mv-expand b, c = range(1, n) to typeof(long)"
    assert answer(query) == (["a", "b", "c"], [[1, 7, 1], [1, 8, 2], [1, None, 3]])


def test_elements_as_decimals():
    # parameters, Typename: cast only, what does not conform is null
    assert rows("print d = dynamic(['1.5', 2, 3.5]) | mv-expand d to typeof(decimal)") == [
        [None],
        ["2"],
        ["3.5"],
    ]


# --- windows -----------------------------------------------------------------------------------------------

TIMES = """datatable(t:datetime)[datetime(2020-01-01 00:00), datetime(2020-01-01 00:04), datetime(2020-01-01 00:09),
datetime(null), datetime(2020-01-01 00:10), datetime(2020-01-01 00:12), datetime(2020-01-01 00:16)] | serialize """


def sessions(*arguments):
    made = rows(
        f"{TIMES} | project s = format_datetime(row_window_session(t, {', '.join(arguments)}), 'HH:mm')"
    )
    return [start for (start,) in made]


def test_sessions():
    # row-window-session, returns: a session ends where a value reaches or exceeds a bound, and after a null
    assert sessions("1h", "5m") == ["00:00", "00:00", "00:09", "", "00:10", "00:10", "00:10"]
    assert sessions("4m", "1h") == ["00:00", "00:04", "00:09", "", "00:10", "00:10", "00:16"]
    assert sessions("1h", "1h", "t == datetime(2020-01-01 00:12)") == [
        "00:00",
        "00:00",
        "00:00",
        "",
        "00:10",
        "00:12",
        "00:12",
    ]


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("prev(x + 1)", "takes a column"),  # KS109
        ("next(x, 1, x)", "is a constant"),  # KS129
        ("row_cumsum('a')", "an int, a long or a real"),
        ("row_cumsum(1h)", "an int, a long or a real"),
        ("row_rank_dense(d)", "of a dynamic"),
        ("row_cumsum(int(2000000000))", "beyond an int"),
    ],
)
def test_windows_refuse_what_the_analyser_refuses(window, message):
    with pytest.raises(KqlError, match=message):
        rows(f"range x from 1 to 2 step 1 | extend d = dynamic(1) | serialize | extend w = {window}")


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("extend b = row_number(0, x % 2 == 0)", [[1, 0], [2, 0], [3, 1], [4, 0], [5, 1]]),
        ("project x, b = row_rank_min(x / 2)", [[1, 1], [2, 2], [3, 2], [4, 4], [5, 4]]),
        ("serialize b = row_cumsum(x, x == 3)", [[1, 1], [2, 3], [3, 3], [4, 7], [5, 12]]),
        ("where row_number(0, x % 2 == 0) == 0 | extend b = 0", [[1, 0], [2, 0], [4, 0]]),
        (
            "extend b = row_number(1, x == 3) | sort by x desc | extend c = prev(x) | project x, c | take 2",
            [[5, None], [4, 5]],
        ),
    ],
)
def test_windows_over_groups_keep_the_order(operator, expected):
    assert rows(f"range x from 1 to 5 step 1 | sort by x asc | {operator}") == expected


def test_sums_of_ints_are_ints():
    result = Database().query("datatable(i:int)[1, 2] | serialize | project s = row_cumsum(i)")
    assert (list(result.columns), result.rows) == ([("s", "int")], [[1], [3]])


# --- make-series -------------------------------------------------------------------------------------------

POINTS = (
    "datatable(x:long, v:long, g:string)[1, 10, 'a', 2, 20, 'a', 5, 50, 'b'] | make-series s = sum(v) on x "
)


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        # parameters: without a start or an end, those of the data of each series; the end does not count in
        ("from 0 to 6 step 2 by g", [["a", [10, 20, 0], [0, 2, 4]], ["b", [0, 0, 50], [0, 2, 4]]]),
        ("step 1 by g", [["a", [10, 20], [1, 2]], ["b", [50], [5]]]),
        ("from 1 step 2 by g", [["a", [30], [1]], ["b", [0, 0, 50], [1, 3, 5]]]),
        ("to 5 step 2 by g", [["a", [10, 20, 0], [0, 2, 4]]]),
        ("step 2", [[[10, 20, 50], [0, 2, 4]]]),
        # alternate syntax: the stop is inclusive
        ("in range(0, 4, 2)", [[[10, 20, 50], [0, 2, 4]]]),
    ],
)
def test_ends_of_a_series(axis, expected):
    assert rows(POINTS + axis) == expected


def test_ticks_are_counted_exactly():
    # 2,000 years of days: as doubles the last ticks of a day would count for the next
    query = (
        "datatable(t:datetime)[datetime(2020-05-05T23:59:59.9999999)]"
        " | make-series n = count() on t from datetime(0020-01-01) to datetime(2020-05-07) step 1d"
        " | project n[-2], n[-1], array_length(n)"
    )
    assert rows(query)[0][:2] == [1, 0]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        (POINTS + "in range(1, 6, 2)", "unsupported"),  # which place is first is not documented
        (POINTS + "from 0 to 4 step 0", "semantic"),
        (POINTS + "from 0 to 4 step -1", "semantic"),
        (POINTS.replace("sum(v)", "make_list(v)") + "step 1", "unsupported"),  # returns: numeric results only
    ],
)
def test_series_that_are_refused(query, kind):
    with pytest.raises(KqlError) as caught:
        rows(query)
    assert caught.value.kind == kind


def test_real_axes():
    query = "datatable(x:real)[1.5, 2.25, real(nan), real(null), real(+inf)] | make-series n = count() on x from 1.0 to 3.0 step 0.5"
    assert rows(query) == [[[0, 1, 1, 0], [1.0, 1.5, 2.0, 2.5]]]
