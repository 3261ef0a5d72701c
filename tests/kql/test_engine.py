"""The engine's own promises: errors with a place, a locked database, limits, names and types, the decide line."""

from __future__ import annotations

import sys
import weakref
from datetime import UTC, datetime

import msgspec
import pytest

from seawall.core import EngineOptions, FixedClock
from seawall.kql import Database, KqlError, Limits, Opening
from seawall.kql.decide import engine


def ask(query, **options):
    database = Database(**options)
    database.add_table(
        "T",
        [
            ("s", "string"),
            ("S", "string"),
            ("i", "int"),
            ("l", "long"),
            ("r", "real"),
            ("d", "datetime"),
            ("t", "timespan"),
            ("y", "dynamic"),
        ],
        [["a", "A", 1, 2, 0.5, "2020-01-02T03:04:05.1234567Z", "1.02:03:04", {"k": [1, {"z": "v"}], "K": 2}]],
    )
    return database.query(query)


def test_columns_that_differ_in_case_stay_apart():
    assert ask("T | project s, S").rows == [["a", "A"]]
    assert ask("T | project y.k[0], y.K, y.k[-1].z").rows == [[1, 2, "v"]]


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        # measured on Microsoft's analyser, npm @kusto/language-service-next 12.4.1
        ("T | project tostring(s), i + i, y.a.b, y['a b'], y[0]", "s:string Column1:long y_a_b:dynamic y_a b:dynamic y_0:dynamic"),
        ("T | summarize count(), dcount(s), make_list(s), percentile(l, 50), max(d), countif(true) by bin(d, 1h), tolower(s)",
         "d:datetime Column1:string count_:long dcount_s:long list_s:dynamic percentile_l_50:long max_d:datetime countif_:long"),
        ("T | summarize arg_max(l, s, i)", "l:long s:string i:int"),
        ("T | summarize count(), count()", "count_:long count_1:long"),
        ("T | summarize any(s), take_any(s), strcat(max(s), 'a'), round(sum(r), 2)", "any_s:string s:string Column1:string sum_r:real"),
        ("T | project s, l | join kind=leftouter (T | project s, l, q=1) on s", "s:string l:long s1:string l1:long q:long"),
        ("T | project s, l | lookup (T | project s, l, z=1) on s", "s:string l:long l1:long z:long"),
        ("T | project s | union (T | project s=1, k=2)", "s_string:string s_long:long k:long"),
        ("union withsource=X (T | project s), (T | project s)", "X:string s:string"),
        ("T | count", "Count:long"),
        ("print 1, x=2, 'a', 1d", "print_0:long x:long print_2:string print_3:timespan"),
        ("T | project t/t, t*l, d-d, d-t, l/i, r/l, l%i", "Column1:real Column2:timespan Column3:timespan Column4:datetime Column5:long Column6:real Column7:long"),
        ("T | project iff(true,1,2.0), case(true,i,l), strlen(s), gettype(s), round(r), bin(l,5), abs(i)", "Column1:real Column2:long strlen_s:long type_s:string r:real l:long i:long"),
        ("T | top-nested 3 of s by count()", "s:string aggregated_s:long"),
        ("T | project s, y | mv-apply y on (summarize count())", "s:string count_:long"),
        ("T | project s, y | mv-expand with_itemindex=ix y to typeof(long)", "s:string y:long ix:long"),
        ("T | make-series sum(l) default=0 on d from datetime(2020) to datetime(2021) step 1d by s", "s:string sum_l:dynamic d:dynamic"),
    ],
)  # fmt: skip
def test_names_and_types_are_the_analysers(query, columns):
    assert " ".join(f"{name}:{type_}" for name, type_ in ask(query).columns) == columns


@pytest.mark.parametrize(
    ("query", "line", "column", "text"),
    [
        ("T\n| where s ==", 2, 13, "the query ends here"),
        ("T | where nope == 1", 1, 11, "no column 'nope'"),
        ("T | wher s == 1", 1, 5, "not an operator"),
        ("T | where s == 'a", 1, 16, "not closed"),
        ("T | extend x = nofunc(1)", 1, 16, "no function nofunc"),
        ("T | make-graph a --> b", 1, 5, "make-graph is not supported"),
        ("externaldata (a:string) ['http://x']", 1, 1, "externaldata is not supported"),
        ("T | extend g = geo_angle(1,2,3,4,5,6)", 1, 16, "geo_angle() is not supported"),
        ("T | where s > 'a'", 1, 13, "not defined"),
        ("T | where i has 'a'", 1, 13, "not defined"),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(query, line, column, text):
    with pytest.raises(KqlError) as caught:
        ask(query)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert text in caught.value.message
    assert caught.value.excerpt.endswith("^")


def test_now_is_one_moment_and_can_be_fixed():
    clock = FixedClock(datetime(2026, 11, 21, 8, tzinfo=UTC))
    out = Database(clock=clock).query("print a = now(), b = ago(1d), c = now() == now()")
    from seawall.kql import rest

    assert rest.rows(out.rows, out.columns) == [
        ["2026-11-21T08:00:00.0000000Z", "2026-11-20T08:00:00.0000000Z", True]
    ]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("print x = 'a' | where x == \"'; DROP TABLE b1; --\"", []),
        ("T | where s == \"x' OR '1'='1\" | project s", []),
        ("T | extend ['a\"; select 1'] = 1 | project ['a\"; select 1']", [[1]]),
    ],
)
def test_texts_cannot_leave_their_quotes(query, rows):
    assert ask(query).rows == rows


def test_the_connection_is_locked():
    database = Database()
    for sql in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/x.db'",
        "SET threads = 4",
        "SET enable_external_access = true",
    ):
        with pytest.raises(database._duckdb.Error):
            database._connection.execute(sql)


def test_time_and_rows_are_limited():
    with pytest.raises(KqlError, match="took longer") as caught:
        ask(
            "range x from 1 to 10000000 step 1 | extend k = 1 | join kind=inner (range y from 1 to 10000000 step 1 | extend k = 1) on k | summarize sum(x * y % 7)",
            limits=Limits(seconds=0.3),
        )
    assert caught.value.kind == "limit"
    out = ask("range x from 1 to 100 step 1", limits=Limits(rows=10))
    assert len(out.rows) == 10
    assert out.truncated


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "print " + "-" * 5000 + "1",
        "T" + " | where (s == 'a')" * 3000,
        "print x = " + "[" * 400,
        "let f = () { f() }; f()",
        "print dynamic(" + "[" * 300 + "]" * 300 + ")",
    ],
)
def test_nesting_ends_in_a_typed_error_or_an_answer(text):
    outcome = "answer"
    try:
        ask(text)
    except KqlError as error:
        outcome = error.kind
    assert outcome in ("answer", "limit", "syntax", "semantic", "unsupported", "runtime")


def test_judging_counts_and_keeps_what_did_not_pass():
    database = Database()
    database.add_table(
        "resources",
        [("id", "string"), ("properties", "dynamic")],
        [[f"r{i}", {"on": i % 10 != 0} if i % 7 else {}] for i in range(1000)],
    )
    judged = database.judge(
        "resources | project id, pass = tobool(properties.on), path = 'properties.on', observed = properties.on, expected = true"
    )
    assert (judged.evaluated, judged.passed, judged.failed, judged.unknown) == (1000, 772, 85, 143)
    assert len(judged.rows) == 85 + 143


def test_the_decide_line_writes_kustos_forms():
    answer = engine("kql", EngineOptions()).answer(
        {
            "query": "t | project a, b, c, x = real(nan), g, n = int(null)",
            "tables": {"T": {"columns": [["a", "datetime"], ["b", "timespan"], ["c", "dynamic"], ["g", "guid"]], "rows": [["2020-01-01", "1.00:00:01", {"k": [1, None]}, "74BE27DE-1E4E-49D9-B579-FE0B331D3642"]]}},
            "profile": "arg",
        }
    )  # fmt: skip
    assert answer == {
        "columns": [
            ["a", "datetime"],
            ["b", "timespan"],
            ["c", "dynamic"],
            ["x", "real"],
            ["g", "guid"],
            ["n", "int"],
        ],
        "rows": [
            [
                "2020-01-01T00:00:00.0000000Z",
                "1.00:00:01",
                {"k": [1, None]},
                "NaN",
                "74be27de-1e4e-49d9-b579-fe0b331d3642",
                None,
            ]
        ],
    }
    assert msgspec.json.encode(answer)


def test_reading_queries_does_not_import_duckdb():
    import subprocess

    code = "import sys, seawall.kql, seawall.kql.compiler, seawall.kql.lint; assert not {'duckdb', '_duckdb', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_thousand_mutated_queries_give_answers_or_typed_errors():
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location(
        "kql_fuzz", Path(__file__).parents[2] / "bench" / "kql_fuzz.py"
    )
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    outcomes, broken = fuzz.run(1000, 11)
    assert broken == []
    assert outcomes["answer"] > 20


def test_scan_follows_sequences_as_documented():
    # docs: scan-operator, "Tag session begin" with sequences; the same answer as the page's
    query = """
    datatable (Ts: timespan, Event: string) [0m, "A", 1m, "Start", 2m, "B", 3m, "D", 4m, "Stop", 6m, "C", 8m, "Start", 11m, "E", 12m, "Stop"]
    | sort by Ts asc
    | scan with_match_id=m_id with (
        step s1: Event == "Start";
        step s2: Event != "Start" and Event != "Stop" and Ts - s1.Ts <= 5m;
        step s3: Event == "Stop" and Ts - s1.Ts <= 5m;
    )
    | project Event, m_id"""
    assert Database().query(query).rows == [
        ["Start", 0],
        ["B", 0],
        ["D", 0],
        ["Stop", 0],
        ["Start", 1],
        ["E", 1],
        ["Stop", 1],
    ]


def test_a_database_that_opened_ahead_is_as_locked_as_any_and_is_given_once():
    opening = Opening()
    first, second = Database(opening=opening), Database(opening=opening, plain=True)
    first.add_table("t", [("a", "long")], [(1,), (2,), (None,)])
    second.add_table("t", [("a", "long")], [(3,)])
    assert first.query("t | where a != 1 | count").rows == [[2]]
    assert second.query("t | join kind=inner (t) on a | project a, a1").rows == [[3, 3]]
    for database in (first, second):
        with pytest.raises(Exception, match=r"locked|lock_configuration"):
            database._connection.execute("SET threads = 2")
        with pytest.raises(Exception, match="disabled"):
            database._connection.execute("SELECT * FROM read_text('/etc/hostname')")


def test_an_opening_with_other_limits_is_not_taken_for_these():
    limits = Limits(memory="64MB")
    assert Database(limits=limits, opening=Opening()).query("print 1").rows == [[1]]


def test_a_database_that_is_let_go_is_closed_at_once():
    """No timer holds it: closed by a timer's thread while the process ends, DuckDB would abort it."""
    for _ in range(200):
        database = Database()
        assert database.query("print 1").rows == [[1]]
        held = weakref.ref(database)
        del database
        assert held() is None
