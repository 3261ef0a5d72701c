"""Values as Kusto's REST interface writes them (docs: api/rest/response)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.errors import KqlError
from seawall.kql.temporal import MAX_DATETIME, format_datetime, format_timespan

if TYPE_CHECKING:
    from collections.abc import Sequence


WRITTEN = ("datetime", "timespan", "real")
"""Types whose values leave the database otherwise than they are shown."""


def _real(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def cell(value: Any, type_: str) -> Any:
    """Write one value.

    Raises:
        KqlError: arithmetic has taken a datetime out of its range.
    """
    if value is None:
        return None
    if type_ == "datetime":
        if not 0 <= value <= MAX_DATETIME:
            raise KqlError("a datetime in the answer lies outside the years 1 to 9999", kind="runtime")
        return format_datetime(value)
    if type_ == "timespan":
        return format_timespan(value)
    if type_ == "real":
        return _real(value)
    return value


def rows(values: Sequence[Sequence[Any]], columns: Sequence[tuple[str, str]]) -> list[list[Any]]:
    """Write the rows of an answer."""
    special = [(i, type_) for i, (_, type_) in enumerate(columns) if type_ in WRITTEN]
    out = [list(row) for row in values]
    for row in out:
        for i, type_ in special:
            row[i] = cell(row[i], type_)
    return out


def text(value: Any, type_: str) -> str:
    """Write one value for a person: a table's or a CSV's cell."""
    shown = cell(value, type_)
    if shown is None:
        return ""
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, dict | list):
        return msgspec.json.encode(shown).decode()
    return str(shown)
