"""Facts about the built-in names of KQL, from a table with its source and date (data/builtins.json)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec


class Builtin(msgspec.Struct, frozen=True, array_like=True):
    """How a built-in names its result, how many arguments it takes, and its result type where that is fixed."""

    naming: str
    prefix: str
    fewest: int
    most: int
    result: str


class Builtins(msgspec.Struct, frozen=True):
    """All names that Microsoft's analyser knows."""

    source: str
    form: list[str]
    functions: dict[str, Builtin]
    aggregates: dict[str, Builtin]
    plugins: dict[str, Builtin]


@cache
def builtins() -> Builtins:
    """Read the table once."""
    data = (Path(__file__).parent / "data" / "builtins.json").read_bytes()
    return msgspec.json.decode(data, type=Builtins)


def near(name: str, names: Any) -> str:
    """Suggest the nearest of `names`, as a hint."""
    import difflib

    found = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {found[0]!r}?" if found else ""
