"""Filters of series, and the way between time and frequency (docs: series-fir, series-iir, series-fft)."""

from __future__ import annotations

import cmath
import math
from typing import Any

from seawall.kql.errors import Unanswered
from seawall.kql.functions.registry import bind_args, python, result, special, udf
from seawall.kql.functions.series.values import cleaned, floats, numeric


@python("series_fir", "dynamic dynamic bool? bool?", "dynamic")
def series_fir(values: Any, weights: Any, normalize: bool | None, centre: bool | None) -> Any:
    """`series_fir(series, filter [, normalize [, center]])`.

    Without being told, a filter is normalized if it has no negative weight; one that has cannot be (null).
    """
    taps = floats(weights)
    if not isinstance(values, list) or not taps:
        return None
    negative = min(taps) < 0
    if normalize and negative:
        return None
    total = sum(taps)
    if normalize or (normalize is None and not negative):
        taps = [t / total for t in taps] if total else taps
    numbers = [numeric(v) for v in values]
    shift = len(taps) // 2 if centre else 0
    out: list[Any] = []
    for i in range(len(numbers)):
        at = i + shift
        first, last = max(0, at - len(numbers) + 1), min(len(taps), at + 1)
        out.append(cleaned(float(sum(taps[k] * (numbers[at - k] or 0.0) for k in range(first, last)))))
    return out


@python("series_iir", "dynamic dynamic dynamic", "dynamic")
def series_iir(values: Any, b: Any, a: Any) -> Any:
    """`series_iir(series, numerators, denominators)`: the first denominator is not zero."""
    over, under = floats(b), floats(a)
    if not isinstance(values, list) or over is None or not under or not under[0]:
        return None
    numbers = [numeric(v) or 0.0 for v in values]
    out: list[float] = []
    for i in range(len(values)):
        total = sum(c * numbers[i - k] for k, c in enumerate(over[: i + 1]))
        total -= sum(c * out[i - k] for k, c in enumerate(under[: i + 1]) if k)
        out.append(total / under[0])
    return [cleaned(value) for value in out]


def transform(points: list[complex], sign: int) -> list[complex]:
    """Work out the discrete Fourier transform of any length; `sign` is -1, +1 for its inverse without the 1/n.

    A length goes by its prime factors (Cooley and Tukey); a large prime becomes a convolution of a length that
    is a power of two (Bluestein).
    """
    count = len(points)
    return _parts(points, [cmath.exp(sign * 2j * math.pi * k / count) for k in range(count)], 1, sign)


MOST = 65_536
"""Points of a series that are transformed at most; so a length that is a prime takes a second or two."""

LARGE = 61
"""Primes from here on go by convolution."""


def _parts(points: list[complex], roots: list[complex], step: int, sign: int) -> list[complex]:
    # `roots[::step]` are the roots of unity of this length.
    count = len(points)
    if count <= 1:
        return points
    prime = next((p for p in range(2, math.isqrt(count) + 1) if count % p == 0), count)
    if prime >= LARGE:
        return _convolved(points, sign)
    rest = count // prime
    parts = [_parts(points[i::prime], roots, step * prime, sign) for i in range(prime)]
    if prime == 2:
        turned = [b * r for b, r in zip(parts[1], roots[::step], strict=False)]
        pairs = list(zip(parts[0], turned, strict=True))
        return [a + b for a, b in pairs] + [a - b for a, b in pairs]
    return [
        sum((part[k % rest] * roots[i * k % count * step] for i, part in enumerate(parts)), 0j)
        for k in range(count)
    ]


def _convolved(points: list[complex], sign: int) -> list[complex]:
    count = len(points)
    size = 1 << (2 * count - 1).bit_length()
    # The angle goes around 2n times: k * k is taken modulo that, so that it stays exact.
    chirp = [cmath.exp(sign * 1j * math.pi * (k * k % (2 * count)) / count) for k in range(count)]
    left = [p * c for p, c in zip(points, chirp, strict=True)] + [0j] * (size - count)
    right = [0j] * size
    for k, c in enumerate(chirp):
        right[k] = right[-k] = c.conjugate()
    product = [x * y for x, y in zip(transform(left, -1), transform(right, -1), strict=True)]
    return [value / size * c for value, c in zip(transform(product, 1), chirp, strict=False)]


def _fourier(sign: int) -> Any:
    def both(real: Any, imaginary: Any) -> dict[str, Any] | None:
        """Transform; null where a number is missing, or where the two parts are not of one length."""
        x = floats(real)
        y = [0.0] * len(x or ()) if imaginary is None else floats(imaginary)
        if x is None or y is None or len(x) != len(y):
            return None
        if not all(map(math.isfinite, x + y)):
            return None
        if len(x) > MOST:
            raise Unanswered(f"a Fourier transform of {len(x)} points is not supported: at most {MOST} are")
        share = len(x) if sign > 0 else 1
        out = [p / share for p in transform([complex(a, b) for a, b in zip(x, y, strict=True)], sign)]
        return {"real": [cleaned(p.real) for p in out], "imag": [cleaned(p.imag) for p in out]}

    return both


FOURIER = (("real", "dynamic"), ("imag", "dynamic"))
"""Columns of series_fft and series_ifft."""

for _name, _sign in (("series_fft", -1), ("series_ifft", 1)):
    udf(_name, "dynamic dynamic?", "dynamic", _fourier(_sign))

    def _bound(binder: Any, node: Any, scope: Any, name: str = _name) -> Any:
        args = bind_args(binder, node, scope, "dynamic dynamic?")
        args += ["NULL"] * (2 - len(args))
        return result(f"k_{name}({', '.join(args)})", "dynamic")

    special(f"\0{_name}")(_bound)
