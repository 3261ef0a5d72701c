"""Baselines: what was there when a team began, so that only what is new counts.

A baseline holds fingerprints (control, subject, path and value: never a line) and how often each occurs.
A finding beyond that number is new. A baseline that cannot be read is an error, never an empty one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.core import Finding, InputError, Outcome, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VERSION = 1


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    control: str
    subject: str
    count: int


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    findings: dict[str, _Entry]


def read_baseline(path: str) -> dict[str, int]:
    """Return how often each fingerprint is in the baseline.

    Raises:
        InputError: unreadable, or not a baseline of this version.
    """
    try:
        parsed = msgspec.json.decode(Path(path).read_bytes(), type=_File)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}", hint="write one first with --write-baseline FILE"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a baseline: {error}") from None
    if parsed.version != VERSION:
        raise InputError(f"{path} is a baseline of version {parsed.version}; this Seawall reads {VERSION}")
    return {key: entry.count for key, entry in parsed.findings.items()}


def write_baseline(path: str, findings: Iterable[Finding], *, accept_new: bool) -> None:
    """Write the failing findings as a baseline; an existing one only shrinks unless `accept_new`.

    Raises:
        UsageError: the file exists and would grow.
    """
    entries: dict[str, _Entry] = {}
    for finding in findings:
        if finding.outcome is Outcome.FAIL:
            before = entries.get(finding.fingerprint)
            count = before.count + 1 if before else 1
            entries[finding.fingerprint] = _Entry(finding.control, finding.subject.id, count)
    if Path(path).exists() and not accept_new:
        old = read_baseline(path)
        grown = [entry for key, entry in sorted(entries.items()) if entry.count > old.get(key, 0)]
        if grown:
            first = grown[0]
            raise UsageError(
                f"{path} would grow by {len(grown)} findings, first {first.control} of {first.subject}",
                hint="mend them, or say --accept-new",
            )
    data = msgspec.json.format(msgspec.json.encode(_File(VERSION, dict(sorted(entries.items())))), indent=2)
    Path(path).write_bytes(data + b"\n")


def apply_baseline(findings: Sequence[Finding], baseline: dict[str, int]) -> list[Finding]:
    """Turn failing findings that the baseline knows into `waived`, each as often as it stands there."""
    left = Counter(baseline)
    result = []
    for finding in findings:
        if finding.outcome is Outcome.FAIL and left[finding.fingerprint] > 0:
            left[finding.fingerprint] -= 1
            result.append(msgspec.structs.replace(finding, outcome=Outcome.WAIVED))
        else:
            result.append(finding)
    return result
