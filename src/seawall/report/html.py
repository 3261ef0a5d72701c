"""One self-contained page: no request leaves it, and it opens with 100,000 findings."""

from __future__ import annotations

import base64
import gzip
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.report.text import CHAPTER_TITLES, subject_label, value

if TYPE_CHECKING:
    from seawall.core import Finding
    from seawall.core.report import Report


class _Words:
    """Texts with a number each: a column holds numbers, so that repeated texts stand in the page once."""

    def __init__(self, *first: str) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}
        for text in first:
            self.number(text)

    def number(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number


def render(report: Report) -> str:
    """Render the page. Its data is compressed columns in base64; the script inside draws what is on screen."""
    packed = base64.b64encode(gzip.compress(msgspec.json.encode(_columns(report)), 6, mtime=0)).decode()
    folder = resources.files("seawall.report") / "page"
    page = (folder / "page.html").read_text(encoding="utf-8")
    page = page.replace("/*{{style}}*/", (folder / "page.css").read_text(encoding="utf-8"))
    page = page.replace("/*{{script}}*/", (folder / "page.js").read_text(encoding="utf-8"))
    return page.replace("{{data}}", packed)


def _columns(report: Report) -> dict[str, Any]:
    text = _Words("")
    outcome, severity, confidence = _Words(), _Words(), _Words()
    controls: dict[str, int] = {item.control: number for number, item in enumerate(report.coverage)}
    subjects: dict[str, int] = {}
    subject_rows: list[dict[str, str]] = []
    fixes: dict[tuple[tuple[str, str], ...], int] = {(): 0}
    names = (
        "control",
        "subject",
        "outcome",
        "severity",
        "confidence",
        "message",
        "path",
        "observed",
        "expected",
        "file",
        "line",
        "column",
        "fixes",
        "fingerprint",
    )
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for finding in report.findings:
        subject = finding.subject
        if subject.id not in subjects:
            subjects[subject.id] = len(subject_rows)
            subject_rows.append({"label": subject_label(subject), "id": subject.id})
        evidence = finding.evidence[0] if finding.evidence else None
        place = finding.locations[0] if finding.locations else None
        fix = tuple((item.language, item.text) for item in finding.fixes)
        row: tuple[Any, ...] = (
            controls[finding.control],
            subjects[subject.id],
            outcome.number(finding.outcome.value),
            severity.number(finding.severity.value),
            confidence.number(finding.confidence.value),
            text.number(finding.message),
            text.number(evidence.path if evidence else ""),
            text.number(value(evidence.observed) if evidence else ""),
            text.number(_expected(finding)),
            text.number(place.file if place else ""),
            place.line if place else 0,
            place.column if place else 0,
            fixes.setdefault(fix, len(fixes)),
            finding.fingerprint,
        )
        for name, cell in zip(names, row, strict=True):
            columns[name].append(cell)
    coverage = [msgspec.to_builtins(item) for item in report.coverage]
    return {
        "version": report.tool.version,
        "as_of": report.as_of,
        "counts": report.counts,
        "score": report.score.overall,
        "titles": CHAPTER_TITLES,
        "evaluated": sum(item.evaluated for item in report.coverage),
        "chapters": [
            {
                "name": name,
                "points": points,
                "failed": sum(item.failed for item in report.coverage if item.chapter == name),
                "evaluated": sum(item.evaluated for item in report.coverage if item.chapter == name),
            }
            for name, points in report.score.chapters.items()
        ],
        "coverage": coverage,
        "controls": [
            {"id": item.control, "title": item.title, "chapter": item.chapter} for item in report.coverage
        ],
        "unread": report.unread,
        "subjects": subject_rows,
        "fixes": [[list(item) for item in fix] for fix in fixes],
        "words": {
            "text": text.texts,
            "outcome": outcome.texts,
            "severity": severity.texts,
            "confidence": confidence.texts,
        },
        "columns": columns,
    }


def _expected(finding: Finding) -> str:
    if not finding.evidence or finding.evidence[0].expected is None:
        return ""
    return value(finding.evidence[0].expected)
