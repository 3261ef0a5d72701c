"""What describes a series: its statistics, and the line and the polynomial that fit it best."""

from __future__ import annotations

import math
from typing import Any

from seawall.kql.functions.registry import bind_args, python, result, special, udf
from seawall.kql.functions.series.values import cleaned, numeric, square

STATS = (
    ("min", "real"),
    ("min_idx", "long"),
    ("max", "real"),
    ("max_idx", "long"),
    ("avg", "real"),
    ("stdev", "real"),
    ("variance", "real"),
)
"""Columns of series_stats."""


def stats(values: Any, ignore_nonfinite: bool | None) -> dict[str, Any] | None:
    """Work out what series_stats gives; a value that is no finite number spoils it unless it is ignored."""
    if not isinstance(values, list):
        return None
    numbers = [numeric(v) for v in values]
    finite = [(i, float(n)) for i, n in enumerate(numbers) if n is not None and math.isfinite(n)]
    if not finite or (len(finite) < len(numbers) and not ignore_nonfinite):
        return dict.fromkeys(("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum", "len"))
    low, high = min(finite, key=lambda p: (p[1], p[0])), max(finite, key=lambda p: (p[1], -p[0]))
    total = sum(n for _, n in finite)
    mean = total / len(finite)
    variance = sum(square(n - mean) for _, n in finite) / (len(finite) - 1) if len(finite) > 1 else 0.0
    return {
        "min": low[1], "min_idx": low[0], "max": high[1], "max_idx": high[0],
        "avg": cleaned(mean), "stdev": cleaned(math.sqrt(variance)), "variance": cleaned(variance),
        "sum": cleaned(total), "len": len(values),
    }  # fmt: skip


python("series_stats_dynamic", "dynamic bool?", "dynamic")(stats)

LINE = (
    ("rsquare", "real"),
    ("slope", "real"),
    ("variance", "real"),
    ("rvariance", "real"),
    ("interception", "real"),
    ("line_fit", "dynamic"),
)
"""Columns of series_fit_line."""


def fit_line(values: Any) -> dict[str, Any] | None:
    """Fit a line by least squares over the index; values that are missing are left out.

    Both variances are those of a sample, and the line is met at 0 by the place before the first value (docs:
    series-fit-line: 98.628, 1.686 and -1.666 of its twelve values, whose fitted line begins with 1.064).
    """
    if not isinstance(values, list):
        return None
    known = [(i, float(n)) for i, n in enumerate(map(numeric, values)) if n is not None and math.isfinite(n)]
    if len(known) < 2:
        return None
    count = len(known)
    mx, my = sum(i for i, _ in known) / count, sum(n for _, n in known) / count
    sxx = sum(square(i - mx) for i, _ in known)
    sxy = sum((i - mx) * (n - my) for i, n in known)
    slope = sxy / sxx
    cross = my - slope * mx
    return {
        **_quality([n for _, n in known], [cross + slope * i for i, _ in known]),
        "slope": cleaned(slope),
        "interception": cleaned(cross - slope),
        "line_fit": [cleaned(cross + slope * i) for i in range(len(values))],
    }


def _quality(values: list[float], fitted: list[float]) -> dict[str, Any]:
    mean = sum(values) / len(values)
    whole = sum(square(n - mean) for n in values)
    rest = sum(square(n - f) for n, f in zip(values, fitted, strict=True))
    freedom = len(values) - 1
    return {
        "rsquare": cleaned(1 - rest / whole if whole else 1.0),
        "variance": cleaned(whole / freedom),
        "rvariance": cleaned(rest / freedom),
    }


python("series_fit_line_dynamic", "dynamic", "dynamic")(fit_line)

POLY = (
    ("rsquare", "real"),
    ("coefficients", "dynamic"),
    ("variance", "real"),
    ("rvariance", "real"),
    ("poly_fit", "dynamic"),
)
"""Columns of series_fit_poly."""

HIGHEST = 50
"""The highest degree that is fitted: beyond it doubles cannot tell the powers apart."""


def fit_poly(values: Any, places: Any, degree: int | None) -> dict[str, Any] | None:
    """Fit a polynomial by least squares: coefficients from the highest power down (docs: series-fit-poly).

    `places` is 1, 2 ... where it is not given. Points without two finite numbers are left out; null where those
    left do not tell one polynomial of that degree, or where the arrays are not of one length.
    """
    degree = 1 if degree is None else degree
    if not isinstance(values, list) or not 0 <= degree <= HIGHEST:
        return None
    places = list(range(1, len(values) + 1)) if places is None else places
    if not isinstance(places, list) or len(places) != len(values):
        return None
    xs = [numeric(x) for x in places]
    known = [
        (float(x), float(n))
        for x, n in zip(xs, map(numeric, values), strict=True)
        if x is not None and n is not None and math.isfinite(x) and math.isfinite(n)
    ]
    if len({x for x, _ in known}) <= degree or len(known) < 2:
        return None
    low, high = min(x for x, _ in known), max(x for x, _ in known)
    middle, half = (low + high) / 2, (high - low) / 2 or 1.0
    scaled = _least_squares([((x - middle) / half, n) for x, n in known], degree)

    def at(x: float) -> float:
        out = 0.0
        for c in reversed(scaled):
            out = out * ((x - middle) / half) + c
        return out

    return {
        **_quality([n for _, n in known], [at(x) for x, _ in known]),
        "coefficients": [cleaned(c) for c in reversed(_moved(scaled, middle, half))],
        "poly_fit": [None if x is None else cleaned(at(float(x))) for x in xs],
    }


def _least_squares(points: list[tuple[float, float]], degree: int) -> list[float]:
    """Solve for the coefficients, lowest power first, by Householder reflections of the powers' columns."""
    width = degree + 1
    rows = [[x**k for k in range(width)] + [y] for x, y in points]
    for k in range(width):
        norm = math.sqrt(sum(square(row[k]) for row in rows[k:]))
        if not norm:
            continue
        pivot = rows[k][k]
        head = pivot + math.copysign(norm, pivot)
        mirror = [head, *(row[k] for row in rows[k + 1 :])]
        length = sum(map(square, mirror))
        for j in range(k, width + 1):
            share = 2 * sum(v * row[j] for v, row in zip(mirror, rows[k:], strict=True)) / length
            for v, row in zip(mirror, rows[k:], strict=True):
                row[j] -= share * v
    out = [0.0] * width
    for k in reversed(range(width)):
        rest = rows[k][width] - sum(rows[k][j] * out[j] for j in range(k + 1, width))
        out[k] = rest / rows[k][k] if rows[k][k] else 0.0
    return out


def _moved(scaled: list[float], middle: float, half: float) -> list[float]:
    """Turn a polynomial of (x - middle) / half into one of x, lowest power first."""
    out = [0.0]
    for c in reversed(scaled):  # Horner, with polynomials: out * (x - middle) / half + c
        shifted = [0.0, *(v / half for v in out)]
        for k, v in enumerate(out):
            shifted[k] -= v * middle / half
        shifted[0] += c
        out = shifted
    return out[: len(scaled)]


udf("series_fit_poly", "dynamic dynamic? long?", "dynamic", fit_poly)


@special("\0series_fit_poly")
def series_fit_poly(binder: Any, node: Any, scope: Any) -> Any:
    """`series_fit_poly(series [, places, degree])`."""
    args = bind_args(binder, node, scope, "dynamic dynamic? long?")
    args += ["NULL"] * (3 - len(args))
    return result(f"k_series_fit_poly({', '.join(args)})", "dynamic")
