"""SARIF 2.1.0: one result a finding, with exact regions, stable fingerprints and suppressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from seawall.core import Outcome, Severity

if TYPE_CHECKING:
    from seawall.core import Finding, Location
    from seawall.core.report import Coverage, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_KINDS: dict[Outcome, str] = {
    Outcome.FAIL: "fail",
    Outcome.WAIVED: "fail",
    Outcome.ERROR: "open",
    Outcome.UNKNOWN: "open",
    Outcome.MANUAL: "review",
    Outcome.PASS: "pass",
    Outcome.NOT_APPLICABLE: "notApplicable",
}
"""SARIF 2.1.0, 3.27.9: `open` is a result that could not be decided, `review` one that a person must see."""

_LEVELS: dict[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}

_SCORES: dict[Severity, str] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
"""`security-severity` of a rule: what GitHub's code scanning sorts by (above 9 critical, 7 high, 4 medium)."""


def render(report: Report) -> str:
    """Render the report as one SARIF run."""
    rules = [_rule(item) for item in report.coverage]
    index = {item.control: number for number, item in enumerate(report.coverage)}
    notifications = [
        {
            "level": "error",
            "message": {"text": f"{item.path}: {item.reason}"},
            "locations": [_location_uri(item.path.partition(":")[0])],
        }
        for item in report.unread
    ]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "informationUri": "https://seawall.dev",
                "rules": rules,
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index) for finding in report.findings],
        "invocations": [
            {
                "executionSuccessful": not report.unread,
                "toolExecutionNotifications": notifications,
            }
        ],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _rule(item: Coverage) -> dict[str, Any]:
    return {
        "id": item.control,
        "shortDescription": {"text": item.title},
        "helpUri": f"https://seawall.dev/controls/{item.control}",
        "defaultConfiguration": {"level": _LEVELS[item.severity]},
        "properties": {
            "tags": ["security", item.chapter],
            "security-severity": _SCORES[item.severity],
        },
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    kind = _KINDS[finding.outcome]
    result: dict[str, Any] = {"ruleId": finding.control}
    if finding.control in index:
        result["ruleIndex"] = index[finding.control]
    result["kind"] = kind
    # 3.27.10: a result whose kind is not `fail` has the level `none`.
    result["level"] = _LEVELS[finding.severity] if kind == "fail" else "none"
    result["message"] = {"text": finding.message}
    # Code scanning shows no result without a place: a finding of no file stands at the root.
    logical = {
        "name": finding.subject.name,
        "fullyQualifiedName": finding.subject.id,
        "kind": "resource",
    }
    places = [{**_physical(place), "logicalLocations": [logical]} for place in finding.locations]
    result["locations"] = places or [{"logicalLocations": [logical]}]
    result["partialFingerprints"] = {"seawall/v1": finding.fingerprint}
    if finding.outcome is Outcome.WAIVED:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    result["properties"] = {
        "outcome": finding.outcome.value,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "chapter": finding.chapter,
        "subject": msgspec.to_builtins(finding.subject),
        "evidence": msgspec.to_builtins(finding.evidence),
    }
    return result


def _location_uri(file: str) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": quote(file.replace("\\", "/"))}}}


def _physical(place: Location) -> dict[str, Any]:
    location = _location_uri(place.file)
    if place.line:
        region = {"startLine": place.line}
        if place.column:
            region["startColumn"] = place.column
        location["physicalLocation"]["region"] = region
    return location
