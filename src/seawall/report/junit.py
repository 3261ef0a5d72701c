"""JUnit XML: a suite a control, a case a finding, a `failure` for each failing one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from seawall.core import Outcome
from seawall.report.text import value

if TYPE_CHECKING:
    from seawall.core import Finding
    from seawall.core.report import Report

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (section 2.2): replaced, for a report must stay readable."""


def render(report: Report) -> str:
    """Render the report; what passed stands as the suite's number of tests."""
    groups: dict[str, list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault(finding.control, []).append(finding)
    suites = []
    all_tests = all_failures = all_errors = all_skipped = 0
    for item in report.coverage:
        findings = groups.get(item.control, [])
        shown_passed = sum(1 for finding in findings if finding.outcome is Outcome.PASS)
        failures = sum(1 for finding in findings if finding.outcome is Outcome.FAIL)
        errors = sum(1 for finding in findings if finding.outcome is Outcome.ERROR)
        skipped = len(findings) - failures - errors - shown_passed
        cases = [_case(finding) for finding in findings]
        hidden = item.passed - shown_passed
        if hidden > 0:
            name = _attribute(f"{hidden} more subjects pass")
            cases.append(f"    <testcase classname={_attribute(item.control)} name={name}/>")
        if not cases:
            continue
        tests = len(cases)
        all_tests += tests
        all_failures += failures
        all_errors += errors
        all_skipped += skipped
        head = (
            f"  <testsuite name={_attribute(item.control)} tests={_number(tests)}"
            f" failures={_number(failures)} errors={_number(errors)} skipped={_number(skipped)}>"
        )
        suites.append("\n".join((head, *cases, "  </testsuite>")))
    unread = [
        f'    <testcase classname="unread" name={_attribute(item.path)}>'
        f"<error message={_attribute(item.reason)}/></testcase>"
        for item in report.unread
    ]
    if unread:
        all_tests += len(unread)
        all_errors += len(unread)
        count = _number(len(unread))
        head = f'  <testsuite name="unread" tests={count} failures="0" errors={count} skipped="0">'
        suites.append("\n".join((head, *unread, "  </testsuite>")))
    top = (
        f'<testsuites name="seawall" tests={_number(all_tests)} failures={_number(all_failures)}'
        f" errors={_number(all_errors)} skipped={_number(all_skipped)}>"
    )
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', top, *suites, "</testsuites>", ""))


def _case(finding: Finding) -> str:
    evidence = finding.evidence[0] if finding.evidence else None
    name = f"{finding.subject.id} {evidence.path}" if evidence and evidence.path else finding.subject.id
    place = finding.locations[0] if finding.locations else None
    head = f"    <testcase classname={_attribute(finding.control)} name={_attribute(name)}"
    if place:
        head += f" file={_attribute(place.file)}"
        if place.line:
            head += f" line={_number(place.line)}"
    if finding.outcome is Outcome.PASS:
        return f"{head}/>"
    lines = [finding.message]
    if evidence:
        lines.append(f"observed: {value(evidence.observed)}")
        lines.append(f"expected: {value(evidence.expected)}")
    lines.extend(str(location) for location in finding.locations)
    message = _attribute(finding.message)
    kind = _attribute(f"{finding.outcome.value}/{finding.severity.value}")
    body = _text("\n".join(lines))
    if finding.outcome is Outcome.FAIL:
        return f"{head}><failure message={message} type={kind}>{body}</failure></testcase>"
    if finding.outcome is Outcome.ERROR:
        return f"{head}><error message={message} type={kind}>{body}</error></testcase>"
    reason = _attribute(f"{finding.outcome.value}: {finding.message}")
    return f"{head}><skipped message={reason}/></testcase>"


def _number(count: int) -> str:
    return f'"{count}"'


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("�", text), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("�", text))
