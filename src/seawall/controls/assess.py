"""The assessment: every control over every subject, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall import __version__
from seawall.controls.frameworks import requirements
from seawall.controls.judge import Judge, Options, ahead, error_finding
from seawall.controls.loading import open_database
from seawall.controls.score import score
from seawall.core import Outcome, Severity
from seawall.core.report import Counts, Coverage, Report, Requirement, Tool, UnreadItem, WaiverUse
from seawall.snapshot.tables import Estate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from seawall.controls.catalogue import Catalogue
    from seawall.controls.model import Control
    from seawall.core import Finding
    from seawall.kql import Opening
    from seawall.snapshot import Snapshot

_FIRST = (
    Outcome.ERROR,
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.MANUAL,
    Outcome.WAIVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)


def select(catalogue: Catalogue, options: Options) -> list[Control]:
    """Return the controls that the options ask for, by id or alias.

    Raises:
        UsageError: a control or chapter that is not there.
    """
    chosen = {catalogue.find(name).id for name in options.controls}
    return [
        control
        for control in catalogue.controls.values()
        if (not chosen or control.id in chosen)
        and (not options.chapters or control.header.chapter in options.chapters)
        and (not options.framework or options.framework in control.header.mappings)
    ]


def assess(
    snapshot: Snapshot, catalogue: Catalogue, options: Options, opening: Opening | None = None
) -> Report:
    """Run the controls over a snapshot; waivers and baselines come after (`finish`)."""
    estate = Estate(snapshot)
    estate.pools()
    judge = Judge(estate, options)
    findings: list[Finding] = []
    coverage: list[Coverage] = []
    controls: list[Control] = []
    for control in select(catalogue, options):
        if control.built_in and not judge.has(control.header.subject):
            # Nothing to judge. A control of the catalogue is known to compile (its examples are tests); a
            # team's own is run all the same, so that its errors are seen.
            header = control.header
            coverage.append(Coverage(header.id, header.title, header.chapter, header.severity))
        else:
            controls.append(control)
    queries = [control.query for control in controls]
    judge.database = open_database(estate, queries, options.now, narrow=True, opening=opening)
    for control, answer in ahead(judge.ask(controls)):
        found, covered = judge.control(control, answer)
        findings.extend(found)
        coverage.append(covered)
    for broken in catalogue.broken:
        if options.framework or (options.controls and broken.id not in options.controls):
            continue
        if options.chapters and broken.chapter not in options.chapters:
            continue
        findings.append(error_finding(broken.id, broken.chapter, Severity.HIGH, broken.reason))
        coverage.append(Coverage(broken.id, broken.id, broken.chapter, Severity.HIGH, error=broken.reason))
    answers: tuple[Requirement, ...] = ()
    if options.framework:
        answers = requirements(options.framework, catalogue.controls.values(), coverage)
    return Report(
        tool=Tool("seawall", __version__),
        as_of=options.now.date().isoformat(),
        counts=Counts(len(snapshot.objects), len(snapshot.resources), len(snapshot.ignored)),
        score=score(coverage),
        coverage=tuple(sorted(coverage, key=lambda item: (item.chapter, item.control))),
        findings=_ordered(findings),
        unread=tuple(UnreadItem(item.path, item.reason) for item in snapshot.unread),
        framework=options.framework,
        requirements=answers,
    )


def finish(
    report: Report, findings: Sequence[Finding], waivers: Sequence[WaiverUse], warnings: Sequence[str]
) -> Report:
    """Put waived findings into a report: counts and score follow them."""
    waived: dict[str, int] = {}
    failed: dict[str, int] = {}
    unknown: dict[str, int] = {}
    manual: dict[str, int] = {}
    for finding in findings:
        for outcome, counter in (
            (Outcome.WAIVED, waived),
            (Outcome.FAIL, failed),
            (Outcome.UNKNOWN, unknown),
            (Outcome.MANUAL, manual),
        ):
            if finding.outcome is outcome:
                counter[finding.control] = counter.get(finding.control, 0) + 1
    coverage = tuple(
        msgspec.structs.replace(
            item,
            failed=failed.get(item.control, 0),
            unknown=unknown.get(item.control, 0),
            manual=manual.get(item.control, 0),
            waived=waived.get(item.control, 0),
        )
        for item in report.coverage
    )
    return msgspec.structs.replace(
        report,
        coverage=coverage,
        score=score(coverage),
        findings=_ordered(findings),
        waivers=tuple(waivers),
        warnings=(*report.warnings, *warnings),
    )


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Order findings so that two runs print the same bytes: what fails first, the worst first."""
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                _FIRST.index(finding.outcome),
                -finding.severity.rank,
                finding.control,
                finding.subject.id,
                finding.evidence[0].path if finding.evidence else "",
                finding.fingerprint,
            ),
        )
    )


__all__ = ["Options", "assess", "finish", "open_database", "select"]
