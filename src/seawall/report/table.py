"""The report for people at a terminal: grouped by subject, the worst first, the totals last."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seawall.core import Outcome
from seawall.report.text import (
    CHAPTER_TITLES,
    by_subject,
    not_evaluated,
    subject_label,
    summary,
    value,
)

if TYPE_CHECKING:
    from seawall.core import Finding
    from seawall.core.report import Report

_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
_WIDE = 4096
_BAR = 24
_FEW = 20


def render_table(report: Report, *, colour: bool = False, width: int = 0) -> str:
    """Render the report; `width` 0 wraps nothing, so that a file or pipe holds whole lines."""
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        width=width or _WIDE,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    for subject, findings in by_subject(report.findings):
        console.print(Text(subject_label(subject), style="bold"), Text(subject.id, style="dim"), sep="  ")
        for finding in findings:
            _print_finding(console, finding)
        console.print()
    _print_unread(console, report)
    _print_requirements(console, report)
    nothing = not (report.counts.resources or report.counts.objects or report.findings)
    if not nothing:
        _print_scores(console, report)
    for warning in report.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"))
    idle = [] if nothing else not_evaluated(report)
    if idle:
        console.print(Text(_idle(report, idle), style="dim"), soft_wrap=not width)
    seen = f"{report.counts.resources} Azure resources and {report.counts.objects} Kubernetes objects"
    console.print(Text(f"{seen}, as of {report.as_of}: {summary(report)}", style="bold"), soft_wrap=not width)
    # Whole lines without trailing blanks: what rich pads, a diff would show.
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _idle(report: Report, idle: list[str]) -> str:
    """Say which controls found nothing: by name where they are few, by chapter where an estate has no such part."""
    head = f"{len(idle)} controls found nothing to evaluate"
    if len(idle) <= _FEW:
        return f"{head}: {', '.join(idle)}"
    of_chapter = Counter(item.chapter for item in report.coverage if item.control in set(idle))
    counts = ", ".join(f"{chapter} {count}" for chapter, count in of_chapter.items())
    return f"{head}: {counts} (-o json names them, `seawall controls ID` says what each looks for)"


def _print_finding(console: Console, finding: Finding) -> None:
    label = finding.severity.value if finding.outcome is Outcome.FAIL else finding.outcome.value
    style = _COLOURS[finding.severity.value] if finding.outcome is Outcome.FAIL else "dim"
    head = Text.assemble(
        (f"{label:<8}", style), " ", finding.control, "  ", " ".join(finding.message.split())
    )
    console.print(Padding(head, (0, 0, 0, 2)), soft_wrap=True)
    details = []
    if finding.evidence and finding.evidence[0].path:
        evidence = finding.evidence[0]
        text = f"{evidence.path} is {_short(value(evidence.observed))}"
        if evidence.expected is not None:
            text += f", expected {_short(value(evidence.expected))}"
        details.append(text)
    details.extend(str(location) for location in finding.locations)
    for detail in details:
        console.print(Padding(Text(detail, style="dim"), (0, 0, 0, 11)), soft_wrap=True)


def _print_unread(console: Console, report: Report) -> None:
    if not report.unread:
        return
    console.print(Text("Could not be read: this report is not whole", style="bold red"))
    for item in report.unread:
        console.print(Padding(Text(f"{item.path}: {item.reason}"), (0, 0, 0, 2)), soft_wrap=True)
    console.print()


def _print_scores(console: Console, report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    table.add_column("Chapter")
    table.add_column("Score", justify="right")
    table.add_column("")
    for name in ("Failed", "Passed", "Unknown", "Manual", "Waived"):
        table.add_column(name, justify="right")
    for chapter, points in report.score.chapters.items():
        rows = [item for item in report.coverage if item.chapter == chapter]
        counts = [
            str(sum(getattr(item, name) for item in rows))
            for name in ("failed", "passed", "unknown", "manual", "waived")
        ]
        shown = "-" if points is None else f"{points:.0f}"
        table.add_row(CHAPTER_TITLES.get(chapter, chapter), shown, _bar(points), *counts)
    overall = report.score.overall
    table.add_row(Text("All", style="bold"), "-" if overall is None else f"{overall:.0f}", _bar(overall))
    console.print(table)
    console.print()


def _print_requirements(console: Console, report: Report) -> None:
    if not report.requirements:
        return
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for name in (report.framework, "State", "Controls", "Title"):
        table.add_column(name)
    styles = {"fail": "red", "pass": "green", "unknown": "yellow", "manual": "yellow"}
    for item in report.requirements:
        state = Text(item.state, style=styles.get(item.state, "dim"))
        table.add_row(item.id, state, ", ".join(item.controls), item.title)
    console.print(table)
    console.print()


def _bar(points: float | None) -> Text:
    if points is None:
        return Text("not scored", style="dim")
    filled = round(points / 100 * _BAR)
    style = "green" if points >= 80 else "yellow" if points >= 50 else "red"
    return Text.assemble(("█" * filled, style), ("░" * (_BAR - filled), "dim"))


def _short(text: str, limit: int = 160) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
