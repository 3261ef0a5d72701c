"""Frameworks: their requirements, and what the controls that map to each say of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.core import UsageError
from seawall.core.report import Coverage, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.controls.model import Control


def frameworks(controls: Iterable[Control]) -> list[str]:
    """Return the names of the frameworks that controls map to."""
    return sorted({name for control in controls for name in control.header.mappings})


def requirements(
    framework: str, controls: Iterable[Control], coverage: Iterable[Coverage]
) -> tuple[Requirement, ...]:
    """Answer every requirement of a framework.

    Where the framework's own list is at hand (`facts/frameworks/NAME.csv`) a requirement that no control
    maps to is there as `not covered`; else the list is made of what controls map to.

    Raises:
        UsageError: no control maps to a framework of that name.
    """
    controls = list(controls)
    known = frameworks(controls)
    if framework not in known:
        import difflib  # noqa: PLC0415 - only a mistake needs it

        near = difflib.get_close_matches(framework, known, n=1)
        raise UsageError(
            f"no framework is called {framework!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"frameworks: {', '.join(known)}",
        )
    by_requirement: dict[str, list[str]] = {}
    for control in controls:
        for requirement in control.header.mappings.get(framework, ()):
            by_requirement.setdefault(requirement, []).append(control.id)
    titles = _titles(framework)
    rows = {item.control: item for item in coverage}
    ids = sorted({*titles, *by_requirement}, key=_natural)
    return tuple(
        Requirement(
            requirement,
            titles.get(requirement, ""),
            tuple(by_requirement.get(requirement, ())),
            _state([rows[name] for name in by_requirement.get(requirement, ()) if name in rows]),
        )
        for requirement in ids
    )


def _state(rows: list[Coverage]) -> str:
    if not rows:
        return "not covered"
    if any(row.failed or row.waived for row in rows):
        return "fail"
    if any(row.unknown or row.error for row in rows):
        return "unknown"
    if any(row.manual for row in rows):
        return "manual"
    return "pass" if any(row.passed for row in rows) else "not evaluated"


def _titles(framework: str) -> dict[str, str]:
    file = Path(__file__).parent / "facts" / "frameworks" / f"{framework}.csv"
    if not file.is_file():
        return {}
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {row["id"]: row["title"] for row in csv.DictReader(lines)}


def _natural(requirement: str) -> list[tuple[int, str]]:
    """Order 4.1.10 after 4.1.9."""
    parts = requirement.replace("-", ".").split(".")
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
