"""The whole of `seawall assess`: read, judge, waive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.controls.assess import Options, assess, finish
from seawall.controls.baseline import apply_baseline, read_baseline
from seawall.controls.baseline import write_baseline as save_baseline
from seawall.controls.waivers import apply_waivers, read_waivers
from seawall.kql import Opening
from seawall.sources import read_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.controls.catalogue import Catalogue
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
) -> Report:
    """Assess what stands in the paths. Waiver and baseline files are read first: a bad one stops early."""
    rules = read_waivers(waivers) if waivers else ()
    known_before = read_baseline(baseline) if baseline else None
    opening = Opening()
    report = assess(read_paths(paths), catalogue, options, opening)
    if write_baseline:
        save_baseline(write_baseline, report.findings, accept_new=accept_new)
    if not rules and known_before is None:
        return report
    names = frozenset(catalogue.controls) | {item.id for item in catalogue.broken}
    findings, uses, warnings = apply_waivers(report.findings, rules, options.now.date(), names)
    if known_before is not None:
        findings = apply_baseline(findings, known_before)
    return finish(report, findings, uses, warnings)
