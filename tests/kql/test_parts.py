"""mv-apply and partition: steps over all parts at once give what the same steps give part by part.

The second way is the definition (docs: the subquery is applied to each subtable, and the union is returned); the
first is how it is computed where it can be. Both are asked the same random questions.
"""

from __future__ import annotations

import random

import pytest

from seawall.kql import Database, KqlError
from seawall.kql.bind import parts
from seawall.kql.errors import Whole

ROWS = (
    "let T = materialize(datatable(k:string, j:long, v:long, r:real, a:dynamic)["
    "'a', 1, 5, 0.5, dynamic([3, 1, 2]), 'a', 2, 3, 1.5, dynamic([]), 'b', 1, 7, real(null), dynamic([1]),"
    "'b', 1, long(null), 2.0, dynamic(null), '', 2, 2, -1.0, dynamic({'x': 1, 'y': 2}), 'a', 2, 9, 0.0, dynamic([5, 5, 4])]);"
)
STEPS = (
    "where v > 2",
    "where v >= 0 and j == 1",
    "where isnull(v) or v > 4",
    "extend z = coalesce(v, 0) + j",
    "project k, v, j",
    "project-away r",
    "project-rename w2 = v",
    "top 2 by v asc, j asc",
    "sort by v asc, j asc | extend n = row_number(), p = prev(v)",
    "sort by v asc, j asc | extend c = row_cumsum(coalesce(v, 0))",
    "sort by v asc, j asc | take 1",
    "summarize s = sum(v), c = count()",
    "summarize c = count() by j",
    "summarize m = max(v), l = make_set(j) by k",
    "summarize dcount(v), avg(r)",
    "summarize percentile(v, 50)",
    "summarize make_list(v) by j",
    "count",
    "distinct j",
    "mv-expand q = range(1, j) to typeof(long)",
    "mv-apply q = range(1, j) to typeof(long) on (summarize t = sum(q))",
    "partition by j (summarize x = count(), y = sum(v))",
    "partition by j (top 1 by v asc)",
    "parse k with x:string 'b'",
    "sort by v asc, j asc | scan declare (acc:long = 0) with (step s: true => acc = s.acc + 1;)",
)
AROUND = (
    "partition by k ({})",
    "partition by j ({})",
    "mv-apply v = a to typeof(long) on ({})",
    "mv-apply w = a to typeof(long) on (extend v = coalesce(w, v) | {})",
)


def answer(query):
    database = Database()
    try:
        result = database.query(query)
    except KqlError as error:
        return error.kind
    finally:
        database.close()
    return result.columns, sorted(map(repr, result.rows))


def one_by_one(*_):
    raise Whole("each part is a table of its own", 0)


@pytest.mark.parametrize("seed", range(4))
def test_all_at_once_and_one_by_one_are_the_same(monkeypatch, seed):
    rnd = random.Random(seed)  # noqa: S311 - chosen once, the same each time
    queries = [
        f"{ROWS} T | {rnd.choice(AROUND).format(' | '.join(rnd.choices(STEPS, k=rnd.randint(1, 3))))}"
        for _ in range(60)
    ]
    at_once = [answer(query) for query in queries]
    monkeypatch.setattr(parts.Parts, "steps", one_by_one)
    assert at_once == [answer(query) for query in queries]
    assert sum(isinstance(one, tuple) for one in at_once) > 30


KV = "datatable(k:string, v:long)['a', 1, 'a', 3, 'b', 4, 'b', 4]"
ARRAYS = "datatable(k:string, a:dynamic)['a', dynamic([1, 2]), 'b', dynamic([3]), 'c', dynamic([])]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # operators that take a whole table
        (
            f"{KV} | partition hint.strategy=native by k (make-series n = count() default = 0 on v from 1 to 5 step 1 by k)",
            [["a", [1, 0, 1, 0], [1, 2, 3, 4]], ["b", [0, 0, 0, 2], [1, 2, 3, 4]]],
        ),
        (f"{KV} | partition by k (top-nested 1 of v by max(v))", [[3, 3], [4, 4]]),
        (f"{KV} | partition by k (top-hitters 1 of k)", [["a", 2], ["b", 2]]),
        (f"{KV} | partition by k (sample-distinct 1 of k)", [["a"], ["b"]]),
        (f"{KV} | partition by k (join kind=inner (print v = 3) on v)", [["a", 3, 3]]),
        (f"{KV} | partition by k (summarize v = sum(v) | union (print v = 0))", [[0], [0], [4], [8]]),
        (
            f"{ARRAYS} | mv-apply e = a to typeof(long) on (join kind=inner (print e = 2) on e | project e)",
            [["a", [1, 2], 2]],
        ),
        # a name for the part, and a value of it (docs: partition reference)
        (
            f"{KV} | partition by k (as P | extend share = v * 100.0 / toscalar(P | summarize sum(v)))",
            [["a", 1, 25.0], ["a", 3, 75.0], ["b", 4, 50.0], ["b", 4, 50.0]],
        ),
        (
            "range x from 1 to 2 step 1 | mv-apply y = range(1, x) to typeof(long) on (as E | extend n = toscalar(E | count))",
            [[1, 1, 1], [2, 1, 2], [2, 2, 2]],
        ),
        # a part that lost its rows is summed up all the same; an empty array makes no part
        (f"{KV} | partition by k (where v > 3 | count)", [[0], [2]]),
        (
            f"{ARRAYS} | mv-apply e = a to typeof(long) on (where e > 2 | summarize l = make_list(e)) | project k, l",
            [["a", []], ["b", [3]]],
        ),
        # the order within a part holds
        (f"{KV} | partition by k (sort by v desc | take 1)", [["a", 3], ["b", 4]]),
    ],
)
def test_parts(query, expected):
    assert sorted(Database().query(query).rows, key=repr) == expected


@pytest.mark.parametrize(
    "query",
    [
        (
            "range x from 1 to 60000 step 1 | extend k = x % 3 | partition by k (sort by x desc"
            " | extend p = prev(x), n = row_number() | where n > 1 and p != x + 3)"
        ),
        (
            "range x from 1 to 20000 step 1 | extend a = range(1, x % 7) | mv-apply e = a to typeof(long) on"
            " (extend n = row_number() | where n != e)"
        ),
        "range x from 1 to 60000 step 1 | extend k = x % 5 | partition by k (sort by x desc | take 2) | where x < 59991",
    ],
)
def test_the_order_within_a_part_holds_over_many_rows(query):
    assert Database().query(f"{query} | count").rows == [[0]]


def test_columns_that_depend_on_each_part_s_data_are_refused_by_name():
    with pytest.raises(KqlError, match="plugin whose columns depend") as caught:
        Database().query(f"{KV} | partition by k (evaluate pivot(v, count(), k))")
    assert caught.value.kind == "unsupported"
