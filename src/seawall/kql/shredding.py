"""Shredding: a path below a dynamic column becomes a typed column of its own, once a query asks for it.

Reading a path out of JSON text costs a parse of every row for every query; a typed column costs nothing of the
kind (specs/posture.md (e): 30 to 80 times). All paths that a set of queries wants are taken in one pass.
"""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import extract, json_path, quote
from seawall.kql.catalog import Column, Exploded, Leaf, Table

LEAST_ROWS = 256
"""Below this, a pass over the table costs more than it saves."""

_BITS = {"VARCHAR": 1, "BOOLEAN": 2, "UBIGINT": 4, "BIGINT": 8, "DOUBLE": 16}
_OTHER = 32
_KINDS = {1: "string", 2: "bool", 4: "long", 8: "long", 12: "long", 16: "real"}
_BIT = (
    "CASE json_type({0}) "
    + " ".join(f"WHEN '{kind}' THEN {bit}" for kind, bit in _BITS.items())
    + f" ELSE CASE WHEN {{0}} IS NULL THEN 0 ELSE {_OTHER} END END"
)
"""Which kinds of JSON a column holds, one bit each: sets of names cost six times as much to gather."""


WIDE = 64
"""Columns of JSON text longer than this on average are not repeated for each element of an array."""

ELEMENT = "\0element"


def explode(
    connection: Any,
    table: Table,
    column: str,
    path: tuple[str | int, ...],
    below: list[tuple[str | int, ...]],
    physical: str,
) -> None:
    """Build the expansion of an array, with a column for each path below its elements."""
    from seawall.kql.bind.expand import list_of
    from seawall.kql.bind.values import Ex

    ids = {one.name: one.id for one in table.columns}
    dynamic = [one.id for one in table.columns if one.type == "dynamic"]
    texts = [*dynamic, *(leaf.id for leaf in table.leaves.values() if not leaf.rep)]
    averages = ", ".join(f"avg(length({one}))" for one in texts)
    sizes = connection.execute(f"SELECT {averages} FROM {table.physical}").fetchone()
    absent = frozenset(
        one for one, size in zip(texts, sizes, strict=True) if size is not None and size > WIDE
    )
    kept = [one.id for one in table.columns if one.id not in absent]
    kept += [leaf.id for leaf in table.leaves.values() if leaf.id not in absent]
    leaf = table.leaves.get((column, path))
    source = leaf.id if leaf is not None and not leaf.rep else extract(ids[column], path)
    lists = list_of(Ex("source", "dynamic"), "bag", "")
    if "k_bag_items" in lists:
        # The branch for bags calls Python; an array does not need it, and a bag is expanded as it is written.
        lists = "CASE json_type(source) WHEN 'ARRAY' THEN json_extract(source, '$[*]')::VARCHAR[] ELSE [coalesce(source, 'null')] END"
        bags = connection.execute(
            f"SELECT count(*) FROM (SELECT {source} AS source FROM {table.physical}) WHERE json_type(source) = 'OBJECT'"
        ).fetchone()[0]
        if bags:
            table.bags.add((column, path))
            return
    stage, made = f"{physical}_stage", f"{physical}_x"
    items = ", ".join([*kept, f"unnest({lists}) AS xt"])
    connection.execute(
        f"CREATE TEMP TABLE {stage} AS SELECT * EXCLUDE (xt), nullif(xt, 'null') AS xe FROM (SELECT {items} FROM (SELECT *, {source} AS source FROM {table.physical}))"
    )
    leaves: dict[tuple[str | int, ...], Leaf] = {}
    if below:
        staged = Table(table.name, (*table.columns, Column(ELEMENT, "dynamic", "xe")), stage, 0)
        shred(connection, staged, [(ELEMENT, one) for one in below], made, prefix="x")
        leaves = {one: staged.leaves[ELEMENT, one] for one in below}
    else:
        connection.execute(f"CREATE TABLE {made} AS SELECT * FROM {stage}")
        connection.execute(f"DROP TABLE {stage}")
    old = table.exploded.get((column, path))
    if old is not None:
        connection.execute(f"DROP TABLE {old.physical}")
    table.exploded[column, path] = Exploded(made, "xe", leaves, absent)


def shred(
    connection: Any,
    table: Table,
    paths: list[tuple[str, tuple[str | int, ...]]],
    physical: str,
    prefix: str = "s",
) -> None:
    """Rebuild a table with a column for each path.

    A leaf is typed only when every value of it in the table is of one JSON kind; otherwise (arrays, bags, mixed
    kinds) it stays JSON text, which still spares the parse of everything around it. Absent and null are NULL.
    """
    ids = {column.name: column.id for column in table.columns}
    number = len(table.leaves)
    names = [f"{prefix}{number + i}" for i in range(len(paths))]
    stage = f"{physical}_stage"
    connection.execute(f"CREATE TEMP TABLE {stage} AS {_texts(table, ids, paths, names)}")
    kinds = ", ".join(f"bit_or({_BIT.format(name)})" for name in names)
    found = connection.execute(f"SELECT {kinds} FROM {stage}").fetchone()
    items: list[str] = []
    leaves: dict[tuple[str, tuple[str | int, ...]], Leaf] = {}
    for path, name, seen in zip(paths, names, found, strict=True):
        rep = _KINDS.get(seen, "")
        leaves[path] = Leaf(name, rep)
        sql = {
            "string": f"json_extract_string(s.{name}, '$')",
            "bool": f"(s.{name} = 'true')",
            "long": f"TRY_CAST(s.{name} AS BIGINT)",
            "real": f"TRY_CAST(s.{name} AS DOUBLE)",
        }.get(rep, f"s.{name}")
        items.append(f"{sql} AS {name}")
    if any(leaf.rep == "long" for leaf in leaves.values()):
        _demote(connection, stage, leaves, items)
    connection.execute(
        f"CREATE TABLE {physical} AS SELECT t.*, {', '.join(items)} FROM {table.physical} AS t POSITIONAL JOIN {stage} AS s"
    )
    connection.execute(f"DROP TABLE {stage}")
    connection.execute(f"DROP TABLE {table.physical}")
    table.physical = physical
    table.leaves.update(leaves)


def _texts(
    table: Table, ids: dict[str, str], paths: list[tuple[str, tuple[str | int, ...]]], names: list[str]
) -> str:
    """Select the JSON text of each path; the text of a column is parsed once for all the paths below it."""
    groups: dict[str, list[str]] = {}
    items: list[str] = []
    for (column, path), name in zip(paths, names, strict=True):
        place = json_path(path) if path else None
        if place is None:
            items.append(f"{extract(ids[column], path)} AS {name}")
            continue
        members = groups.setdefault(ids[column], [])
        members.append(quote(place))
        items.append(f"nullif(j_{ids[column]}[{len(members)}]::VARCHAR, 'null') AS {name}")
    taken = "".join(
        f", json_extract({column}, [{', '.join(places)}]) AS j_{column}" for column, places in groups.items()
    )
    return f"SELECT {', '.join(items)} FROM (SELECT *{taken} FROM {table.physical})"


def _demote(
    connection: Any, stage: str, leaves: dict[tuple[str, tuple[str | int, ...]], Leaf], items: list[str]
) -> None:
    """Keep whole numbers beyond 64 bits as JSON text."""
    names = [leaf.id for leaf in leaves.values() if leaf.rep == "long"]
    tests = ", ".join(
        f"count(*) FILTER (WHERE {name} IS NOT NULL AND TRY_CAST({name} AS BIGINT) IS NULL)" for name in names
    )
    row = connection.execute(f"SELECT {tests} FROM {stage}").fetchone()
    for name, count in zip(names, row, strict=True):
        if count:
            path = next(key for key, leaf in leaves.items() if leaf.id == name)
            leaves[path] = Leaf(name, "")
            items[list(leaves).index(path)] = f"s.{name} AS {name}"


__all__ = ["LEAST_ROWS", "quote", "shred"]
