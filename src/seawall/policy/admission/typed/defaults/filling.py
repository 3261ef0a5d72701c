"""Filling fields of JSON as Go fills fields of a struct."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def zero(holder: Json, **values: Any) -> None:
    """Fill fields that are absent, null, empty or zero: what Go's decoder cannot tell from absent."""
    for name, value in values.items():
        if holder.get(name) in (None, "") or (holder.get(name) == 0 and holder.get(name) is not False):
            holder[name] = value


def absent(holder: Json, **values: Any) -> None:
    """Fill fields behind a pointer: a zero that was written stays."""
    for name, value in values.items():
        if holder.get(name) is None:
            holder[name] = value


def child(holder: Json, name: str) -> Json:
    """Return a struct within another, made where it is absent."""
    found = holder.get(name)
    if found is None:
        found = holder[name] = {}
    made: Json = found
    return made


def inherited(holder: Json, name: str, source: Json | None) -> None:
    """Fill the entries of a map of resources that another one has."""
    if source:
        holder[name] = {**source, **(holder.get(name) or {})}
