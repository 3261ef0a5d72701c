from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from support import MISSING_MARK
from support.controlplane_fixtures import cluster, cluster_factory, control_plane, make_cluster

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

__all__ = ["cluster", "cluster_factory", "control_plane", "make_cluster"]  # fixtures of every chapter

# Property tests draw the same examples in CI, so that a red run can be had again.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Close the run with one line that counts what could not be run here, by the part that is missing."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _, mark, rest = reason.partition(MISSING_MARK)
        counts[rest.partition(":")[0] if mark else f"other reasons ({reason.removeprefix('Skipped: ')})"] += 1
    if counts:
        total = sum(counts.values())
        parts = ", ".join(f"{count} for want of {part}" for part, count in sorted(counts.items()))
        terminalreporter.write_line(f"not run here: {total} tests ({parts})", yellow=True)


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "SEAWALL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
