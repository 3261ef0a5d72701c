"""What a table is: its columns with KQL types and a sentence each, and the function that fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from seawall.snapshot.tables.index import Estate

Rows = Callable[["Estate"], Iterator[tuple[Any, ...]]]


class Column(msgspec.Struct, frozen=True):
    """A column: its name, its KQL type, and what stands in it."""

    name: str
    type: str
    meaning: str


class Table(msgspec.Struct, frozen=True):
    """A table of the snapshot. `rows` is None for a table whose engine is not built in this version."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: Rows | None = None


def columns(text: str) -> tuple[Column, ...]:
    """Read column definitions, one a line: `name type meaning`."""
    parts = (line.split(None, 2) for line in text.splitlines() if line.strip())
    return tuple(Column(name, kind, meaning) for name, kind, meaning in parts)
