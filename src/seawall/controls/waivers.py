"""Waivers: what a team has decided to live with, by whom, why, and until when."""

from __future__ import annotations

import fnmatch
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.core import Finding, InputError, Outcome
from seawall.core.report import WaiverUse
from seawall.sources import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

_OUTCOMES = frozenset({Outcome.FAIL, Outcome.UNKNOWN, Outcome.MANUAL})


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One waiver. `subject` is a glob over the subject's id, `namespace/name` or name."""

    control: str
    subject: str
    reason: str
    owner: str
    expires: str
    ticket: str = ""

    def expired(self, today: date) -> bool:
        """Tell whether its last day has passed."""
        return date.fromisoformat(self.expires) < today


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
    findings: Sequence[Finding], waivers: Sequence[Waiver], today: date, known: frozenset[str]
) -> tuple[list[Finding], list[WaiverUse], list[str]]:
    """Turn waived findings into `waived`; return them with what became of each waiver, and warnings.

    An expired waiver waives nothing. `known` holds the ids and aliases of all controls.
    """
    live = [(waiver, _matcher(waiver)) for waiver in waivers if not waiver.expired(today)]
    used: dict[int, int] = {}
    result = []
    for finding in findings:
        if finding.outcome in _OUTCOMES:
            for waiver, matches in live:
                if matches(finding):
                    used[id(waiver)] = used.get(id(waiver), 0) + 1
                    finding = msgspec.structs.replace(finding, outcome=Outcome.WAIVED)  # noqa: PLW2901 - the waived form takes its place
                    break
        result.append(finding)
    uses, warnings = [], []
    for waiver in waivers:
        count = used.get(id(waiver), 0)
        state = "expired" if waiver.expired(today) else "used" if count else "unused"
        uses.append(
            WaiverUse(
                waiver.control, waiver.subject, waiver.reason, waiver.owner, waiver.expires, state, count
            )
        )
        label = f"waiver of {waiver.control} for {waiver.subject}"
        if waiver.control not in known:
            warnings.append(f"{label}: no control of that name is in the catalogue")
        if state == "expired":
            warnings.append(f"{label} ended on {waiver.expires}: its findings are back ({waiver.owner})")
        elif state == "unused":
            warnings.append(f"{label} is not used: nothing matches it any more ({waiver.owner})")
    return result, uses, warnings


class _Matcher:
    def __init__(self, control: str, pattern: str) -> None:
        self._control = control
        self._pattern = re.compile(fnmatch.translate(pattern), re.IGNORECASE)

    def __call__(self, finding: Finding) -> bool:
        if finding.control != self._control:
            return False
        subject = finding.subject
        names = (subject.id, f"{subject.namespace}/{subject.name}", subject.name)
        return any(self._pattern.fullmatch(name) for name in names)


def _matcher(waiver: Waiver) -> _Matcher:
    return _Matcher(waiver.control, waiver.subject)
