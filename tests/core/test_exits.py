from __future__ import annotations

import pytest

from seawall.core import Confidence, Exit, Finding, Outcome, Severity, Subject, exit_code


def finding(outcome: Outcome, severity: Severity = Severity.MEDIUM) -> Finding:
    subject = Subject(kind="Pod", namespace="a", name="b", id="pod/a/b")
    return Finding("c", "policy", subject, outcome, severity, Confidence.HIGH, "m")


@pytest.mark.parametrize(
    ("findings", "fail_on", "subjects", "unread", "expected"),
    [
        ([], Severity.LOW, 1, 0, Exit.CLEAN),
        ([], Severity.LOW, 0, 0, Exit.NOTHING),
        ([], Severity.LOW, 0, 1, Exit.INCOMPLETE),
        ([finding(Outcome.FAIL)], Severity.MEDIUM, 1, 0, Exit.FINDINGS),
        ([finding(Outcome.FAIL)], Severity.HIGH, 1, 0, Exit.CLEAN),
        ([finding(Outcome.FAIL)], None, 1, 0, Exit.CLEAN),
        ([finding(Outcome.FAIL)], Severity.LOW, 1, 1, Exit.INCOMPLETE),
        ([finding(Outcome.ERROR)], None, 1, 0, Exit.INCOMPLETE),
        ([finding(Outcome.UNKNOWN), finding(Outcome.MANUAL)], Severity.LOW, 1, 0, Exit.CLEAN),
        ([finding(Outcome.WAIVED, Severity.CRITICAL)], Severity.LOW, 1, 0, Exit.CLEAN),
    ],
)
def test_one_function_decides_the_exit_code(findings, fail_on, subjects, unread, expected):
    assert exit_code(findings, fail_on=fail_on, subjects=subjects, unread=unread) is expected
