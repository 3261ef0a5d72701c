"""The tables that a query may name, and what is known of their columns and shredded leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.principal import Principal
    from seawall.kql.profiles import Profile


class Column(msgspec.Struct, frozen=True):
    """A column of a loaded table: KQL name, KQL type, and its name in DuckDB (which folds case)."""

    name: str
    type: str
    id: str


class Leaf(msgspec.Struct, frozen=True):
    """A value below a dynamic column that has its own physical column. `rep` is empty where it is JSON text."""

    id: str
    rep: str


class Exploded(msgspec.Struct):
    """The elements of an array below a dynamic column, one row each, beside the row's narrow columns.

    `element` is the column with the element's JSON text; `leaves` are paths below the element; `absent` are the
    ids of the row's columns that were too wide to be repeated.
    """

    physical: str
    element: str
    leaves: dict[tuple[str | int, ...], Leaf]
    absent: frozenset[str]


class Table(msgspec.Struct):
    """A loaded table."""

    name: str
    columns: tuple[Column, ...]
    physical: str
    rows: int
    leaves: dict[tuple[str, tuple[str | int, ...]], Leaf] = msgspec.field(default_factory=dict)
    exploded: dict[tuple[str, tuple[str | int, ...]], Exploded] = msgspec.field(default_factory=dict)
    bags: set[tuple[str, tuple[str | int, ...]]] = msgspec.field(default_factory=set)
    """Paths that hold bags in some rows: they are expanded as they are read."""


def _no_data(sql: str, uses_now: bool) -> list[tuple[Any, ...]]:
    del sql, uses_now
    raise Fault(
        "this plugin's columns depend on the data",
        kind="unsupported",
        hint="declare them: evaluate bag_unpack(d) : (a:long)",
    )


class Catalog:
    """Tables by name, with the profile's rules for names."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.tables: dict[str, Table] = {}
        self.folded: dict[str, str] = {}
        self.peek: Callable[[str, bool], list[tuple[Any, ...]]] = _no_data
        self.principal: Principal | None = None

    @property
    def default_table(self) -> str:
        """The table of a query that names none."""
        return self.profile.default_table

    @property
    def lenient(self) -> bool:
        """Whether dynamic values may be keys and sorted by: Resource Graph accepts them."""
        return self.profile.dynamic_keys

    def add(self, table: Table) -> None:
        """Add or replace a table."""
        self.tables[table.name] = table
        self.folded[table.name.lower()] = table.name

    def find(self, name: str) -> Table | None:
        """Look a table up."""
        found = self.tables.get(name)
        if found is None and self.profile.fold_tables:
            found = self.tables.get(self.folded.get(name.lower(), ""))
        return found

    def names(self) -> list[str]:
        """Return all names, in the order of loading."""
        return list(self.tables)
