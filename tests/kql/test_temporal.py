"""Timespans as .NET reads and writes them (docs: scalar data types, timespan; TimeSpan.Parse)."""

from __future__ import annotations

import pytest

from seawall.kql import Database
from seawall.kql.temporal import format_timespan, parse_timespan

SECOND = 10_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("01:02:03", 3723),
        ("1:30:00", 5400),
        ("12:34", 45240),
        ("-01:30:00", -5400),
        ("1.02:03:04", 93784),
        ("1:02:03:04", 93784),
        ("1.02:03", 93780),
        ("-1.02:03:04.5", -93784.5),
        ("00:00:01.5", 1.5),
        ("0.00:00:00.0000001", 1e-7),
        ("3", 259_200),
        ("-3", -259_200),
        ("1.5h", 5400),
        ("90m", 5400),
        ("2 days", 172_800),
    ],
)
def test_a_timespan_is_read_and_written_back(text, seconds):
    ticks = parse_timespan(text)
    assert ticks == round(seconds * SECOND)
    assert parse_timespan(format_timespan(ticks)) == ticks


@pytest.mark.parametrize(
    "text", ["", "-", "1.5", "25:00", "00:60", "1:2:3:4:5", "1.2.3", "one", "9" * 30, "٣"]
)
def test_what_is_none_is_none(text):
    assert parse_timespan(text) is None


def test_timespans_of_tables_and_of_texts():
    database = Database()
    database.add_table("T", [("t", "timespan")], [["-01:30:00"], ["00:00:02"], [None]])
    query = "T | where t < 1h | extend u = totimespan('01:30:00'), v = time(1.00:00:00) + t, w = tostring(t)"
    [row] = database.query(f"{query} | where t < 0s").rows
    assert row == [-5400 * SECOND, 5400 * SECOND, 81_000 * SECOND, "-01:30:00"]
