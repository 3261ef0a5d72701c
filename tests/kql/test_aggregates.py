"""Aggregates of summarize: what their pages say of empty input, nulls, limits, names and states. Queries are our own."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError, rest


def answer(query):
    result = Database().query(query)
    return [name for name, _ in result.columns], rest.rows(result.rows, result.columns)


def names(query):
    return answer(query)[0]


def row(query):
    (only,) = answer(query)[1]
    return only


EMPTY = "datatable(x:long, d:dynamic, r:real)[] | summarize "


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        # summarize-operator, default values: counts, sums and spreads 0, lists and sets empty, averages NaN, others null
        ("count()", 0),
        ("count(x)", 0),
        ("sumif(x, x > 0)", 0),
        ("stdevif(r, r > 0)", 0.0),
        ("make_set_if(x, x > 0)", []),
        ("make_list_with_nulls(x)", []),
        ("avg(r)", "NaN"),
        ("hll(x)", None),
        ("hll_if(x, x > 0)", None),
        ("hll_merge(d)", None),
        ("tdigest(x)", None),
        ("tdigest_merge(d)", None),
        ("buildschema(d)", None),
        ("percentiles_array(x, 5, 50)", None),
        ("percentilesw_array(x, x, 5, 50)", None),
        ("percentilew(x, x, 5)", None),
        ("binary_all_xor(x)", None),
    ],
)
def test_of_nothing(aggregate, value):
    assert row(EMPTY + aggregate) == [value]


def test_count_of_a_column_counts_its_nulls_too():
    # summarize-operator, examples: count(y) is 2 where one of two is null
    assert answer("datatable(y:real)[1.5, real(null)] | summarize count(y)") == (["count_y"], [[2]])


def test_count_of_a_predicate_is_refused():
    with pytest.raises(KqlError, match=r"count\(\) of a predicate") as caught:
        row("print x = 1 | summarize count(x > 0)")
    assert caught.value.kind == "unsupported"
    assert "countif" in caught.value.hint


def test_the_old_spellings_stop_at_128():
    # make_list, make_set, make_bag: the deprecated versions have a default limit of 128
    query = (
        "range x from 1 to 300 step 1 | summarize array_length(makelist(x)), array_length(makeset(x)),"
        " array_length(makelist(x, 200)), array_length(make_list(x)),"
        " array_length(bag_keys(make_dictionary(bag_pack(tostring(x), x))))"
    )
    assert row(query) == [128, 128, 200, 300, 128]


def test_the_limit_of_a_bag_counts_its_keys():
    bags = "datatable(d:dynamic)[dynamic({'a': 1}), dynamic({'a': 2}), dynamic({'b': 3, 'c': 4}), dynamic('no bag')]"
    assert row(f"{bags} | summarize make_bag(d, 2), make_bag(d)") == [
        {"a": 1, "b": 3},
        {"a": 1, "b": 3, "c": 4},
    ]


@pytest.mark.parametrize(
    ("aggregates", "columns"),
    [
        # all measured on the analyser (npm @kusto/language-service-next 12.4.1)
        ("arg_max(x, y + 1), arg_min(x + 1, y)", ["x", "max_x_arg1", "min_", "y"]),
        ("arg_max(x + 1, y + 1, x + 2)", ["max_", "max__arg1", "max__arg2"]),
        ("m = arg_max(x + 1, y + 1)", ["m", "max__arg1"]),
        ("argmax(x, y), argmin(x, y + 1)", ["max_x", "max_x_y", "min_x", "min_x_arg1"]),
        ("take_any(x + 1, y), any(x, y + 1)", ["any_arg0", "y", "any_x", "any_arg1"]),
        ("take_anyif(x + 1, y > 1)", ["Column1"]),
        ("any(x + 1), take_any(x + 1)", ["any_", "any_arg0"]),
        ("percentile(x, 99.9), percentile(x, 25 + 25)", ["percentile_x_99_9", "percentile_x_"]),
        ("hll_merge(d), tdigest_merge(d), merge_tdigest(d)", ["hll_merge_d", "merge_tdigests_d", "merge_tdigests_d1"]),
        (
            "dcount_hll(hll_merge(d)), percentile_tdigest(merge_tdigest(d), 50)",
            ["dcount_hll_hll_merge_d", "percentile_tdigest_merge_tdigests_d"],
        ),
    ],
)  # fmt: skip
def test_names(aggregates, columns):
    assert names(f"datatable(x:long, y:long, d:dynamic)[] | summarize {aggregates}") == columns


@pytest.mark.parametrize("percent", [0, 0.1, 0.3, 0.7, 1.1, 2.3, 4.1, 7, 28, 29, 55, 57, 99.7, 99.9, 100])
def test_percentiles_are_of_the_nearest_rank(percent):
    # percentiles, "nearest-rank": the smallest value that P percent of all do not exceed; the 0th the smallest
    expected = max(1, -(-1000 * round(percent * 10) // 1000))
    query = (
        f"range x from 1 to 1000 step 1 | summarize percentile(x, {percent}), percentilew(x, 3, {percent})"
    )
    assert row(query) == [expected, expected]


def test_a_weighted_percentile_keeps_every_digit_and_skips_what_has_no_weight():
    rows = "datatable(x:long, w:long)[9007199254740993, 1, 9007199254740992, 1, 1, 0, 2, -5, 3, long(null), long(null), 9]"
    assert row(f"{rows} | summarize percentilesw(x, w, 0, 50, 100)") == [
        9007199254740992,
        9007199254740992,
        9007199254740993,
    ]
    reals = "datatable(x:real, w:long)[1.5, 1, real(+inf), 1, real(nan), 7]"
    assert row(f"{reals} | summarize percentilesw_array(x, w, 50, 100)") == [[1.5, "Infinity"]]


def test_percentiles_of_decimals_are_reals_and_of_dynamics_dynamics():
    result = Database().query(
        "datatable(m:decimal, d:dynamic)[decimal(1.5), dynamic(2), decimal(2.5), dynamic('10')]"
        " | summarize percentile(m, 50), percentile(d, 100)"
    )
    assert [type_ for _, type_ in result.columns] == ["real", "dynamic"]
    assert result.rows == [[1.5, "10"]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("print x = 1 | summarize dcount(x, 9)", "accuracy is 0, 1, 2, 3 or 4"),
        ("print x = 1, y = rand(5) | summarize dcount(x, y)", "column 'y'"),
        ("print x = true | summarize sum(x)", "sum.. of a bool"),
        ("print x = true | summarize avg(x)", "avg.. of a bool"),
        ("print x = dynamic(1) | summarize stdev(x)", "stdev.. of a dynamic"),
        ("print x = dynamic(1) | summarize count_distinct(x)", "count_distinct.. of a dynamic"),
        ("print x = 1 | summarize buildschema(x)", "takes a dynamic"),
        ("print x = 1 | summarize make_list(x, 'two')", "size limit is a whole number"),
        ("print x = 1 | summarize percentile(x, 101)", "between 0 and 100"),
        ("print x = 1 | summarize percentile(x, 'half')", "percentile is a number"),
        ("print x = 1.5 | summarize percentilew(x, x, 5)", "weight is a long"),
        ("print x = 1.5 | summarize percentilesw_array(x, 5)", "takes 3 to 1001 arguments"),
        ("print x = 1.5 | summarize hll(x)", "hll.. of a real"),
        ("print x = dynamic(1) | summarize covariance(x, x)", "covariance.. of a dynamic"),
    ],
)
def test_what_the_analyser_refuses_is_refused(query, message):
    with pytest.raises(KqlError, match=message):
        row(query)


@pytest.mark.parametrize(
    "aggregate",
    ["stdev(t)", "covariance(t, t)", "binary_all_or(r)", "percentile(s, 50)", "percentilew(s, 1, 50)", "sum(d)", "tdigest(m)"],
)  # fmt: skip
def test_what_the_analyser_takes_and_no_page_explains_is_refused_by_name(aggregate):
    with pytest.raises(KqlError) as caught:
        row(
            f"print t = 1h, r = 1.5, s = 'a', d = datetime(2020-01-01), m = decimal(1) | summarize {aggregate}"
        )
    assert caught.value.kind == "unsupported"


def test_decimals_spread_as_reals():
    assert row("datatable(m:decimal)[decimal(1), decimal(3)] | summarize variance(m), covariance(m, m)") == [
        2.0,
        2.0,
    ]


# --- states ------------------------------------------------------------------------------------------------


def test_a_digest_keeps_the_type_of_its_values():
    # percentile-tdigest: a dynamic without a type, the type where one is asked for
    query = (
        "print d = datetime(2007-12-20T11:30:00.0000001Z), t = 1h, l = 9007199254740993, r = 1.5"
        " | summarize d = tdigest(d), t = tdigest(t), l = tdigest(l), r = tdigest(r)"
        " | project percentile_tdigest(d, 100), percentile_tdigest(d, 100, typeof(datetime)),"
        " percentile_tdigest(t, 50), percentile_tdigest(l, 50, typeof(long)), percentile_tdigest(r, 0, typeof(long)),"
        " percentile_tdigest(d, 50, typeof(long))"
    )
    result = Database().query(query)
    assert [type_ for _, type_ in result.columns] == [
        "dynamic",
        "datetime",
        "dynamic",
        "long",
        "long",
        "long",
    ]
    moment = "2007-12-20T11:30:00.0000001Z"
    assert rest.rows(result.rows, result.columns) == [[moment, moment, "01:00:00", 9007199254740993, 1, None]]


def test_ranks_are_of_the_type_of_the_digest():
    # rank-tdigest, percentrank-tdigest: the value is of the type of what was gathered
    query = (
        "range x from 1 to 1000 step 1 | extend d = datetime(2020-01-01) + x * 1d"
        " | summarize t = tdigest(x), d = tdigest(d)"
        " | project rank_tdigest(t, 685), percentrank_tdigest(t, 685.5), rank_tdigest(d, datetime(2020-01-11)),"
        " percentrank_tdigest(d, datetime(2020-01-11)), rank_tdigest(d, 5), rank_tdigest(t, datetime(2020-01-11))"
    )
    assert row(query) == [685.0, 68.5, 10.0, 1.0, None, None]


def test_percentiles_of_a_digest_as_an_array():
    # percentile-array-tdigest: one percentile with a type is the value itself
    query = (
        "range x from 1 to 100 step 1 | summarize t = tdigest(x) | project percentiles_array_tdigest(t, 5, 50),"
        " percentiles_array_tdigest(t, dynamic([5, 50]), typeof(real)), percentiles_array_tdigest(t, 50, typeof(int))"
    )
    result = Database().query(query)
    assert [type_ for _, type_ in result.columns] == ["dynamic", "dynamic", "int"]
    assert result.rows == [[[5, 50], [5.0, 50.0], 50]]


def test_digests_of_one_type_merge_and_weights_add_up():
    query = (
        "range x from 1 to 10 step 1 | summarize t = tdigest(x, x) by x % 2 | summarize t = tdigest_merge(t)"
        " | project percentile_tdigest(t, 50), rank_tdigest(t, 10), tdigest_merge(t, t)[2][0]"
    )
    assert row(query) == [7, 55.0, 2]
    mixed = "print t = 1h, x = 5 | summarize t = tdigest(t), x = tdigest(x) | project tdigest_merge(t, x)"
    assert row(mixed) == [None]


def test_infinities_live_in_a_digest():
    reals = "datatable(x:real)[1.5, real(+inf), real(-inf), real(nan), real(null)] | summarize t = tdigest(x)"
    assert row(f"{reals} | project percentile_tdigest(t, 0), percentile_tdigest(t, 50, typeof(real)), rank_tdigest(t, 2.0)") == [
        "-Infinity",
        1.5,
        2.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "state", ["[1]", "['a']", "[[1],[2],[3]]", "[['long'],[1,2],[1]]", "{'a': 1}", "'x'"]
)
def test_what_is_no_state_has_no_percentiles(state):
    query = (
        f"print t = dynamic({state}) | project percentile_tdigest(t, 50), rank_tdigest(t, 1),"
        " percentiles_array_tdigest(t, 5), tdigest_merge(t, t)"
    )
    assert row(query) == [None, None, None, None]


def test_a_state_of_too_many_values_is_refused_not_cut():
    with pytest.raises(KqlError, match="distinct values"):
        row("range x from 1 to 1048577 step 1 | summarize hll(x)")


def test_a_set_sees_values_beyond_the_longest_array():
    assert row("range x from 1 to 1048600 step 1 | summarize s = make_set(x / 1048577) | project s") == [
        [0, 1]
    ]


def test_states_of_days_tell_who_came_back():
    # using-hll-tdigest, intermediate results: by states the same as by a join, page by page
    views = """let views = datatable(page:string, day:long)['a', 1, 'b', 1, 'c', 1, 'a', 2, 'd', 2, 'a', 3, 'b', 3];
    """
    by_states = """views | summarize pages = hll(page, 2) by day | mv-expand other = range(1, 3) to typeof(long)
    | extend first = min_of(day, other), last = max_of(day, other), seen = dcount_hll(pages)
    | summarize (one, ones) = arg_min(day, seen), (two, twos) = arg_max(day, seen), all = dcount_hll(hll_merge(pages)) by first, last
    | where two > one | project one, two, both = ones + twos - all"""
    by_join = """views | join kind=inner views on page | where day < day1 | summarize both = count() by one = day, two = day1"""
    assert (
        sorted(answer(views + by_states)[1])
        == sorted(answer(views + by_join)[1])
        == [[1, 2, 1], [1, 3, 2], [2, 3, 1]]
    )
