"""The snapshot as tables: the columns that controls and queries see, and the rows behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.snapshot.tables.azure import AZURE_TABLES, CLUSTER, POOL, table_of
from seawall.snapshot.tables.index import Estate, Pool
from seawall.snapshot.tables.kubernetes import KUBERNETES_TABLES
from seawall.snapshot.tables.schema import Column, Table, columns

if TYPE_CHECKING:
    from collections.abc import Iterator


def _secrets(estate: Estate) -> Iterator[tuple[Any, ...]]:
    for subject, item in estate.objects:
        if item.kind == "Secret" and not item.group:
            keys = [
                key
                for field in ("data", "stringData")
                for key in (item.raw.get(field) if isinstance(item.raw.get(field), dict) else {})  # type: ignore[union-attr]
            ]
            kind = str(item.raw.get("type") or "Opaque")
            immutable = item.raw.get("immutable") is True
            yield (subject.id, subject.namespace, subject.name, kind, keys, immutable)


_SECRETS = Table(
    "secrets",
    "Secrets by name, type and keys: never a value.",
    columns("""
id          string   the subject id
namespace   string   the namespace
name        string   the name
type        string   the type; Opaque when absent
keys        dynamic  the names of the keys
immutable   bool     whether it can be changed
"""),
    _secrets,
)

_LATER: tuple[Table, ...] = tuple(
    Table(name, meaning, columns("id string the subject id"))
    for name, meaning in (
        ("grants", "Who may do what (chapter access)."),
        ("pod_security", "Pod Security verdicts, a row a pod and check (chapter policy)."),
        ("reach", "What reaches what (chapter network)."),
        ("images", "Images and what they hold (chapter images)."),
        ("vulnerabilities", "Advisories that apply (chapter images)."),
        ("audit", "Audit events (chapter runtime)."),
    )
)

FINDINGS = Table(
    "findings",
    "What the controls say of every subject: an assessment, as a table.",
    columns("""
id          string   the subject's id
control     string   the control's id
chapter     string   the chapter
kind        string   the subject's kind
namespace   string   the subject's namespace, or its resource group
name        string   the subject's name
outcome     string   pass, fail, unknown, manual, error
severity    string   critical, high, medium, low
confidence  string   high, medium, low
message     string   what it says
path        string   the field that decided
observed    dynamic  what was seen
expected    dynamic  what would have passed
file        string   where it stands
line        long     the line
fingerprint string   stable over moved lines
"""),
)
"""Filled by whoever runs the controls: the snapshot itself knows nothing of them."""

TABLES: dict[str, Table] = {
    table.name: table for table in (*AZURE_TABLES, *KUBERNETES_TABLES, _SECRETS, *_LATER)
}
"""Every table by its name. One whose `rows` is None is promised and not built in this version."""

__all__ = [
    "CLUSTER",
    "FINDINGS",
    "POOL",
    "TABLES",
    "Column",
    "Estate",
    "Pool",
    "Table",
    "table_of",
]
