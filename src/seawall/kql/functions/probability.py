"""The beta distribution and Welch's test (docs: beta_cdf, beta_inv, beta_pdf, welch_test)."""

from __future__ import annotations

import math

from seawall.kql.functions.registry import sql, udf

MAX_SHAPE = 10_000
"""Above this, beta_cdf gives NaN (its page)."""
_STEPS = 10_000
_TINY = 1e-300
_GAMMA_FITS = 170.0


def _log_beta(alpha: float, beta: float) -> float:
    return math.lgamma(alpha) + math.lgamma(beta) - math.lgamma(alpha + beta)


def _fraction(x: float, alpha: float, beta: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    c, d = 1.0, 1.0 - (alpha + beta) * x / (alpha + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    out = d
    for m in range(1, _STEPS):
        for term in (
            m * (beta - m) * x / ((alpha + 2 * m - 1.0) * (alpha + 2 * m)),
            -(alpha + m) * (alpha + beta + m) * x / ((alpha + 2 * m) * (alpha + 2 * m + 1.0)),
        ):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + term / c
            c = c if abs(c) > _TINY else _TINY
            step = c * d
            out *= step
        if abs(step - 1.0) < 1e-16:
            break
    return out


def incomplete_beta(x: float, alpha: float, beta: float) -> float:
    """Give the regularised incomplete beta function for 0 <= x <= 1 and positive shapes."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = math.exp(alpha * math.log(x) + beta * math.log1p(-x) - _log_beta(alpha, beta))
    if x < (alpha + 1.0) / (alpha + beta + 2.0):
        return front * _fraction(x, alpha, beta) / alpha
    return 1.0 - front * _fraction(1.0 - x, beta, alpha) / beta


def density(x: float, alpha: float, beta: float) -> float:
    """Give the density of the beta distribution for 0 < x < 1."""
    try:
        if alpha + beta < _GAMMA_FITS:  # without logarithms two digits more are right
            scale = math.gamma(alpha + beta) / (math.gamma(alpha) * math.gamma(beta))
            return float(x ** (alpha - 1.0) * (1.0 - x) ** (beta - 1.0) * scale)
        return math.exp((alpha - 1.0) * math.log(x) + (beta - 1.0) * math.log1p(-x) - _log_beta(alpha, beta))
    except OverflowError:
        return math.inf


def quantile(probability: float, alpha: float, beta: float) -> float:
    """Find x with `incomplete_beta(x) = probability`: Newton's steps, kept between bounds by halving."""
    if probability >= 1.0:
        return 1.0
    low, high = 0.0, 1.0
    x = alpha / (alpha + beta)
    for _ in range(200):
        miss = incomplete_beta(x, alpha, beta) - probability
        low, high = (x, high) if miss < 0 else (low, x)
        slope = density(x, alpha, beta)
        following = x - miss / slope if slope else low
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - x) <= 1e-16 * x:
            return following
        x = following
    return x


def welch(
    mean1: float, variance1: float, count1: float, mean2: float, variance2: float, count2: float
) -> float | None:
    """Give the two-sided p-value of Welch's t-test; None where a sample is too small to have a variance."""
    if count1 <= 1 or count2 <= 1 or variance1 < 0 or variance2 < 0:
        return None
    a, b = variance1 / count1, variance2 / count2
    if not a + b > 0:
        return None
    t = (mean1 - mean2) / math.sqrt(a + b)
    freedom = (a + b) * (a + b) / (a * a / (count1 - 1) + b * b / (count2 - 1))
    return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


udf("incomplete_beta", "real real real", "real", incomplete_beta)
udf("beta_density", "real real real", "real", density)
udf("beta_quantile", "real real real", "real", quantile)
udf("welch", "real real real real real real", "real", welch)

_NULL = "WHEN {0} IS NULL OR {1} IS NULL OR {2} IS NULL THEN NULL"
_NAN = "THEN 'nan'::DOUBLE"
sql(
    "beta_cdf",
    "real real real",
    "real",
    f"CASE {_NULL} WHEN NOT ({{0}} BETWEEN 0 AND 1 AND {{1}} > 0 AND {{1}} <= {MAX_SHAPE} AND {{2}} > 0 AND {{2}} <= {MAX_SHAPE}) {_NAN} "
    "ELSE k_incomplete_beta({0}, {1}, {2}) END",
)
sql(
    "beta_pdf",
    "real real real",
    "real",
    f"CASE {_NULL} WHEN NOT ({{0}} > 0 AND {{0}} < 1 AND {{1}} > 0 AND {{2}} > 0 AND isfinite({{1}} + {{2}})) {_NAN} "
    "ELSE k_beta_density({0}, {1}, {2}) END",
)
# The page's notes and its example say the opposite of each other; the example's answers were taken from the service.
sql(
    "beta_inv",
    "real real real",
    "real",
    f"CASE {_NULL} WHEN NOT ({{1}} > 0 AND {{2}} > 0 AND isfinite({{1}} + {{2}})) {_NAN} "
    "WHEN {0} > 0 AND {0} <= 1 THEN k_beta_quantile({0}, {1}, {2}) END",
)
sql("welch_test", "real real real real real real", "real", "k_welch({0}, {1}, {2}, {3}, {4}, {5})")
