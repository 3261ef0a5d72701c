"""Tables of facts that controls join with: each a CSV file with its source and the day it was read.

A table ages: `stale` is true in every row when it was read more than 90 days before the assessment's day.
A control that needs a fresh table answers unknown then, never pass.
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

FRESH_DAYS = 90


class FactTable(msgspec.Struct, frozen=True):
    """A table of facts: its columns with KQL types, and the file that holds it."""

    file: str
    meaning: str
    own: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns: those of the file, then `number`-like helpers, `read` and `stale`."""
        return [*self.own, ("read", "datetime"), ("stale", "bool")]

    def read_on(self) -> date:
        """Return the day on which the facts were read from their source."""
        for line in self._text().splitlines():
            if line.startswith("# read:"):
                return date.fromisoformat(line.partition(":")[2].strip())
        raise ValueError(f"{self.file} does not say when it was read")

    def rows(self, now: datetime) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as they stand at `now`."""
        read = self.read_on()
        stale = (now.date() - read).days > FRESH_DAYS
        lines = [line for line in self._text().splitlines() if not line.startswith("#")]
        for record in csv.DictReader(lines):
            cells = [_cell(record.get(name) or "", kind, record) for name, kind in self.own]
            yield (*cells, datetime(read.year, read.month, read.day, tzinfo=UTC), stale)

    def _text(self) -> str:
        return (Path(__file__).parent / self.file).read_text(encoding="utf-8")


def _cell(text: str, kind: str, record: dict[str, str]) -> Any:
    if kind == "datetime":
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    if kind == "int":
        # `number` orders minors: 1.9 comes before 1.10.
        major, _, minor = (record.get("minor") or record["removedIn"]).partition(".")
        return int(major) * 1000 + int(minor)
    return text


FACT_TABLES: dict[str, FactTable] = {
    "kubernetes_versions": FactTable(
        "kubernetes_versions.csv",
        "The support calendar of AKS, one row a minor version.",
        (
            ("minor", "string"),
            ("number", "int"),
            ("ga", "datetime"),
            ("endOfLife", "datetime"),
            ("ltsEnd", "datetime"),
        ),
    ),
    "removed_apis": FactTable(
        "removed_apis.csv",
        "API versions that Kubernetes has removed, one row a version and kind.",
        (
            ("apiVersion", "string"),
            ("kind", "string"),
            ("removedIn", "string"),
            ("number", "int"),
            ("replacement", "string"),
        ),
    ),
    "isolated_vm_sizes": FactTable(
        "isolated_vm_sizes.csv",
        "VM sizes that have their physical host to themselves.",
        (("size", "string"), ("until", "datetime")),
    ),
}
"""Every table of facts by its name."""

__all__ = ["FACT_TABLES", "FRESH_DAYS", "FactTable"]
