"""Waivers: what a team has decided to live with, by whom, why, and until when."""

from __future__ import annotations

import fnmatch
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.controls.inline import InlineWaiver
from seawall.core import Finding, InputError, Outcome
from seawall.core.report import WaiverUse
from seawall.sources import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

_OUTCOMES = frozenset({Outcome.FAIL, Outcome.UNKNOWN, Outcome.MANUAL})


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One waiver. `control` is an id or an alias, `subject` a glob over the subject's id, `namespace/name`, name or file."""

    control: str
    subject: str
    reason: str
    owner: str
    expires: str
    ticket: str = ""

    def matcher(self) -> Callable[[Finding], bool]:
        """Return what tells whether a finding of the control is waived."""
        # Two stars in a row are one: a pattern of many would be slow to refuse.
        pattern = re.compile(fnmatch.translate(re.sub(r"\*+", "*", self.subject)), re.IGNORECASE)

        def matches(finding: Finding) -> bool:
            subject = finding.subject
            names = (subject.id, f"{subject.namespace}/{subject.name}", subject.name)
            files = (place.file for place in finding.locations)
            return any(pattern.fullmatch(name) for name in (*names, *files))

        return matches


Rule = Waiver | InlineWaiver


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    waivers: tuple[Waiver, ...]


def read_waivers(path: str) -> tuple[Waiver, ...]:
    """Read a waiver file: YAML or JSON with a list `waivers`.

    Raises:
        InputError: unreadable, an unknown or missing field, a reason that is empty, a date that is none.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="--waivers takes a file") from None
    documents = yaml.load_all(data, path)
    try:
        waivers = msgspec.convert(documents[0] if documents else None, _File).waivers
    except msgspec.ValidationError as error:
        raise InputError(
            f"{path}: {error}",
            hint="each waiver has control, subject, reason, owner and expires (and maybe ticket)",
        ) from None
    for number, waiver in enumerate(waivers, 1):
        for field in ("control", "subject", "reason", "owner"):
            if not getattr(waiver, field).strip():
                raise InputError(
                    f"{path}: waiver {number}: {field} is empty", hint="a waiver says why and who"
                )
        try:
            date.fromisoformat(waiver.expires)
        except ValueError:
            raise InputError(
                f"{path}: waiver {number}: expires: {waiver.expires!r} is not a date",
                hint="write it as 2027-01-31: a waiver must end",
            ) from None
    return waivers


def apply_waivers(
    findings: Sequence[Finding],
    waivers: Sequence[Rule],
    today: date,
    known: Mapping[str, str],
    asked: Container[str] | None = None,
) -> tuple[list[Finding], list[WaiverUse], list[str]]:
    """Turn waived findings into `waived`; return them with what became of each waiver, and warnings.

    An expired waiver waives nothing. `known` leads from the ids and aliases of all controls to the ids; `asked` holds
    the controls that were run, where not all were: a waiver of another is neither used nor unused.
    """
    live: dict[str, list[tuple[int, Callable[[Finding], bool]]]] = {}
    expired = [date.fromisoformat(waiver.expires) < today for waiver in waivers]
    for number, waiver in enumerate(waivers):
        if not expired[number]:
            live.setdefault(known.get(waiver.control, waiver.control), []).append((number, waiver.matcher()))
    used = [0] * len(waivers)
    result = []
    for finding in findings:
        if finding.outcome in _OUTCOMES:
            for number, matches in live.get(finding.control, ()):
                if matches(finding):
                    used[number] += 1
                    finding = msgspec.structs.replace(finding, outcome=Outcome.WAIVED)  # noqa: PLW2901 - the waived form takes its place
                    break
        result.append(finding)
    uses, warnings = [], []
    for number, waiver in enumerate(waivers):
        control = known.get(waiver.control)
        outside = asked is not None and control is not None and control not in asked
        state = "expired" if expired[number] else "used" if used[number] else "unused"
        if state == "unused" and outside:
            state = "not-asked"
        uses.append(
            WaiverUse(
                waiver.control,
                waiver.subject,
                waiver.reason,
                waiver.owner,
                waiver.expires,
                state,
                used[number],
            )
        )
        label = f"waiver of {waiver.control} for {waiver.subject}"
        if control is None:
            warnings.append(f"{label}: no control of that name is in the catalogue")
        if state == "expired":
            warnings.append(f"{label} ended on {waiver.expires}: its findings are back ({waiver.owner})")
        elif state == "unused" and control is not None:
            warnings.append(f"{label} is not used: nothing matches it any more ({waiver.owner})")
    return result, uses, warnings
