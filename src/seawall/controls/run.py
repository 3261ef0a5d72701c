"""The whole of `seawall assess`: read, judge, waive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.controls.assess import Options, assess, finish
from seawall.controls.baseline import apply_baseline, read_baseline
from seawall.controls.baseline import write_baseline as save_baseline
from seawall.controls.inline import inline_waivers
from seawall.controls.waivers import apply_waivers, read_waivers
from seawall.kql import Opening
from seawall.sources import read_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.controls.catalogue import Catalogue
    from seawall.controls.waivers import Rule
    from seawall.core.report import Report


def run(
    paths: Sequence[str],
    catalogue: Catalogue,
    options: Options,
    *,
    waivers: str | None = None,
    baseline: str | None = None,
    write_baseline: str | None = None,
    accept_new: bool = False,
    inline: bool = True,
) -> Report:
    """Assess what stands in the paths. Waiver and baseline files are read first: a bad one stops early.

    `inline` also takes the waivers that stand in the files themselves.
    """
    rules: list[Rule] = list(read_waivers(waivers)) if waivers else []
    known_before = read_baseline(baseline) if baseline else None
    opening = Opening()
    snapshot = read_paths(paths)
    report = assess(snapshot, catalogue, options, opening)
    if write_baseline:
        save_baseline(write_baseline, report.findings, accept_new=accept_new)
    beside, remarks = inline_waivers(snapshot) if inline else ([], [])
    rules += beside
    if not rules and not remarks and known_before is None:
        return report
    asked = {item.control for item in report.coverage}
    findings, uses, warnings = apply_waivers(
        report.findings, rules, options.now.date(), _names(catalogue), asked
    )
    if known_before is not None:
        findings = apply_baseline(findings, known_before)
    return finish(report, findings, uses, [*remarks, *warnings])


def _names(catalogue: Catalogue) -> dict[str, str]:
    """Return what leads to each control's id: the id itself and its aliases."""
    names = {name: name for name in (*catalogue.controls, *(item.id for item in catalogue.broken))}
    for control in catalogue.controls.values():
        names.update(dict.fromkeys(control.header.aliases, control.id))
    return names
