"""Kusto's documentation examples (kql_doc_cases.jsonl) give the documented rows, or are refused by name.

Tolerances: rows in any order; numbers to nine digits, or to as many as the page prints; an empty cell for null.
"""

from __future__ import annotations

import json
import math
import re

import msgspec
import pytest

from seawall.kql import Database, KqlError, Limits, Principal, rest
from seawall.kql.temporal import parse_datetime, parse_timespan
from support import shared
from support.kql_doc_exceptions import CHANCE, NAMES, REFUSED, SLIPS

PLUGINS = {"geo", "graph"}


def cases():
    lines = shared("data", "posture", "kql_doc_cases.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


def table(markdown):
    lines = [line.strip() for line in markdown.strip().splitlines() if line.strip().startswith("|")]

    def cells(line):
        body = line[1:-1] if line.endswith("|") else line[1:]
        return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", body)]

    return [head.strip("`* ") for head in cells(lines[0])], [cells(line) for line in lines[2:]]


def number(one, two, shown):
    if math.isnan(one) or math.isnan(two):
        return math.isnan(one) and math.isnan(two)
    digits = len(shown.split(".")[-1]) if "." in shown and "e" not in shown.lower() else 0
    return (
        one == two
        or abs(one - two) <= 1e-9 * max(abs(one), abs(two))
        or (digits > 2 and abs(one - two) < 10**-digits)
    )


def close(one, two):
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, int | float) and isinstance(two, int | float):
        return number(float(one), float(two), "")
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(close, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(close(one[key], two[key]) for key in one)
    return one == two


def same(mine, type_, shown):
    shown = shown.strip()
    if len(shown) > 1 and shown[0] == shown[-1] == "`":
        shown = shown[1:-1]
    shown = re.sub(r"<br/?>", " ", shown).replace("&#124;", "|").strip()
    text = rest.text(mine, type_)
    if text.strip() == shown:
        return True
    if mine is None or text == "":
        return shown in ("", "null", "NULL", "N/A")
    if type_ in ("real", "long", "int", "decimal"):
        try:
            return number(float(shown.replace(",", "")), float(text), shown)
        except ValueError:
            return False
    if type_ == "bool":
        return shown.lower() == text.lower() or {"true": "1", "false": "0"}[text] == shown
    if type_ == "datetime":
        return parse_datetime(shown) == mine
    if type_ == "timespan":
        return parse_timespan(shown) == mine
    if type_ == "dynamic":
        try:
            return close(mine, json.loads(shown))
        except ValueError:
            return re.sub(r"\s", "", shown) == re.sub(r"\s", "", text) or shown.strip('"') == text
    return re.sub(r"\s+", " ", text) == re.sub(r"\s+", " ", shown)


def rows_equal(mine, columns, shown):
    left = list(shown)
    if len(mine) != len(left):
        return False
    for row in mine:
        hit = next(
            (
                i
                for i, other in enumerate(left)
                if len(other) == len(row)
                and all(same(x, t, y) for x, (_, t), y in zip(row, columns, other, strict=True))
            ),
            None,
        )
        if hit is None:
            return False
        del left[hit]
    return True


def asker(case, shown):
    """Who the page's query ran as: the page itself says so, in its answer."""
    if not re.search(r"current_principal(_details)?\(", case["kql"]):
        return None
    told = shown[0][0].replace("<br>", " ")
    return Principal.of(json.loads(told) if told.startswith("{") else told)


def judge(case):
    head, shown = table(case["expected_markdown"])
    database = Database(limits=Limits(seconds=3), principal=asker(case, shown))
    try:
        result = database.query(case["kql"])
    except KqlError as error:
        return ("refused" if error.kind == "unsupported" and error.line else "error"), error.message
    finally:
        database.close()
    if len(result.columns) != len(head) or not rows_equal(result.rows, result.columns, shown):
        return "different", str(rest.rows(result.rows, result.columns)[:2])
    names = [name for name, _ in result.columns]
    return ("equal", "") if names == head else ("names", str(names))


@pytest.fixture(scope="module")
def outcomes():
    return [(case, *judge(case)) for case in cases()]


def test_every_case_is_answered_as_documented_or_refused_by_name(outcomes):
    wrong = [
        f"#{i} {case['page']}: {outcome}: {detail}"
        for i, (case, outcome, detail) in enumerate(outcomes)
        if outcome in ("different", "error") and i not in SLIPS and case["family"] not in PLUGINS
    ]
    assert wrong == []


def test_column_names_differ_only_where_the_page_is_off(outcomes):
    assert {i for i, (_, outcome, _) in enumerate(outcomes) if outcome == "names"} <= set(NAMES)


def test_geo_and_graph_are_refused_by_name(outcomes):
    for case, outcome, detail in outcomes:
        if case["family"] in PLUGINS:
            assert outcome == "refused", (case["page"], detail)


def test_what_is_refused_is_on_the_written_list(outcomes):
    refused = {
        i
        for i, (case, outcome, _) in enumerate(outcomes)
        if outcome == "refused" and case["family"] not in PLUGINS
    }
    assert refused - SLIPS.keys() == REFUSED.keys()
    assert sum(1 for _, outcome, _ in outcomes if outcome in ("equal", "names")) == 195


def test_a_slip_that_now_agrees_leaves_the_list(outcomes):
    stale = [i for i in SLIPS.keys() - CHANCE if outcomes[i][1] in ("equal", "names")]
    assert stale == []


def test_zlib_reads_back_what_it_wrote():
    query = (
        "print x = zlib_decompress_from_base64_string(zlib_compress_to_base64_string('1234567890qwertyuiop'))"
    )
    assert Database().query(query).rows == [["1234567890qwertyuiop"]]
