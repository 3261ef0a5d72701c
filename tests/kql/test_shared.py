"""What is a matter of chance is computed as often as Kusto computes it (docs: named expressions, materialize, toscalar)."""

from __future__ import annotations

import pytest

from seawall.kql import Database
from seawall.kql.errors import KqlError

DRAWN = "range x from 1 to 200 step 1 | extend r = rand()"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # one draw a row, however often the column is read
        (f"{DRAWN} | extend a = r, b = r | where a != b | count", [[0]]),
        ("range x from 1 to 3 step 1 | extend g = new_guid() | where g != g | count", [[0]]),
        # materialize: one draw for all uses of the name
        (f"let T = materialize({DRAWN}); T | join kind=inner T on x | where r != r1 | count", [[0]]),
        (f"let T = {DRAWN}; T | join kind=inner T on x | where r == r1 | count", [[0]]),
        (
            "range x from 1 to 1000 step 1 | sample 2 | as hint.materialized=true T | union T | distinct x | count",
            [[2]],
        ),
        (
            (
                "let T = materialize(range x from 1 to 3 step 1 | extend k = strcat('k', x), r = rand());"
                " T | evaluate pivot(k, dcount(r)) | project-keep k* | getschema | count"
            ),
            [[3]],
        ),
        # toscalar: once, also behind a name without parameters; rand() by itself each time
        ("let y = () {toscalar(rand(1000000))}; print a = y, b = y | project a == b", [[True]]),
        (
            "let y = toscalar(new_guid()); range x from 1 to 5 step 1 | extend g = y | distinct g | count",
            [[1]],
        ),
        ("range x from 1 to 5 step 1 | extend g = new_guid() | distinct g | count", [[5]]),
        (f"let m = toscalar({DRAWN} | summarize max(r)); print a = m, b = m | project a == b", [[True]]),
        # operators that read their input twice see the same rows
        (
            (
                "range x from 1 to 1000 step 1 | sample 9 | make-series n = count() default = 0 on x step 1"
                " | project array_sum(n)"
            ),
            [[9.0]],
        ),
        (
            (
                "range x from 1 to 1000 step 1 | sample 9 | top-nested 2 of x with others = -1 by count()"
                " | summarize sum(aggregated_x)"
            ),
            [[9]],
        ),
        # a partition's own query runs once for each key, which is a constant to it
        (
            (
                "let T = datatable(k:string, v:long)['a', 1, 'a', 2, 'b', 3]; T | partition by k"
                " {T | where k == toscalar(k) | extend r = toscalar(rand()) | summarize count(), dcount(r) by k} | sort by k asc"
            ),
            [["a", 2, 1], ["b", 1, 1]],
        ),
        # a text that looks like our own names is a text
        ("let T = print s = 't9.x'; T | extend n = toscalar(T | where s == 't9.x' | count)", [["t9.x", 1]]),
    ],
)
def test_what_is_computed_once(query, expected):
    assert Database().query(query).rows == expected


@pytest.mark.parametrize(
    "query",
    [
        # the documentation's own example of what Kusto refuses, in other words
        (
            "let T = datatable(x:long, y:long)[1, 2, 3, 4]; let f = (k:long) {toscalar(T | where x == k | project y)};"
            " range i from 1 to 3 step 1 | extend y = f(i)"
        ),
        "range i from 1 to 3 step 1 | extend y = toscalar(i)",
    ],
)
def test_toscalar_reads_no_row(query):
    with pytest.raises(KqlError, match=r"row around it|no column 'i'") as caught:
        Database().query(query)
    assert caught.value.line == 1


def test_a_materialized_table_keeps_its_columns_and_order():
    query = (
        "let T = materialize(range x from 1 to 4 step 1 | extend d = bag_pack('a', x), r = rand() | sort by x desc);"
        " T | serialize n = row_number() | project n, a = tolong(d.a), d"
    )
    assert Database().query(query).rows == [[i + 1, 4 - i, {"a": 4 - i}] for i in range(4)]


@pytest.mark.parametrize(
    "query",
    [
        # texts that double with every word are refused before they are written
        "let a0 = range x from 1 to 2 step 1;"
        + "".join(f"let a{i + 1} = a{i} | join a{i} on x;" for i in range(30))
        + "a30 | count",
        "range x from 1 to 3 step 1 | "
        + "partition by x (join (print x = 1) on x | " * 40
        + "count"
        + ")" * 40,
        "range x from 1 to 3 step 1 | top-nested "
        + ", top-nested ".join(f"1 of a{i} = x with others = -1 by count()" for i in range(60)),
    ],
)
def test_what_grows_without_end_is_refused_at_once(query):
    with pytest.raises(KqlError) as caught:
        Database().query(query)
    assert caught.value.kind == "limit"
