"""One assessment's judging: controls asked together, and their rows turned into findings."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from seawall.core import (
    Confidence,
    Evidence,
    Finding,
    Fix,
    InputError,
    Outcome,
    SeawallError,
    Severity,
    Subject,
    fingerprint,
)
from seawall.core.report import Coverage
from seawall.kql import rest
from seawall.snapshot import AzureResource, KubernetesObject
from seawall.snapshot.paths import parse_path
from seawall.snapshot.tables import CLUSTER
from seawall.sources import Locator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from seawall.controls.model import Control
    from seawall.core import Location
    from seawall.kql import Database, Judged
    from seawall.snapshot.tables import Estate

_Answer = TypeVar("_Answer")
_INDEX = re.compile(r"\[\d+\]")
_SLOT = re.compile(r"\{(\w+)\}")
_REQUIRED = ("id", "pass", "path", "observed", "expected")


class Options(msgspec.Struct, frozen=True):
    """What to assess: `now` is the moment that calendars are read at; empty filters mean everything."""

    now: datetime
    controls: frozenset[str] = frozenset()
    chapters: frozenset[str] = frozenset()
    framework: str = ""
    include_passed: bool = False
    locate: bool = True


class Judge:
    """One assessment's shared parts: the database, the subjects, and the locator."""

    database: Database

    def __init__(self, estate: Estate, options: Options) -> None:
        self.estate = estate
        self.options = options
        self.locator = Locator(estate.snapshot)
        self.subjects: dict[str, Subject] = {subject.id: subject for subject, _ in estate.objects}
        self.subjects.update((subject.id, subject) for subject, _ in estate.resources)
        self.prefixes: dict[str, str] = {}
        for pool in estate.pools():
            self.subjects[pool.subject.id] = pool.subject
            self.prefixes[pool.subject.id] = pool.path
        self._plain_fixes: dict[str, tuple[tuple[Fix, ...], bool]] = {}
        self._places: dict[tuple[str, str], tuple[Location, ...]] = {}
        self._present: dict[str, bool] | None = None
        self.has_unknown = any(resource.unknown for _, resource in estate.resources)

    def has(self, subject: str) -> bool:
        """Tell whether the estate holds anything that a control of this subject could judge.

        A subject that is not known here counts as there: its control is run.
        """
        if self._present is None:
            types = {resource.type for _, resource in self.estate.resources}
            kinds = {kind for _, kind in self.estate.by_kind}
            pods = bool(self.estate.pod_templates())
            self._present = {
                "cluster": CLUSTER in types,
                "pool": bool(self.estate.pools()),
                "registry": "microsoft.containerregistry/registries" in types,
                "subscription": any(kind.startswith("microsoft.security/") for kind in types),
                # Of a cluster whose policy states or security groups were not given, that is said.
                "policy-state": CLUSTER in types
                or any(kind.startswith("microsoft.policyinsights/") for kind in types),
                "nsg": CLUSTER in types or "microsoft.network/networksecuritygroups" in types,
                "gateway": any("gateway" in kind or "firewallpolicies" in kind for kind in types),
                "object": bool(kinds),
                "estate": pods,
                "pod": pods,
                "live-pod": pods and any(item.metadata.get("uid") for _, item in self.estate.objects),
                "container": pods,
                "namespace": "Namespace" in kinds,
                "node": "Node" in kinds,
                "service": "Service" in kinds,
                "ingress": "Ingress" in kinds,
                "budget": "PodDisruptionBudget" in kinds,
                "secret": "Secret" in kinds,
                "role": bool(kinds & {"Role", "ClusterRole"}),
                "binding": bool(kinds & {"RoleBinding", "ClusterRoleBinding"}),
            }
        return self._present.get(subject, True)

    def ask(self, controls: Sequence[Control]) -> Iterator[tuple[Control, Judged | str]]:
        """Run every control's query, together where they can be; a text says why one cannot run."""
        groups: dict[bool, list[Control]] = {True: [], False: []}
        # Which of them cannot be compiled comes out one by one below.
        with contextlib.suppress(SeawallError):
            self.database.prepare([control.query for control in controls])
        for control in controls:
            try:
                self._check(control)
            except SeawallError as error:
                yield control, f"{control.file}: {error.diagnostics()}"
            else:
                groups[self._keeps_all(control)].append(control)
        for everything, group in groups.items():
            open_: dict[int, Control] = dict(enumerate(group))
            try:
                for answers in self.database.judge_each(
                    [control.query for control in group], everything=everything
                ):
                    for place, judged in answers.items():
                        yield open_.pop(place), judged
            except SeawallError:
                # One of them fails at run time: asked alone, the others answer.
                for control in open_.values():
                    try:
                        yield control, self.database.judge(control.query, everything=everything)
                    except SeawallError as error:
                        yield control, f"{control.file}: {error.diagnostics()}"

    def _keeps_all(self, control: Control) -> bool:
        """Tell whether also the rows that pass are wanted: shown, or turned to unknown by a plan."""
        return self.options.include_passed or (
            self.has_unknown and control.header.subject in {"cluster", "pool"}
        )

    def _check(self, control: Control) -> None:
        names = {name for name, _ in self.database.compile(control.query).columns}
        for name in _REQUIRED:
            if name not in names:
                raise InputError(
                    f"the query has no column {name!r}",
                    hint="a control's query ends with id, pass, path, observed, expected",
                )

    def control(self, control: Control, judged: Judged | str) -> tuple[list[Finding], Coverage]:
        """Turn the answer of one control into findings. What it cannot run for is an `error` finding."""
        header = control.header
        blank = Coverage(header.id, header.title, header.chapter, header.severity)
        if isinstance(judged, str):
            error = error_finding(header.id, header.chapter, header.severity, judged)
            return [error], msgspec.structs.replace(blank, error=judged)
        names = [name for name, _ in judged.columns]
        places = [names.index(name) for name in _REQUIRED]
        note = names.index("message") if "message" in names else None
        # Times leave the database as numbers of 100 ns.
        seen, wanted = (judged.columns[place][1] for place in places[3:])
        findings: list[Finding] = []
        passed = judged.passed
        counts = dict.fromkeys((Outcome.FAIL, Outcome.UNKNOWN, Outcome.MANUAL), 0)
        for row in judged.rows:
            subject_id, verdict, path, observed, expected = (row[place] for place in places)
            text = str(row[note]) if note is not None and row[note] else ""
            outcome = self._outcome(control, subject_id, verdict)
            if outcome is Outcome.PASS:
                if not self.options.include_passed:
                    continue
            else:
                counts[outcome] += 1
                passed -= verdict is True
            if seen in rest.WRITTEN or wanted in rest.WRITTEN:
                observed, expected = rest.cell(observed, seen), rest.cell(expected, wanted)
            findings.append(
                self._finding(control, outcome, str(subject_id), str(path or ""), observed, expected, text)
            )
        return findings, msgspec.structs.replace(
            blank,
            evaluated=passed + sum(counts.values()),
            passed=passed,
            failed=counts[Outcome.FAIL],
            unknown=counts[Outcome.UNKNOWN],
            manual=counts[Outcome.MANUAL],
        )

    def _outcome(self, control: Control, subject_id: str, verdict: bool | None) -> Outcome:
        if control.header.decides == "manual":
            return Outcome.MANUAL
        if verdict is None and control.header.evidence:
            # What the input does not hold and a person can look up is asked for.
            return Outcome.MANUAL
        item = self.estate.by_id.get(subject_id) if self.has_unknown else None
        if isinstance(item, AzureResource) and item.unknown:
            prefix = self.prefixes.get(subject_id)
            for field in control.header.fields:
                above = field.startswith("cluster.")
                whole = field.removeprefix("cluster.") if above or not prefix else f"{prefix}.{field}"
                if _touches(item.unknown, whole):
                    return Outcome.UNKNOWN
        if verdict is None:
            return Outcome.UNKNOWN
        return Outcome.PASS if verdict else Outcome.FAIL

    def _finding(
        self,
        control: Control,
        outcome: Outcome,
        subject_id: str,
        path: str,
        observed: Any,
        expected: Any,
        text: str,
    ) -> Finding:
        header = control.header
        subject = self.subjects.get(subject_id) or Subject(header.subject, "", subject_id, subject_id)
        if outcome is Outcome.PASS:
            message = header.title
        elif outcome is Outcome.MANUAL:
            message = header.evidence or header.message
        else:
            message = text or header.message
            if outcome is Outcome.UNKNOWN:
                message = f"Not known: {header.title[:1].lower()}{header.title[1:]}"
        plain = self._plain_fixes.get(header.id)
        if plain is None:
            fixes = tuple(Fix(language, fix) for language, fix in header.fixes.items())
            plain = self._plain_fixes[header.id] = (fixes, any("{" in fix.text for fix in fixes))
        fixes, filled = plain if outcome is not Outcome.PASS else ((), False)
        if filled or "{" in message:
            slots = _slots(subject, path, observed, expected)
            message = _fill(message, slots)
            if filled:
                fixes = tuple(Fix(fix.language, _fill(fix.text, slots)) for fix in fixes)
        return Finding(
            control=header.id,
            chapter=header.chapter,
            subject=subject,
            outcome=outcome,
            severity=header.severity,
            confidence=header.confidence,
            message=message,
            evidence=(Evidence(path, observed, expected),),
            locations=self._locations(subject_id, path) if self.options.locate else (),
            fixes=fixes,
            fingerprint=fingerprint(header.id, subject.id, path, observed),
        )

    def _locations(self, subject_id: str, path: str) -> tuple[Location, ...]:
        """Return where a field stands. Several controls may name the same one."""
        key = (subject_id, path)
        if key not in self._places:
            self._places[key] = self._locate(subject_id, path)
        return self._places[key]

    def _locate(self, subject_id: str, path: str) -> tuple[Location, ...]:
        item = self.estate.by_id.get(subject_id)
        if isinstance(item, KubernetesObject):
            return (self.locator.locate(item.origin, parse_path(path)),)
        if isinstance(item, AzureResource):
            return (self.locator.locate_resource(item, path),)
        return ()


def ahead(answers: Iterator[_Answer]) -> Iterator[_Answer]:
    """Give answers while the next ones are worked out in a thread: DuckDB plans and runs beside Python.

    The thread wants the interpreter only between two statements; it is not made to wait for long then.
    """
    ready: SimpleQueue[tuple[_Answer | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            for answer in answers:
                ready.put((answer, None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answers are used
            ready.put((None, error))
        else:
            ready.put((None, None))

    worker = threading.Thread(target=work, name="answers", daemon=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        worker.start()
        while True:
            answer, error = ready.get()
            if error is not None:
                raise error
            if answer is None:
                break
            yield answer
    finally:
        worker.join()
        sys.setswitchinterval(interval)


def _touches(unknown: frozenset[str], field: str) -> bool:
    """Tell whether a field, something above it or something below it is not known. `[*]` is any index."""
    every = "[*]" in field
    for known in unknown:
        path = _INDEX.sub("[*]", known) if every else known
        if (
            path == field
            or field.startswith((f"{path}.", f"{path}["))
            or path.startswith((f"{field}.", f"{field}["))
        ):
            return True
    return False


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _slots(subject: Subject, path: str, observed: Any, expected: Any) -> dict[str, str]:
    """Return what stands for `{name}` and the like in messages and fixes."""
    slots = {
        "kind": subject.kind,
        "name": subject.name,
        "namespace": subject.namespace,
        "resourceGroup": subject.namespace,
        "path": path,
        "observed": _shown(observed),
        "expected": _shown(expected),
    }
    if "/agentPools/" in subject.id:
        slots["cluster"] = subject.id.rpartition("/agentPools/")[0].rpartition("/")[2]
    return slots


def _fill(text: str, slots: dict[str, str]) -> str:
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), text)


def error_finding(control: str, chapter: str, severity: Severity, reason: str) -> Finding:
    """Make the finding of a control that cannot be run."""
    subject = Subject("Control", "", control, f"control/{control}")
    return Finding(
        control=control,
        chapter=chapter,
        subject=subject,
        outcome=Outcome.ERROR,
        severity=severity,
        confidence=Confidence.HIGH,
        message=reason,
        fingerprint=fingerprint(control, subject.id, "", "error"),
    )
