"""The assessment: every control over every subject, and what came of it."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from operator import itemgetter
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from seawall import __version__
from seawall.controls.facts import FACT_TABLES
from seawall.controls.frameworks import requirements
from seawall.controls.score import score
from seawall.controls.tables import is_built
from seawall.controls.tables import table as table_of_name
from seawall.core import (
    Confidence,
    Evidence,
    Finding,
    Fix,
    FixedClock,
    InputError,
    Outcome,
    SeawallError,
    Severity,
    Subject,
    fingerprint,
)
from seawall.core.report import Counts, Coverage, Report, Requirement, Tool, UnreadItem, WaiverUse
from seawall.kql import Database, Judged
from seawall.snapshot import AzureResource, KubernetesObject, Snapshot
from seawall.snapshot.paths import parse_path
from seawall.snapshot.tables import CLUSTER, TABLES, Estate
from seawall.sources import Locator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from seawall.controls.catalogue import Catalogue
    from seawall.controls.model import Control
    from seawall.core import Location

_Answer = TypeVar("_Answer")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIRST = (
    Outcome.ERROR,
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.MANUAL,
    Outcome.WAIVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)
_INDEX = re.compile(r"\[\d+\]")
_SLOT = re.compile(r"\{(\w+)\}")
_SEES_ALL = frozenset({"pack_all", "search", "find", "evaluate", "bag_unpack", "getschema"})
_REQUIRED = ("id", "pass", "path", "observed", "expected")


class Options(msgspec.Struct, frozen=True):
    """What to assess: `now` is the moment that calendars are read at; empty filters mean everything."""

    now: datetime
    controls: frozenset[str] = frozenset()
    chapters: frozenset[str] = frozenset()
    framework: str = ""
    include_passed: bool = False
    locate: bool = True


def open_database(
    estate: Estate,
    queries: Iterable[str],
    now: datetime,
    *,
    profile: str = "local",
    narrow: bool = False,
    **limits: Any,
) -> Database:
    """Load the tables that the queries name, and no others, into a database that stands at `now`.

    A table is loaded where its name occurs as a word in a query: too many at worst, never too few. With
    `narrow` so are its columns, unless an operator occurs that looks at all of them; that is for controls,
    which name what they show.
    """
    by_query = [_words(query) for query in queries]
    database = Database(profile=profile, clock=FixedClock(now), **limits)
    for name in TABLES:
        # A query may start with an operator: its table is then `resources`.
        asking = by_query if name == "resources" else [words for words in by_query if name in words]
        if (asking or name == "resources") and is_built(name):
            table = table_of_name(name)
            words = frozenset().union(*asking)
            whole = not narrow or not words.isdisjoint(_SEES_ALL)
            kept = [
                place
                for place, column in enumerate(table.columns)
                if whole or not place or column.name.lower() in words
            ]
            schema = [(table.columns[place].name, table.columns[place].type) for place in kept]
            rows = table.rows(estate) if table.rows is not None else iter(())
            if len(kept) < len(table.columns):
                pick = itemgetter(*kept) if len(kept) > 1 else lambda row, place=kept[0]: (row[place],)
                rows = map(pick, rows)
            database.add_table(name, schema, rows)
    for name, facts in FACT_TABLES.items():
        if any(name in words for words in by_query):
            database.add_table(name, facts.columns, facts.rows(now))
    return database


def _words(query: str) -> frozenset[str]:
    """Return the words of a query, and those without the number that a join gives to a second column of a name."""
    words = {word.lower() for word in _WORD.findall(query)}
    return frozenset(words | {word.rstrip("0123456789") for word in words})


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


def assess(snapshot: Snapshot, catalogue: Catalogue, options: Options) -> Report:
    """Run the controls over a snapshot; waivers and baselines come after (`finish`)."""
    estate = Estate(snapshot)
    estate.pools()
    judge = _Judge(estate, options)
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
    judge.database = open_database(estate, queries, options.now, narrow=True)
    for control, answer in _ahead(judge.ask(controls)):
        found, covered = judge.control(control, answer)
        findings.extend(found)
        coverage.append(covered)
    for broken in catalogue.broken:
        if options.framework or (options.controls and broken.id not in options.controls):
            continue
        if options.chapters and broken.chapter not in options.chapters:
            continue
        findings.append(_error(broken.id, broken.chapter, Severity.HIGH, broken.reason))
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


class _Judge:
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
                "policy-state": any(kind.startswith("microsoft.policyinsights/") for kind in types),
                "nsg": "microsoft.network/networksecuritygroups" in types,
                "gateway": "microsoft.network/applicationgateways" in types,
                "object": bool(kinds),
                "estate": pods,
                "pod": pods,
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
            error = _error(header.id, header.chapter, header.severity, judged)
            return [error], msgspec.structs.replace(blank, error=judged)
        names = [name for name, _ in judged.columns]
        places = [names.index(name) for name in _REQUIRED]
        note = names.index("message") if "message" in names else None
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
        item = self.estate.by_id.get(subject_id)
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


def _ahead(answers: Iterator[_Answer]) -> Iterator[_Answer]:
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


def _error(control: str, chapter: str, severity: Severity, reason: str) -> Finding:
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
