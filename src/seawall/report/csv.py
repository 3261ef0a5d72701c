"""One finding a row, with the names of the JSON report as columns."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from seawall.core.report import Report

COLUMNS = (
    "control",
    "chapter",
    "subject.kind",
    "subject.namespace",
    "subject.name",
    "subject.id",
    "outcome",
    "severity",
    "confidence",
    "message",
    "evidence.path",
    "evidence.observed",
    "evidence.expected",
    "locations.file",
    "locations.line",
    "locations.column",
    "fixes",
    "fingerprint",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> str:
    """Render the findings. A cell that a spreadsheet would run as a formula gets a quote in front of it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for finding in report.findings:
        evidence = finding.evidence[0] if finding.evidence else None
        location = finding.locations[0] if finding.locations else None
        row = (
            finding.control,
            finding.chapter,
            finding.subject.kind,
            finding.subject.namespace,
            finding.subject.name,
            finding.subject.id,
            finding.outcome.value,
            finding.severity.value,
            finding.confidence.value,
            finding.message,
            evidence.path if evidence else "",
            msgspec.json.encode(evidence.observed).decode() if evidence else "",
            msgspec.json.encode(evidence.expected).decode() if evidence else "",
            location.file if location else "",
            location.line if location else "",
            location.column if location else "",
            msgspec.json.encode(finding.fixes).decode(),
            finding.fingerprint,
        )
        writer.writerow([_safe(cell) for cell in row])
    return out.getvalue()


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
