"""Reports for the tests of renderers: one that holds everything awkward, and one of any size."""

from __future__ import annotations

from seawall.core import (
    Confidence,
    Evidence,
    Finding,
    Fix,
    Location,
    Outcome,
    Severity,
    Subject,
    fingerprint,
)
from seawall.core.report import Counts, Coverage, Report, Score, Tool, UnreadItem, WaiverUse

CONTROLS = (
    ("rbac-enabled", "access", Severity.CRITICAL),
    ("no-privileged-containers", "policy", Severity.HIGH),
    ("image-pinned", "policy", Severity.MEDIUM),
    ("liveness-probe", "policy", Severity.LOW),
)
AWKWARD = 'a "quoted" <b>tag</b> & 100 %, | pipe; `tick` ]]> ünïcödé 🌊 \x01 =cmd()\nsecond line'


def finding(number: int, outcome: Outcome = Outcome.FAIL, *, message: str = "It is not so.") -> Finding:
    control, chapter, severity = CONTROLS[number % len(CONTROLS)]
    name = f"app-{number // len(CONTROLS)}"
    subject = Subject("Deployment", "shop", name, f"Deployment.apps/shop/{name}")
    path = f"spec.template.spec.containers[{number % 3}].image"
    return Finding(
        control=control,
        chapter=chapter,
        subject=subject,
        outcome=outcome,
        severity=severity,
        confidence=Confidence.HIGH,
        message=message,
        evidence=(Evidence(path, {"tag": "latest", "n": number}, None if number % 2 else "a digest"),),
        locations=(Location(f"apps/team {number % 7}/deploy, all.yaml", number + 1, 5),)
        if number % 5
        else (),
        fixes=(Fix("kubectl", f"kubectl set image deployment/{name} app=REGISTRY/IMAGE@sha256:DIGEST"),),
        fingerprint=fingerprint(control, subject.id, path, number),
    )


def report(findings: tuple[Finding, ...]) -> Report:
    coverage = tuple(
        Coverage(
            control,
            f"{control} holds",
            chapter,
            severity,
            evaluated=sum(1 for item in findings if item.control == control) + 3,
            passed=3 + sum(1 for item in findings if (item.control, item.outcome) == (control, Outcome.PASS)),
            failed=sum(1 for item in findings if (item.control, item.outcome) == (control, Outcome.FAIL)),
            waived=sum(1 for item in findings if (item.control, item.outcome) == (control, Outcome.WAIVED)),
            unknown=sum(1 for item in findings if (item.control, item.outcome) == (control, Outcome.UNKNOWN)),
            manual=sum(1 for item in findings if (item.control, item.outcome) == (control, Outcome.MANUAL)),
        )
        for control, chapter, severity in CONTROLS
    )
    return Report(
        tool=Tool("seawall", "9.9.9"),
        as_of="2026-11-21",
        counts=Counts(objects=len(findings), resources=2, ignored=1),
        score=Score(41.7, {"access": 12.5, "network": None, "policy": 66.0}),
        coverage=(
            *coverage,
            Coverage("default-deny", "Namespaces deny by default", "network", Severity.HIGH),
        ),
        findings=findings,
        unread=(UnreadItem("broken.yaml:3:1", 'mapping "values" are not allowed here'),),
        waivers=(WaiverUse("image-pinned", "shop/*", "later", "ada", "2027-01-01", "used", 1),),
        warnings=("waiver of x for y is not used",),
    )


def awkward_report() -> Report:
    outcomes = (
        Outcome.FAIL,
        Outcome.FAIL,
        Outcome.PASS,
        Outcome.WAIVED,
        Outcome.UNKNOWN,
        Outcome.MANUAL,
        Outcome.ERROR,
        Outcome.NOT_APPLICABLE,
    )
    findings = [finding(number, outcome) for number, outcome in enumerate(outcomes)]
    findings.append(finding(8, message=AWKWARD))
    return report(tuple(findings))
