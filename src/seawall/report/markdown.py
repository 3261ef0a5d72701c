"""Markdown for the comment of a pull request, cut to what a forge takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.core import Outcome
from seawall.report.text import CHAPTER_TITLES, by_subject, not_evaluated, subject_label, summary, value

if TYPE_CHECKING:
    from seawall.core import Finding
    from seawall.core.report import Report

LIMIT = 65_536
"""Characters of a comment on GitHub; Azure DevOps takes 150,000. The report stays below the smaller one."""

_RESERVE = 400
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")


def render(report: Report) -> str:
    """Render the report; what does not fit is counted in its last line, never dropped in silence."""
    overall = "not scored" if report.score.overall is None else f"{report.score.overall:g} of 100"
    lines = [f"## Seawall: {summary(report)}", "", f"Score: **{overall}**, as of {report.as_of}.", ""]
    chapters = [(name, points) for name, points in report.score.chapters.items() if points is not None]
    if chapters:
        lines += ["| Chapter | Score |", "|---|---:|"]
        lines += [f"| {CHAPTER_TITLES.get(name, name)} | {points:g} |" for name, points in chapters]
        lines.append("")
    if report.unread:
        lines += ["### Could not be read", ""]
        lines += [f"- {_escape(item.path)}: {_escape(item.reason)}" for item in report.unread]
        lines.append("")
    size = sum(len(line) + 1 for line in lines)
    shown = 0
    for subject, findings in by_subject(report.findings):
        block = [f"### {_escape(subject_label(subject))}", "", f"`{subject.id.replace('`', '')}`", ""]
        block += ["| Outcome | Severity | Control | What | Where |", "|---|---|---|---|---|"]
        head = sum(len(line) + 1 for line in block)
        rows: list[str] = []
        for finding in findings:
            row = _row(finding)
            if size + head + len(row) + 2 > LIMIT - _RESERVE:
                break
            rows.append(row)
            head += len(row) + 1
            shown += 1
        if rows:
            lines += [*block, *rows, ""]
            size += head + 1
        if len(rows) < len(findings):
            break
    left = len(report.findings) - shown
    if left:
        lines += [f"_{left} more findings do not fit into a comment: see the full report._", ""]
    idle = not_evaluated(report)
    if idle:
        lines += [f"{len(idle)} controls found nothing to evaluate.", ""]
    return "\n".join(lines)


def _row(finding: Finding) -> str:
    evidence = finding.evidence[0] if finding.evidence else None
    what = _escape(finding.message)
    if evidence and evidence.path:
        what += f"<br>{_escape(evidence.path)} is {_escape(_short(value(evidence.observed)))}"
        if finding.outcome is not Outcome.PASS and evidence.expected is not None:
            what += f", expected {_escape(_short(value(evidence.expected)))}"
    where = _escape(str(finding.locations[0])) if finding.locations else ""
    return f"| {finding.outcome.value} | {finding.severity.value} | `{finding.control}` | {what} | {where} |"


def _short(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escape(text: str) -> str:
    """Make a text a text: no markup, no link, no mention, no line break of its own."""
    flat = " ".join(text.split())
    return _SPECIAL.sub(r"\\\1", flat).replace("@", "@\u200b")
