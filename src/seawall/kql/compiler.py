"""Text -> plan: parse, bind, and bind again where shredded leaves are to be had."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.bind.binder import Binder
from seawall.kql.bind.relation import Col
from seawall.kql.bind.values import Ex, to_json
from seawall.kql.errors import Fault, KqlError, locate
from seawall.kql.functions import UDFS
from seawall.kql.parse import parse

if TYPE_CHECKING:
    from seawall.kql.bind.relation import Rel
    from seawall.kql.bind.values import Origin
    from seawall.kql.catalog import Catalog
    from seawall.kql.tree import Query

_UDF = re.compile(r"\bk_[a-z0-9_]+(?=\()")


class Plan(msgspec.Struct, frozen=True):
    """A compiled query.

    Attributes:
        text: the KQL.
        columns: names and KQL types of the answer.
        sql: what DuckDB runs; its columns are in the order of `columns`.
        tables: names of the tables that are read.
        hints: what `render` said, for whoever draws.
        uses_now: whether the SQL takes the parameter `now` (ticks).
        udfs: names of the Python functions that the SQL calls.
        wanted: paths below dynamic columns that would be faster as columns of their own: (table, column, path).
        ignored: names of `set` statements, which have no effect here.
        flat: what follows the SELECT's list, and the list, where the SQL is a plain scan with filters.
    """

    text: str
    columns: tuple[tuple[str, str], ...]
    sql: str
    tables: tuple[str, ...]
    hints: dict[str, Any]
    uses_now: bool
    udfs: tuple[str, ...]
    wanted: tuple[tuple[str, str, tuple[str | int, ...]], ...]
    ignored: tuple[str, ...] = ()
    flat: tuple[str, tuple[str, ...]] | None = None


def udfs_of(sql: str) -> tuple[str, ...]:
    """Find the Python functions that an SQL text calls."""
    return tuple(sorted({name for name in _UDF.findall(sql) if name in UDFS}))


@lru_cache(512)
def read(text: str) -> Query:
    """Parse a text. Trees do not change: one that was read a moment ago is bound again as it is.

    Raises:
        KqlError: what cannot stand where.
    """
    try:
        return parse(text)
    except Fault as fault:
        raise locate(fault, text) from None
    except RecursionError:
        raise KqlError("the query is nested too deeply", kind="limit") from None


def compile_query(text: str, catalog: Catalog, *, wraps: bool = False) -> Plan:
    """Compile a text against a catalog; with `wraps`, whole numbers overflow as Kusto's do.

    Raises:
        KqlError: the text cannot be read, or names or types are off, or a construct is refused.
    """
    query = read(text)
    try:
        plan, binder = _bind(text, query, catalog, {}, wraps=wraps)
        leaves = _leaves(binder, catalog)
        if leaves:
            plan, binder = _bind(text, query, catalog, leaves, wraps=wraps)
        if any(_mentions(plan.sql, one) for one in binder.absent):
            # A column that the expansion does not carry is read after all: expand as written.
            plan, _ = _bind(text, query, catalog, leaves, explode=False, wraps=wraps)
    except Fault as fault:
        raise locate(fault, text) from None
    except RecursionError:
        raise KqlError("the query is nested too deeply", kind="limit") from None
    return plan


def compile_tree(query: Query, catalog: Catalog) -> Plan:
    """Compile a tree that was put together of a query's own parts.

    Raises:
        Fault: as `compile_query`, with offsets into the original text.
    """
    return _bind("", query, catalog, {})[0]


def _leaves(binder: Binder, catalog: Catalog) -> dict[int, list[Origin]]:
    out: dict[int, list[Origin]] = {}
    for origin in sorted(binder.wanted, key=repr):
        table = catalog.tables[binder.scans[origin[0]]]
        _, column, path = origin
        if (column, path) in table.leaves:
            out.setdefault(origin[0], []).append(origin)
        elif "[]" in path:
            at = path.index("[]")
            made = table.exploded.get((column, path[:at]))
            if made is not None and path[at + 1 :] in made.leaves:
                out.setdefault(origin[0], []).append(origin)
    return out


def _scan(rel: Rel) -> str:
    """Write what follows a SELECT's list, always with a WHERE, so that a test can be added."""
    return f" FROM {rel.frm} WHERE {' AND '.join(rel.where) or 'true'}"


def _mentions(sql: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", sql) is not None


def _bind(
    text: str,
    query: Query,
    catalog: Catalog,
    leaves: dict[int, list[Origin]],
    *,
    explode: bool = True,
    wraps: bool = False,
) -> tuple[Plan, Binder]:
    binder = Binder(catalog, leaves, explode=explode, wraps=wraps)
    rel = binder.query(query)
    rel.cols = [Col(col.name, _whole(col.ex)) for col in rel.cols if col.name[:1] != "\0"]
    sql, _ = rel.select()
    sql = binder.head() + sql
    flat = (
        None
        if rel.closed or binder.apart or not rel.frm
        else (_scan(rel), tuple(col.ex.sql for col in rel.cols))
    )
    wanted = sorted({(binder.scans[scan], column, path) for scan, column, path in binder.wanted}, key=repr)
    plan = Plan(
        text,
        tuple((col.name, col.ex.type) for col in rel.cols),
        sql,
        tuple(sorted(binder.tables)),
        binder.hints,
        "$now" in sql,
        udfs_of(sql),
        tuple(wanted),
        tuple(binder.options),
        flat,
    )
    return plan, binder


def _whole(ex: Ex) -> Ex:
    """Write a shredded value as JSON again where it leaves the engine."""
    return Ex(to_json(ex), "dynamic") if ex.rep else ex
