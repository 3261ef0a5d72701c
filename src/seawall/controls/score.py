"""The score: the weighted share of decisions that passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.core import Severity
from seawall.core.report import Coverage, Score

if TYPE_CHECKING:
    from collections.abc import Iterable

WEIGHTS: dict[Severity, int] = {
    Severity.CRITICAL: 8,
    Severity.HIGH: 4,
    Severity.MEDIUM: 2,
    Severity.LOW: 1,
}


def score(coverage: Iterable[Coverage]) -> Score:
    """Score an assessment, whole and by chapter (`Score` says what counts).

    Each control gives its share of passes times its weight, so that a control over 1,000 containers does
    not drown one over a single cluster.
    """
    sums: dict[str, tuple[float, float]] = {}
    for item in coverage:
        decided = item.passed + item.failed + item.waived
        got, possible = sums.get(item.chapter, (0.0, 0.0))
        if decided:
            weight = WEIGHTS[item.severity]
            got += weight * item.passed / decided
            possible += weight
        sums[item.chapter] = (got, possible)
    total = sum(got for got, _ in sums.values()), sum(possible for _, possible in sums.values())
    return Score(_percent(*total), {name: _percent(*sums[name]) for name in sorted(sums)})


def _percent(got: float, possible: float) -> float | None:
    return round(100 * got / possible, 1) if possible else None
