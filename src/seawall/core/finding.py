"""A finding: what one control says of one subject."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

import msgspec

from seawall.core.location import Location  # noqa: TC001 - msgspec reads the annotation


class Outcome(StrEnum):
    """What a control found; only `fail` counts against `--fail-on`."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    MANUAL = "manual"
    UNKNOWN = "unknown"
    ERROR = "error"
    WAIVED = "waived"


class Severity(StrEnum):
    """How much a failing control matters."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """3 for critical down to 0 for low."""
        return ("low", "medium", "high", "critical").index(self.value)


class Confidence(StrEnum):
    """How sure the verdict is: `high` unless the control says that its reading is an inference."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Subject(msgspec.Struct, frozen=True, order=True):
    """The stable identity of the thing that was judged; `id` alone tells two subjects apart."""

    kind: str
    namespace: str
    name: str
    id: str


class Evidence(msgspec.Struct, frozen=True):
    """The field that decided: its path, the value that was seen, and what would have passed."""

    path: str
    observed: Any
    expected: Any


class Fix(msgspec.Struct, frozen=True):
    """One way to make the control pass, in one language (`az`, `bicep`, `kubectl`, `terraform`, `yaml`)."""

    language: str
    text: str


class Finding(msgspec.Struct, frozen=True):
    """One control's word on one subject. The JSON form has these names (design: contracts)."""

    control: str
    chapter: str
    subject: Subject
    outcome: Outcome
    severity: Severity
    confidence: Confidence
    message: str
    evidence: tuple[Evidence, ...] = ()
    locations: tuple[Location, ...] = ()
    fixes: tuple[Fix, ...] = ()
    fingerprint: str = ""


_CANONICAL = msgspec.json.Encoder(order="deterministic")


def fingerprint(control: str, subject_id: str, path: str, observed: Any) -> str:
    """Name a finding so that it survives moved lines: 16 hex digits over what it says, never where.

    Made of the control, the subject's identity, the field path and the observed value in canonical JSON.
    """
    value = _CANONICAL.encode(observed)
    parts = (control.encode(), subject_id.encode(), path.encode(), value)
    return hashlib.blake2b(b"\x00".join(parts), digest_size=8).hexdigest()
