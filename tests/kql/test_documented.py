"""Rules of Kusto's documentation that rows once broke; each block names its page. Queries are our own."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError, rest


def ask(query):
    answer = Database().query(query)
    return rest.rows(answer.rows, answer.columns)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # sqrt, log, log2, log10: null for a negative argument; acos, asin: null outside [-1, 1]
        ("sqrt(-4.0)", None),
        ("log(-1.0)", None),
        ("log2(-1.0)", None),
        ("log10(-1.0)", None),
        ("acos(1.5)", None),
        # numerical-operators: 0 <= N % D < abs(D), for every kind of number
        ("14 % -12", 2),
        ("-14 % -12", 10),
        ("-14.5 % 12", 9.5),
        ("-14.5 % -12.0", 9.5),
        ("decimal(-14.5) % decimal(12)", "9.5"),
        # use-aggregation-functions (tutorial): weeks of bin() begin on Mondays
        ("bin(datetime(2007-01-04), 7d)", "2007-01-01T00:00:00.0000000Z"),
        # bin: a negative size gives null
        ("bin(7, -2)", None),
        ("bin(7.5, -2.0)", None),
        # format_datetime: fractions of the table, without trailing zeros for F
        ("format_datetime(datetime(2009-06-15 13:45:30.0001150), 'FFFFFFF')", "000115"),
        ("format_datetime(datetime(2009-06-15 13:45:30), 'h.FF tt')", "1. PM"),
        # datetime_diff: weeks begin on Sundays
        ("datetime_diff('week', datetime(2017-10-29), datetime(2017-09-30 23:59))", 5),
        # null-values: a value beside a null is never equal, a dynamic of another kind neither
        ("dynamic('text') == long(null)", False),
        ("dynamic('text') != long(null)", True),
        ("dynamic(null) == long(null)", None),
        # the last month and year end with the last datetime there is
        ("endofyear(datetime(9999-05-05))", "9999-12-31T23:59:59.9999999Z"),
        ("startofmonth(datetime(9999-12-31), 1)", None),
        ("startofday(datetime(9999-12-31), 1)", None),
        ("endofmonth(datetime(0001-01-31), -1)", None),
        # a null stays null inside an array, of whatever type
        ("pack_array(timespan(null), datetime(null), 1d)", [None, None, "1.00:00:00"]),
        ("extract_all('(a)(b)?', 'ab a')", [["a", "b"], ["a", ""]]),
    ],
)  # fmt: skip
def test_a_value_is_what_its_page_says(expression, value):
    assert ask(f"datatable(one:long)[1] | project x = {expression}") == [[value]]


REALS = "datatable(x:real)[0.0, real(nan), 5.0, real(null), real(-inf), real(+inf)]"


@pytest.mark.parametrize(
    ("order", "rows"),
    [
        # sort: NaN stands beside the nulls, never among the numbers
        ("x asc", [None, "NaN", "-Infinity", 0.0, 5.0, "Infinity"]),
        ("x desc", ["Infinity", 5.0, 0.0, "-Infinity", "NaN", None]),
        ("x asc nulls last", ["-Infinity", 0.0, 5.0, "Infinity", "NaN", None]),
        ("x desc nulls first", [None, "NaN", "Infinity", 5.0, 0.0, "-Infinity"]),
    ],
)
def test_special_reals_are_sorted_as_the_table_of_sort_shows(order, rows):
    assert ask(f"{REALS} | sort by {order}") == [[value] for value in rows]


def test_a_real_that_is_no_number_is_neither_above_nor_equal():
    # real: the same representation as .NET's System.Double
    assert ask(f"{REALS} | where x > 0 | sort by x asc") == [[5.0], ["Infinity"]]
    assert ask("datatable(x:real)[real(nan)] | project x == x, x != x, x < 1, x >= 1") == [
        [False, True, False, False]
    ]


@pytest.mark.parametrize(
    "query",
    [
        # refused by Microsoft's analyser: KS201, KS134, KS107, KS141, KS133
        "let a = 1; let a = 2; print a",
        "let F = (x:long) { let x = 1; x }; print F(2)",
        "print substring('abc', 1.5)",
        "print startofday('2020-01-01')",
        "print toguid(5)",
        "print format_datetime(now(), '')",
        # not among the specifiers and delimiters of the page
        "print format_datetime(now(), 'yyyy-MM-ddTHH')",
        # beyond the years 1 to 9999: an error with words, never a traceback
        "datatable(d:datetime)[datetime(9999-12-31)] | project tostring(d + 2d)",
    ],
)
def test_what_kusto_refuses_is_refused(query):
    with pytest.raises(KqlError):
        Database().query(query)


def test_a_datetime_out_of_range_is_told_when_it_is_written():
    answer = Database().query("print x = datetime(9999-12-31) + 2d")
    with pytest.raises(KqlError, match="years 1 to 9999"):
        rest.rows(answer.rows, answer.columns)


@pytest.mark.parametrize(
    "expression",
    [
        "row_rank_min()",
        "row_rank_dense()",
        "iscolumnexists(dynamic([2]))",
        "iscolumnexists()",
        "indexof_regex(s, 'a', 'b')",
        "indexof_regex(s)",
        "extract_all('(a)', dynamic(['x']), s)",
    ],
)
def test_arguments_that_do_not_fit_are_an_error_with_words(expression):
    with pytest.raises(KqlError):
        Database().query(f"datatable(s:string)['a'] | serialize | project x = {expression}")


def test_a_series_to_a_huge_power_answers_at_once():
    assert ask(
        "print x = series_pow(dynamic([2, 3]), 9223372036854775807), y = series_pow(dynamic([2, 3]), 2)"
    ) == [[["Infinity", "Infinity"], [4.0, 9.0]]]
