"""The report: what an assessment found, as every renderer gets it."""

from __future__ import annotations

import msgspec

from seawall.core.finding import Finding, Severity  # noqa: TC001 - msgspec reads the annotations


class Coverage(msgspec.Struct, frozen=True):
    """How far one control looked. `evaluated` 0 means `not evaluated`, which is not a pass.

    `evaluated` = passed + failed + unknown + manual + waived. `error` holds the reason when the control
    itself could not run.
    """

    control: str
    title: str
    chapter: str
    severity: Severity
    evaluated: int = 0
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    manual: int = 0
    waived: int = 0
    error: str = ""


class Score(msgspec.Struct, frozen=True):
    """Weighted share of passes, 0 to 100; None where nothing was decided.

    A decision of a control weighs by its severity (critical 8, high 4, medium 2, low 1); unknown, manual
    and not-evaluated weigh nothing, waived ones count as failed: a waiver is not a repair.
    """

    overall: float | None
    chapters: dict[str, float | None]


class Requirement(msgspec.Struct, frozen=True):
    """One requirement of a framework, answered by the controls that map to it.

    `state`: `fail` where any of them fails, else `unknown` where any could not decide or needs a person
    (`manual`), `pass` where all that were evaluated passed, `not evaluated` where none was, and `not
    covered` where no control maps to it.
    """

    id: str
    title: str
    controls: tuple[str, ...]
    state: str


class UnreadItem(msgspec.Struct, frozen=True, order=True):
    """Something that was there and could not be read."""

    path: str
    reason: str


class WaiverUse(msgspec.Struct, frozen=True):
    """A waiver and what became of it: `used`, `unused`, `expired`, or `not-asked` where its control was not run."""

    control: str
    subject: str
    reason: str
    owner: str
    expires: str
    state: str
    findings: int = 0


class Counts(msgspec.Struct, frozen=True):
    """What was looked at."""

    objects: int = 0
    resources: int = 0
    ignored: int = 0


class Tool(msgspec.Struct, frozen=True):
    """Who says so."""

    name: str
    version: str


class Report(msgspec.Struct, frozen=True):
    """An assessment. The JSON form has these names (schema: docs/reference/report.schema.json)."""

    tool: Tool
    as_of: str
    counts: Counts
    score: Score
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    unread: tuple[UnreadItem, ...] = ()
    waivers: tuple[WaiverUse, ...] = ()
    warnings: tuple[str, ...] = ()
    framework: str = ""
    requirements: tuple[Requirement, ...] = ()
