"""KQL, the query language of Azure Resource Graph and Log Analytics: text -> tree -> bound plan -> DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import KqlError

if TYPE_CHECKING:
    from seawall.kql.compiler import Plan
    from seawall.kql.database import Database, Judged, Limits, Opening, Result
    from seawall.kql.principal import Principal

__all__ = ["Database", "Judged", "KqlError", "Limits", "Opening", "Plan", "Principal", "Result"]

_WHERE = {
    "Plan": "compiler",
    "Database": "database",
    "Judged": "database",
    "Limits": "database",
    "Opening": "database",
    "Principal": "principal",
    "Result": "database",
}


def __getattr__(name: str) -> Any:
    """Import the face's parts where they are used."""
    import importlib

    if name in _WHERE:
        return getattr(importlib.import_module(f"seawall.kql.{_WHERE[name]}"), name)
    raise AttributeError(name)
