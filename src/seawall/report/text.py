"""Words that several renderers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.core import Finding, Subject
    from seawall.core.report import Report

CHAPTER_TITLES: dict[str, str] = {
    "build": "Build",
    "registry": "Registry",
    "access": "Access",
    "policy": "Policy",
    "network": "Network",
    "nodes": "Nodes",
    "upgrades": "Upgrades",
    "secrets": "Secrets",
    "runtime": "Runtime",
}


def value(observed: Any) -> str:
    """Write an observed or expected value for a reader: `absent` for nothing, text bare, the rest as JSON."""
    if observed is None:
        return "absent"
    if isinstance(observed, str):
        return observed or '""'
    return msgspec.json.encode(observed).decode()


def subject_label(subject: Subject) -> str:
    """Name a subject for a reader: kind and `namespace/name`."""
    kind = subject.kind.rpartition("/")[2] if "/" in subject.kind else subject.kind
    kind = {"managedclusters": "AKS cluster", "agentpools": "Node pool"}.get(kind, kind)
    name = f"{subject.namespace}/{subject.name}" if subject.namespace else subject.name
    return f"{kind} {name}"


def by_subject(findings: Iterable[Finding]) -> list[tuple[Subject, list[Finding]]]:
    """Group findings by subject: the one with the worst finding first, then by name."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.subject.id, []).append(finding)
    ordered = sorted(groups.values(), key=lambda group: (-_worst(group), group[0].subject.id))
    return [(group[0].subject, group) for group in ordered]


def _worst(group: list[Finding]) -> int:
    return max((item.severity.rank for item in group if item.outcome is Outcome.FAIL), default=-1)


def totals(report: Report) -> dict[str, int]:
    """Count decisions over all controls: evaluated, passed, failed, unknown, manual, waived, error."""
    names = ("evaluated", "passed", "failed", "unknown", "manual", "waived")
    counts = {name: sum(getattr(item, name) for item in report.coverage) for name in names}
    counts["error"] = sum(1 for item in report.coverage if item.error)
    return counts


def not_evaluated(report: Report) -> list[str]:
    """Return the controls that found no subject: not a pass, and said so."""
    return [item.control for item in report.coverage if not item.evaluated and not item.error]


def summary(report: Report) -> str:
    """Say in one line what came out."""
    counts = totals(report)
    parts = [f"{counts['failed']} failed", f"{counts['passed']} passed"]
    parts += [f"{counts[name]} {name}" for name in ("unknown", "manual", "waived") if counts[name]]
    if counts["error"]:
        parts.append(f"{counts['error']} controls could not run")
    return ", ".join(parts)
