"""The engine `kql` of `seawall decide` (protocol: KQL): a query and its tables in, columns and rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError, UsageError
from seawall.kql import rest
from seawall.kql.database import Database

if TYPE_CHECKING:
    from seawall.core.engine import EngineOptions


class KqlEngine:
    """Answers each line over the tables that the line brings; tables of a world line are there for all lines."""

    def __init__(self) -> None:
        self._world: dict[str, Any] = {}

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Take the resources of a snapshot as the table `resources`."""
        rows = [row for row in world.get("resources", ()) if isinstance(row, dict)]
        self._world = (
            {
                "resources": {
                    "columns": [[n, t] for n, t in RESOURCES],
                    "rows": [[row.get(n) for n, _ in RESOURCES] for row in rows],
                }
            }
            if rows
            else {}
        )
        return {"objects": len(world.get("objects", ()))}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer `{"query", "tables"?, "profile"?}`.

        Raises:
            KqlError: the query cannot be answered.
            InputError: the line is not of the protocol's form.
        """
        query = line.get("query")
        tables = line.get("tables", {})
        profile = line.get("profile") or "local"
        if not isinstance(query, str):
            raise InputError("the line has no query", hint='write {"query": "...", "tables": {...}}')
        if not isinstance(tables, dict) or not isinstance(profile, str):
            raise InputError('tables is an object: {"name": {"columns": [[name, type]], "rows": [...]}}')
        try:
            database = Database(profile)
        except UsageError as error:
            raise InputError(error.message, hint=error.hint) from None
        try:
            for name, table in {**self._world, **tables}.items():
                if (
                    not isinstance(table, dict)
                    or not isinstance(table.get("columns"), list)
                    or not isinstance(table.get("rows", []), list)
                ):
                    raise InputError(
                        f"table {name!r} has no columns",
                        hint='write {"columns": [[name, type]], "rows": [...]}',
                    )
                if not all(isinstance(row, list) for row in table.get("rows", [])):
                    raise InputError(f"a row of table {name!r} is not a list")
                database.add_table(name, table["columns"], table.get("rows", []))
            result = database.query(query)
        finally:
            database.close()
        return {
            "columns": [list(column) for column in result.columns],
            "rows": rest.rows(result.rows, result.columns),
        }


RESOURCES = (
    ("id", "string"), ("name", "string"), ("type", "string"), ("tenantId", "string"), ("kind", "string"),
    ("location", "string"), ("resourceGroup", "string"), ("subscriptionId", "string"), ("managedBy", "string"),
    ("sku", "dynamic"), ("plan", "dynamic"), ("properties", "dynamic"), ("tags", "dynamic"), ("identity", "dynamic"),
    ("zones", "dynamic"), ("extendedLocation", "dynamic"),
)  # fmt: skip
"""Columns of Resource Graph's table `resources` (azure-docs: resource-graph/concepts/query-language)."""


def engine(name: str, options: EngineOptions) -> KqlEngine:
    """Make the engine."""
    del name, options
    return KqlEngine()
