"""Exit codes: one table and one function for every command (design: contracts)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from seawall.core.finding import Finding, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable


class Exit(IntEnum):
    """What the shell sees."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    NOTHING = 3
    INCOMPLETE = 4
    INTERNAL = 5


def exit_code(findings: Iterable[Finding], *, fail_on: Severity | None, subjects: int, unread: int) -> Exit:
    """Decide the exit code of a run that came to its end.

    What could not be read outweighs findings: a report that is not whole must not look like one that is.
    A finding with outcome `error` (a control that could not run) makes the report incomplete as well.
    `fail_on` None means that findings never fail the run.
    """
    worst = -1
    broken = False
    for finding in findings:
        if finding.outcome is Outcome.FAIL:
            worst = max(worst, finding.severity.rank)
        elif finding.outcome is Outcome.ERROR:
            broken = True
    if unread or broken:
        return Exit.INCOMPLETE
    if not subjects:
        return Exit.NOTHING
    if fail_on is not None and worst >= fail_on.rank:
        return Exit.FINDINGS
    return Exit.CLEAN
