"""GitHub Actions annotations: workflow commands on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.core import Outcome, Severity
from seawall.report.text import value

if TYPE_CHECKING:
    from seawall.core import Finding
    from seawall.core.report import Report

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}


def render(report: Report) -> str:
    """Render a command a finding, and one for each thing that could not be read."""
    lines = [_command(finding) for finding in report.findings]
    lines += [
        f"::error title=seawall could not read::{_data(f'{item.path}: {item.reason}')}"
        for item in report.unread
    ]
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding) -> str:
    level = _LEVELS.get(finding.severity, "notice") if finding.outcome is Outcome.FAIL else "notice"
    if finding.outcome is Outcome.ERROR:
        level = "error"
    fields = []
    if finding.locations:
        place = finding.locations[0]
        fields.append(f"file={_property(place.file)}")
        if place.line:
            fields.append(f"line={place.line}")
        if place.column:
            fields.append(f"col={place.column}")
    fields.append(
        f"title={_property(f'{finding.control} ({finding.outcome.value}, {finding.severity.value})')}"
    )
    text = f"{finding.subject.id}: {finding.message}"
    if finding.evidence and finding.evidence[0].path:
        evidence = finding.evidence[0]
        text += f"\n{evidence.path} is {value(evidence.observed)}"
    return f"::{level} {','.join(fields)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
