"""Functions on series: arrays of numbers (docs: query/series functions). Values that are no numbers become null."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seawall.kql.bind.values import Ex, to_json
from seawall.kql.errors import refuse
from seawall.kql.functions.registry import coerce, python, result, special, udf

if TYPE_CHECKING:
    from collections.abc import Callable


def numeric(value: Any) -> float | None:
    """Give the number that an element of a series is; None where it is none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return value
    return (
        {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
        if isinstance(value, str)
        else None
    )


def _floats(values: list[Any]) -> list[float] | None:
    """Return the numbers of an array; None where one of them is none."""
    numbers = [numeric(value) for value in values]
    return None if None in numbers else [float(value) for value in numbers if value is not None]


def _square(value: float) -> float:
    """Square: beyond the largest double is infinity, where Python's power would raise."""
    return float(value) * float(value)


def cleaned(value: float | None) -> Any:
    """Write a number as JSON can hold it: what is not finite becomes a text."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _guard(call: Callable[[float], float]) -> Callable[[float], float]:
    def run(value: float) -> float:
        try:
            return call(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    return run


def _log(value: float) -> float:
    return -math.inf if value == 0 else math.log(value)


def _mapper(call: Callable[[float], float], *, whole: bool) -> Callable[[Any], Any]:
    """Return the function that maps a series, number by number."""
    guarded = _guard(call)

    def mapped(values: Any) -> Any:
        if not isinstance(values, list):
            return None
        numbers = [numeric(value) for value in values]
        return [None if n is None else cleaned(guarded(n) if whole else float(guarded(n))) for n in numbers]

    return mapped


_MAPS: dict[str, Callable[[float], float]] = {
    "abs": abs, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "exp": math.exp, "log": _log, "floor": math.floor, "ceiling": math.ceil,
    "sign": lambda v: float((v > 0) - (v < 0)),
}  # fmt: skip
for _name, _call in _MAPS.items():
    _whole = _name in ("abs", "sign", "floor", "ceiling")
    python(f"series_{_name}", "dynamic", "dynamic")(
        lambda values, call=_mapper(_call, whole=_whole): call(values)  # noqa: B008 - bound once, on purpose
    )


def _divide(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


def _power(a: float, b: float) -> float:
    try:
        out = float(a) ** float(b)  # whole numbers would grow without end
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return out if isinstance(out, int | float) else math.nan


for _name, _pair in {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": _divide, "pow": _power,
    "greater": lambda a, b: a > b, "greater_equals": lambda a, b: a >= b, "less": lambda a, b: a < b,
    "less_equals": lambda a, b: a <= b, "equals": lambda a, b: a == b, "not_equals": lambda a, b: a != b,
}.items():  # fmt: skip

    def _zip(left: Any, right: Any, call: Any = _pair) -> Any:
        if not isinstance(left, list) and not isinstance(right, list):
            return None
        a = left if isinstance(left, list) else [left] * len(right)
        b = right if isinstance(right, list) else [right] * len(left)
        size = max(len(a), len(b))
        out: list[Any] = []
        for i in range(size):
            x = numeric(a[i]) if i < len(a) else None
            y = numeric(b[i]) if i < len(b) else None
            out.append(None if x is None or y is None else cleaned(call(x, y)))
        return out

    python(f"series_{_name}", "json json", "dynamic")(lambda left, right, call=_zip: call(left, right))


@python("series_sum", "dynamic", "real")
def series_sum(values: Any) -> float | None:
    """`series_sum(series)`."""
    return float(sum(n for n in map(numeric, values) if n is not None)) if isinstance(values, list) else None


@python("series_product", "dynamic", "real")
def series_product(values: Any) -> float | None:
    """`series_product(series)`."""
    return (
        float(math.prod(n for n in map(numeric, values) if n is not None))
        if isinstance(values, list)
        else None
    )


@python("series_dot_product", "json json", "real")
def series_dot_product(left: Any, right: Any) -> float | None:
    """`series_dot_product(series, series)`."""
    if not isinstance(left, list) and not isinstance(right, list):
        return None
    a = left if isinstance(left, list) else [left] * len(right)
    b = right if isinstance(right, list) else [right] * len(left)
    pairs = [(numeric(x), numeric(y)) for x, y in zip(a, b, strict=False)]
    return float(sum(x * y for x, y in pairs if x is not None and y is not None))


@python("series_magnitude", "dynamic", "real")
def series_magnitude(values: Any) -> float | None:
    """`series_magnitude(series)`."""
    return (
        math.sqrt(sum(n * n for n in map(numeric, values) if n is not None))
        if isinstance(values, list)
        else None
    )


@python("series_cosine_similarity", "dynamic dynamic real? real?", "real")
def series_cosine_similarity(left: Any, right: Any, m1: float | None, m2: float | None) -> float | None:
    """`series_cosine_similarity(series, series)`."""
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
        return None
    xs, ys = _floats(left), _floats(right)
    if xs is None or ys is None:
        return None
    size = (m1 or math.sqrt(sum(map(_square, xs)))) * (m2 or math.sqrt(sum(map(_square, ys))))
    return sum(x * y for x, y in zip(xs, ys, strict=True)) / size if size else math.nan


@python("series_pearson_correlation", "dynamic dynamic", "real")
def series_pearson(left: Any, right: Any) -> float | None:
    """`series_pearson_correlation(series, series)`."""
    if not isinstance(left, list) or not isinstance(right, list):
        return None
    pairs = [(numeric(x), numeric(y)) for x, y in zip(left, right, strict=False)]
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    if not known:
        return None
    mean_x, mean_y = sum(x for x, _ in known) / len(known), sum(y for _, y in known) / len(known)
    cov = sum((x - mean_x) * (y - mean_y) for x, y in known)
    size = math.sqrt(sum(_square(x - mean_x) for x, _ in known) * sum(_square(y - mean_y) for _, y in known))
    return cov / size if size else math.nan


# --- filling -----------------------------------------------------------------------------------------------


def _missing(value: Any, mark: Any) -> bool:
    return value is None if mark is None else value == mark or (mark == 0 and value == 0)


def _forward(values: Any, mark: Any) -> Any:
    if not isinstance(values, list):
        return None
    out: list[Any] = []
    last: Any = mark
    for value in values:
        last = last if _missing(value, mark) else value
        out.append(last)
    return out


def _backward(values: Any, mark: Any) -> Any:
    return None if not isinstance(values, list) else _forward(values[::-1], mark)[::-1]


def _const(values: Any, fill: Any, mark: Any) -> Any:
    return [fill if _missing(v, mark) else v for v in values] if isinstance(values, list) else None


def _linear(values: Any, mark: Any, edges: Any, constant: Any) -> Any:
    if not isinstance(values, list):
        return None
    known = [i for i, v in enumerate(values) if not _missing(v, mark) and numeric(v) is not None]
    if not known:
        return [constant for _ in values] if edges is not False else values
    out = list(values)
    for i in range(len(values)):
        if i in known:
            continue
        before = max((k for k in known if k < i), default=None)
        after = min((k for k in known if k > i), default=None)
        if before is not None and after is not None:
            out[i] = values[before] + (values[after] - values[before]) * (i - before) / (after - before)
        elif edges is not False:
            nearest = before if before is not None else after
            if nearest is not None:
                out[i] = values[nearest]
    return out


def _fill(name: str, call: Any, extra: int) -> None:
    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        args = [coerce(binder.ex(node.args[0], scope), "dynamic", node.pos, node.name)]
        args += [to_json(binder.ex(arg, scope)) for arg in node.args[1:]]
        args += ["NULL"] * (extra + 1 - len(args))
        return result(f"k_{name}({', '.join(args)})", "dynamic")

    udf(name, "dynamic" + " json?" * extra, "dynamic", call)
    special(name)(bound)


_fill("series_fill_forward", _forward, 1)
_fill("series_fill_backward", _backward, 1)
_fill("series_fill_const", _const, 2)
_fill("series_fill_linear", _linear, 3)


# --- statistics --------------------------------------------------------------------------------------------


def stats(values: Any, ignore_nonfinite: bool | None) -> dict[str, Any] | None:
    """Work out what series_stats gives; a value that is no finite number spoils it unless it is ignored."""
    if not isinstance(values, list):
        return None
    numbers = [numeric(v) for v in values]
    finite = [(i, n) for i, n in enumerate(numbers) if n is not None and math.isfinite(n)]
    if not finite or (len(finite) < len(numbers) and not ignore_nonfinite):
        return dict.fromkeys(("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance"))
    low, high = min(finite, key=lambda p: (p[1], p[0])), max(finite, key=lambda p: (p[1], -p[0]))
    mean = sum(n for _, n in finite) / len(finite)
    variance = sum(_square(n - mean) for _, n in finite) / (len(finite) - 1) if len(finite) > 1 else 0.0
    return {
        "min": low[1], "min_idx": low[0], "max": high[1], "max_idx": high[0],
        "avg": mean, "stdev": math.sqrt(variance), "variance": variance,
    }  # fmt: skip


python("series_stats_dynamic", "dynamic bool?", "dynamic")(stats)

COLUMNS = (
    ("min", "real"),
    ("min_idx", "long"),
    ("max", "real"),
    ("max_idx", "long"),
    ("avg", "real"),
    ("stdev", "real"),
    ("variance", "real"),
)


@python("series_fir", "dynamic dynamic bool? bool?", "dynamic")
def series_fir(values: Any, weights: Any, normalize: bool | None, centre: bool | None) -> Any:
    """`series_fir(series, filter [, normalize [, center]])`."""
    if not isinstance(values, list) or not isinstance(weights, list) or not weights:
        return None
    taps = [numeric(w) or 0.0 for w in weights]
    total = sum(taps)
    symmetric = taps == taps[::-1]
    if (normalize is None and not symmetric) or normalize is None or normalize:
        taps = [t / total for t in taps] if total else taps
    numbers = [numeric(v) for v in values]
    shift = len(taps) // 2 if centre else 0
    out: list[Any] = []
    for i in range(len(numbers)):
        at = i + shift
        out.append(
            float(sum(t * (numbers[at - k] or 0.0) for k, t in enumerate(taps) if 0 <= at - k < len(numbers)))
        )
    return out


@python("series_iir", "dynamic dynamic dynamic", "dynamic")
def series_iir(values: Any, b: Any, a: Any) -> Any:
    """`series_iir(series, numerators, denominators)`."""
    if not all(isinstance(v, list) for v in (values, b, a)) or not a or not a[0]:
        return None
    over, under = _floats(b), _floats(a)
    if over is None or under is None or not under[0]:
        return None
    out: list[float] = []
    for i in range(len(values)):
        total = sum(c * (numeric(values[i - k]) or 0.0) for k, c in enumerate(over) if i >= k)
        total -= sum(c * out[i - k] for k, c in enumerate(under) if k and i >= k)
        out.append(total / under[0])
    return out


@special(
    "series_decompose series_decompose_anomalies series_decompose_forecast series_outliers series_periods_detect series_periods_validate series_fit_2lines series_fit_2lines_dynamic series_fit_poly series_fft series_ifft"
)
def statistical(binder: Any, node: Any, scope: Any) -> Ex:
    """Refused: their results depend on the details of an implementation that is not published."""
    del binder, scope
    raise refuse(f"the function {node.name}()", node.pos)


def fit_line(values: Any) -> dict[str, Any] | None:
    """Fit a line by least squares over the index; values that are missing are left out."""
    if not isinstance(values, list):
        return None
    known = [(i, n) for i, n in enumerate(map(numeric, values)) if n is not None and math.isfinite(n)]
    if len(known) < 2:
        return None
    count = len(known)
    mx, my = sum(i for i, _ in known) / count, sum(n for _, n in known) / count
    sxx = sum(_square(i - mx) for i, _ in known)
    sxy = sum((i - mx) * (n - my) for i, n in known)
    syy = sum(_square(n - my) for _, n in known)
    slope = sxy / sxx
    cross = my - slope * mx
    residual = sum(_square(n - cross - slope * i) for i, n in known)
    return {
        "rsquare": 1 - residual / syy if syy else 1.0,
        "slope": slope,
        "variance": syy / count,
        "rvariance": residual / count,
        "interception": cross,
        "line_fit": [cross + slope * i for i in range(len(values))],
    }


python("series_fit_line_dynamic", "dynamic", "dynamic")(fit_line)
LINE = (
    ("rsquare", "real"),
    ("slope", "real"),
    ("variance", "real"),
    ("rvariance", "real"),
    ("interception", "real"),
    ("line_fit", "dynamic"),
)
