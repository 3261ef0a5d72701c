"""series_seasonal(): the part of a series that comes again with each period.

How Kusto finds a period by itself is not published, beyond this: it has at least four points, it comes less often
than every half of the series, and it must be found with a score of 0.7 (docs: series_seasonal,
series_periods_detect). So it is found here only where no way of looking could miss it, and else refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seawall.kql.errors import Unanswered, refuse
from seawall.kql.functions.registry import coerce, result, special, udf
from seawall.kql.functions.series import cleaned, numeric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.kql.bind.values import Ex

DETECT = -1
"""The period that asks for one to be found."""

FEWEST = 4
"""Points in a period that is found."""

ROUNDS = 4
"""How often a period must come to be beyond doubt."""

STRAYS = 10
"""One point of so many may be another than its place in the period has."""


FAR = 0.35
"""Half the score that is asked for: where a series is less like itself than this, no score comes near."""


def middle(known: list[float]) -> float:
    """Give the median; NaN where there is nothing."""
    known = sorted(known)
    half = len(known) // 2
    if not known:
        return float("nan")
    return known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2


def medians(numbers: Sequence[float | None], period: int) -> list[float]:
    """Give the median of each place of a period, over all its rounds."""
    return [
        middle([n for n in numbers[place::period] if n is not None and n == n])
        for place in range(min(period, len(numbers)))
    ]


def evident_period(numbers: Sequence[float | None]) -> int:
    """Find the period of a series that says plainly what it is; 0 where there plainly is none.

    Raises:
        Unanswered: whether there is a period, and which, would be a guess.
    """
    if len(numbers) <= 2 * FEWEST:
        return 0
    if all(n is not None and n == n for n in numbers):
        for period in range(1, len(numbers) // ROUNDS + 1):
            found = medians(numbers, period)
            strays = sum(n != found[i % period] for i, n in enumerate(numbers))
            if strays * STRAYS <= len(numbers) and period >= FEWEST:
                return period
            if strays * STRAYS <= len(numbers):
                break  # constant, or shorter than what Kusto finds: a multiple may be found instead, or nothing
        if all(_likeness(numbers, lag) < FAR for lag in range(FEWEST, (len(numbers) + 1) // 2)):
            return 0
    raise Unanswered(
        "series_seasonal() without a period is answered only where the series plainly repeats itself: "
        "give the number of bins in a period"
    )


def _likeness(numbers: Sequence[float | None], lag: int) -> float:
    # The correlation of a series with itself, so many points later.
    pairs = [
        (float(a), float(b))
        for a, b in zip(numbers, numbers[lag:], strict=False)
        if a is not None and b is not None
    ]
    ax, bx = sum(a for a, _ in pairs) / len(pairs), sum(b for _, b in pairs) / len(pairs)
    down = math.sqrt(sum((a - ax) ** 2 for a, _ in pairs) * sum((b - bx) ** 2 for _, b in pairs))
    return sum((a - ax) * (b - bx) for a, b in pairs) / down if down else 1.0


def seasonal(values: Any, period: int) -> list[Any] | None:
    """Give each place the median of all values of its place in the period; zeros where there is no period."""
    if not isinstance(values, list):
        return None
    numbers = [numeric(value) for value in values]
    if period == DETECT:
        period = evident_period(numbers)
    if period < 1:
        return [0.0] * len(numbers)
    found = medians(numbers, period)
    return [cleaned(float(found[i % period])) for i in range(len(numbers))]


udf("series_seasonal", "dynamic long", "dynamic", seasonal)


@special("series_seasonal")
def series_seasonal(binder: Any, node: Any, scope: Any) -> Ex:
    """`series_seasonal(series [, period])`."""
    if len(node.args) > 2:
        raise refuse("series_seasonal() with a third argument", node.args[2].pos)
    values = coerce(binder.ex(node.args[0], scope), "dynamic", node.pos, "series_seasonal()")
    period = str(DETECT)
    if len(node.args) > 1:
        period = coerce(binder.ex(node.args[1], scope), "long", node.pos, "series_seasonal()")
    return result(f"k_series_seasonal({values}, {period})", "dynamic")
