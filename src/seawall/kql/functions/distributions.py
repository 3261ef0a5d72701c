"""Distributions: the beta distribution and Welch's test (docs: beta-cdf, beta-inv, beta-pdf, welch-test).

What they are is mathematics: the regularized incomplete beta function, here by its continued fraction with
Lentz's method (Numerical Recipes, 6.4; DLMF 8.17.22).
"""

from __future__ import annotations

import math

from seawall.kql.functions.registry import python

LARGEST = 10_000
"""Beyond it beta_cdf() gives NaN for a parameter (docs: beta-cdf, note)."""

TINY = 1e-300
ENOUGH = 1e-16
ROUNDS = 10_000


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), the share of the beta distribution's weight below x; 0 <= x <= 1, a and b above 0."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction runs fast on this side of the mean only
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    out = d
    for m in range(1, ROUNDS):
        for share in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + share * d)
            c = _away(1 + share / c)
            out *= c * d
        if abs(c * d - 1) < ENOUGH:
            break
    return out


def _away(value: float) -> float:
    return value if abs(value) > TINY else TINY


@python("beta_cdf", "real real real", "real")
def beta_cdf(x: float, alpha: float, beta: float) -> float:
    """`beta_cdf(x, alpha, beta)`."""
    if not (0 <= x <= 1 and 0 < alpha <= LARGEST and 0 < beta <= LARGEST):
        return math.nan
    return incomplete_beta(x, alpha, beta)


@python("beta_pdf", "real real real", "real")
def beta_pdf(x: float, alpha: float, beta: float) -> float:
    """`beta_pdf(x, alpha, beta)`."""
    if not (0 < x < 1 and 0 < alpha < math.inf and 0 < beta < math.inf):
        return math.nan
    scale = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    return math.exp(scale + (alpha - 1) * math.log(x) + (beta - 1) * math.log1p(-x))


@python("beta_inv", "real real real", "real")
def beta_inv(probability: float, alpha: float, beta: float) -> float | None:
    """`beta_inv(probability, alpha, beta)`.

    The page's note and its answers are at odds about what is null and what NaN: the answers are followed.
    """
    if not (0 < alpha <= LARGEST and 0 < beta <= LARGEST):
        return math.nan
    if not 0 < probability <= 1:
        return None
    if probability == 1:
        return 1.0
    low, high = 0.0, 1.0
    while True:  # halves until no double lies between: about sixty steps, more for answers near zero
        middle = (low + high) / 2
        if not low < middle < high:
            return high
        if incomplete_beta(middle, alpha, beta) < probability:
            low = middle
        else:
            high = middle


@python("welch_test", "real real real real real real", "real")
def welch_test(m1: float, v1: float, n1: float, m2: float, v2: float, n2: float) -> float:
    """`welch_test(mean1, variance1, count1, mean2, variance2, count2)`: the p-value of both sides."""
    if not (n1 > 1 and n2 > 1 and v1 >= 0 and v2 >= 0 and v1 + v2 > 0):
        return math.nan
    a, b = v1 / n1, v2 / n2
    t2 = (m1 - m2) * (m1 - m2) / (a + b)
    freedom = (a + b) * (a + b) / (a * a / (n1 - 1) + b * b / (n2 - 1))
    if not (math.isfinite(t2) and math.isfinite(freedom)):
        return math.nan
    return incomplete_beta(freedom / (freedom + t2), freedom / 2, 0.5)
