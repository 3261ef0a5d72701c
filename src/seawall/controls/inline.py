"""Waivers where the thing stands: a comment on its line or above it, or an annotation of the object.

    image: web:latest   # seawall: ignore[image-pinned] until=2027-01-31 owner=ada -- until the mirror is back
    metadata: {annotations: {seawall.dev/ignore.image-pinned: until=2027-01-31 -- until the mirror is back}}

They have an end and a reason like those of a waiver file; one that lacks either waives nothing, and is warned of.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

import msgspec

from seawall.snapshot.tables import Estate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seawall.core import Finding
    from seawall.snapshot import Snapshot

ANNOTATION: Final = "seawall.dev/ignore."
_COMMENT: Final = re.compile(
    rb"^(?P<before>[^\n]*?)#[ \t]*seawall:[ \t]*ignore\[(?P<ids>[^\]\n]*)\](?P<rest>[^\n]*)$", re.MULTILINE
)
_BLANK: Final = re.compile(rb"[ \t\r]*(?:#[^\n]*)?\n")
_TERMS: Final = re.compile(
    r"\s*until=(?P<until>\S+)(?:\s+owner=(?P<owner>\S+))?\s+--\s*(?P<reason>\S.*)", re.DOTALL
)
_FORM: Final = "write until=2027-01-31 -- and the reason"


class InlineWaiver(msgspec.Struct, frozen=True):
    """A waiver beside what it waives: by the line of `file`, or by the object that is annotated."""

    control: str
    subject: str
    reason: str = ""
    owner: str = ""
    expires: str = ""
    file: str = ""
    line: int = 0
    object_id: str = ""

    def matcher(self) -> Callable[[Finding], bool]:
        """Return what tells whether a finding is waived."""

        def by_line(finding: Finding) -> bool:
            return any(place.line == self.line and place.file == self.file for place in finding.locations)

        def by_object(finding: Finding) -> bool:
            return finding.subject.id == self.object_id or finding.subject.id.startswith(f"{self.object_id}/")

        return by_object if self.object_id else by_line


def inline_waivers(snapshot: Snapshot) -> tuple[list[InlineWaiver], list[str]]:
    """Return the waivers that stand in the files of a snapshot, and what is wrong with others."""
    found: list[InlineWaiver] = []
    warnings: list[str] = []
    for waiver, text in (*_comments(snapshot), *_annotations(snapshot)):
        control, where = waiver.control, waiver.subject
        terms = _TERMS.fullmatch(text)
        try:
            until = date.fromisoformat(terms["until"]).isoformat() if terms else ""
        except ValueError:
            until = ""
        if terms is None or not until or not control:
            warnings.append(f"{where}: this waiver of {control or 'nothing'} does not count: {_FORM}")
            continue
        owner, reason = terms["owner"] or where, terms["reason"].strip()
        found.append(msgspec.structs.replace(waiver, reason=reason, owner=owner, expires=until))
    return found, warnings


def _comments(snapshot: Snapshot) -> Iterator[tuple[InlineWaiver, str]]:
    for file, data in snapshot.texts.items():
        if b"seawall:" not in data:
            continue
        for match in _COMMENT.finditer(data):
            line = data.count(b"\n", 0, match.start()) + 1
            target = line
            if not match["before"].strip():
                # Alone on its line it is about the next one that says anything.
                at = match.end() + 1
                target += 1
                while (blank := _BLANK.match(data, at)) is not None:
                    at = blank.end()
                    target += 1
            text = match["rest"].decode(errors="replace").strip()
            for control in match["ids"].decode(errors="replace").split(","):
                yield InlineWaiver(control.strip(), f"{file}:{line}", file=file, line=target), text


def _annotations(snapshot: Snapshot) -> Iterator[tuple[InlineWaiver, str]]:
    mark = ANNOTATION.encode()
    if not any(mark in data for data in snapshot.texts.values()):
        return
    for subject, item in Estate(snapshot).objects:
        annotations = item.metadata.get("annotations")
        for key, value in annotations.items() if isinstance(annotations, dict) else ():
            if key.startswith(ANNOTATION):
                where = f"{item.origin.file}: {subject.id}"
                yield InlineWaiver(key.removeprefix(ANNOTATION), where, object_id=subject.id), str(value)
