"""Tables that chapters fill: read from the chapter when a query names one, never before."""

from __future__ import annotations

import importlib

from seawall.snapshot.tables import FINDINGS, TABLES, Table
from seawall.snapshot.tables.schema import columns

_CHAPTERS: dict[str, tuple[str, str, str]] = {
    "grants": ("seawall.access.tables", "GRANTS_COLUMNS", "grants_rows"),
    "reach": ("seawall.network.tables", "COLUMNS", "reach_rows"),
    "pod_security": ("seawall.policy.tables", "COLUMNS", "pod_security_rows"),
}
"""Table -> (module, the name of its columns, the name of its row function)."""


def table(name: str) -> Table:
    """Return a table by its name, a chapter's own where a chapter fills it.

    Raises:
        KeyError: there is none of that name.
    """
    if name == FINDINGS.name:
        return FINDINGS
    promised = TABLES[name]
    if name not in _CHAPTERS:
        return promised
    module, described, rows = _CHAPTERS[name]
    chapter = importlib.import_module(module)
    return Table(name, promised.meaning, columns(getattr(chapter, described)), getattr(chapter, rows))


def table_names() -> list[str]:
    """Return the names of all tables, those of later chapters among them."""
    return [*TABLES, FINDINGS.name]


def is_built(name: str) -> bool:
    """Tell whether this version can fill a table."""
    return name == FINDINGS.name or name in _CHAPTERS or TABLES[name].rows is not None
