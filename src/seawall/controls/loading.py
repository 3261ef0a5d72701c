"""The tables that queries name, loaded into a database: no table and, for controls, no column too many."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from seawall.controls.facts import FACT_TABLES
from seawall.controls.tables import is_built
from seawall.controls.tables import table as table_of_name
from seawall.core import FixedClock
from seawall.kql import Database
from seawall.snapshot.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from seawall.snapshot.tables import Estate

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FEW = 10_000
_SEES_ALL = frozenset({"pack_all", "search", "find", "evaluate", "bag_unpack", "getschema"})


def open_database(
    estate: Estate,
    queries: Iterable[str],
    now: datetime,
    *,
    profile: str = "local",
    narrow: bool = False,
    **options: Any,
) -> Database:
    """Load the tables that the queries name, and no others, into a database that stands at `now`.

    A table is loaded where its name occurs as a word in a query: too many at worst, never too few. With
    `narrow` so are its columns, unless an operator occurs that looks at all of them; that is for controls,
    which name what they show.
    """
    by_query = [_words(query) for query in queries]
    # Over few rows DuckDB's optimizer takes longer than the statements do.
    few = narrow and len(estate.objects) + len(estate.resources) <= _FEW
    database = Database(profile=profile, clock=FixedClock(now), plain=few, **options)
    for name in TABLES:
        # A query may start with an operator: its table is then `resources`.
        asking = by_query if name == "resources" else [words for words in by_query if name in words]
        if (asking or name == "resources") and is_built(name):
            table = table_of_name(name)
            words = frozenset().union(*asking)
            whole = not narrow or not words.isdisjoint(_SEES_ALL)
            kept = [
                place
                for place, column in enumerate(table.columns)
                if whole or not place or column.name.lower() in words
            ]
            schema = [(table.columns[place].name, table.columns[place].type) for place in kept]
            rows = table.rows(estate) if table.rows is not None else iter(())
            if len(kept) < len(table.columns):
                pick = itemgetter(*kept) if len(kept) > 1 else lambda row, place=kept[0]: (row[place],)
                rows = map(pick, rows)
            database.add_table(name, schema, rows)
    for name, facts in FACT_TABLES.items():
        if any(name in words for words in by_query):
            database.add_table(name, facts.columns, facts.rows(now))
    return database


def _words(query: str) -> frozenset[str]:
    """Return the words of a query, and those without the number that a join gives to a second column of a name."""
    words = {word.lower() for word in _WORD.findall(query)}
    return frozenset(words | {word.rstrip("0123456789") for word in words})
