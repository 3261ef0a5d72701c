"""Functions that go through series number by number, and what they sum up to (docs: query/series-*-function).

What is no number gives null; the shorter of two series is padded with null.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.registry import bind_args, python, result, special, udf
from seawall.kql.functions.series.values import cleaned, numeric, square, widened

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.values import Ex


def _guarded(call: Callable[[float], float]) -> Callable[[float], float]:
    def run(value: float) -> float:
        try:
            return call(widened(value))
        except OverflowError:
            return math.inf  # of the functions here only exp() grows beyond the largest double
        except ValueError:
            return math.nan

    return run


def _log(value: float) -> float:
    return -math.inf if value == 0 else math.log(value)


def _rounded(call: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(call(value)) if math.isfinite(value) else value


def _sign(value: float) -> float:
    # A whole number stays one, as abs() leaves it (docs: series-sign, series-abs, their examples).
    if value != value:
        return math.nan
    sign = (value > 0) - (value < 0)
    return sign if isinstance(value, int) else float(sign)


_MAPS: dict[str, Callable[[float], float]] = {
    "abs": abs, "sign": _sign,
    **{
        name: _guarded(call)
        for name, call in {
            "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
            "exp": math.exp, "log": _log, "floor": _rounded(math.floor), "ceiling": _rounded(math.ceil),
        }.items()
    },
}  # fmt: skip


def _mapper(call: Callable[[float], float]) -> Callable[[Any], Any]:
    def mapped(values: Any) -> Any:
        """Map a series, number by number."""
        if not isinstance(values, list):
            return None
        numbers = [numeric(value) for value in values]
        return [None if n is None else cleaned(call(n)) for n in numbers]

    return mapped


for _name, _call in _MAPS.items():
    python(f"series_{_name}", "dynamic", "dynamic")(_mapper(_call))


def _divide(a: float, b: float) -> float:
    a, b = widened(a), widened(b)
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def _power(a: float, b: float) -> float:
    a, b = widened(a), widened(b)
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:  # of zero with a negative exponent, or of a negative number with a broken one
        return math.inf if a == 0 else math.nan


_PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": _divide, "pow": _power,
    "greater": lambda a, b: a > b, "greater_equals": lambda a, b: a >= b, "less": lambda a, b: a < b,
    "less_equals": lambda a, b: a <= b, "equals": lambda a, b: a == b, "not_equals": lambda a, b: a != b,
}  # fmt: skip


def _both(left: Any, right: Any) -> tuple[list[Any], list[Any]] | None:
    """Return two series; a number beside one stands for as many of it."""
    if not isinstance(left, list) and not isinstance(right, list):
        return None
    return (
        left if isinstance(left, list) else [left] * len(right),
        right if isinstance(right, list) else [right] * len(left),
    )


def _zipper(call: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def zipped(left: Any, right: Any) -> Any:
        """Bring two series together, number by number."""
        both = _both(left, right)
        if both is None:
            return None
        a, b = both
        out: list[Any] = []
        for i in range(max(len(a), len(b))):
            x = numeric(a[i]) if i < len(a) else None
            y = numeric(b[i]) if i < len(b) else None
            out.append(None if x is None or y is None else _told(call(x, y)))
        return out

    return zipped


def _told(value: Any) -> Any:
    return value if isinstance(value, bool) else cleaned(value)


def _pair(name: str, type_of: str = "dynamic") -> None:
    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        left, right = bind_args(binder, node, scope, "json json")
        types = [binder.ex(arg, scope).type for arg in node.args]
        for type_, arg in zip(types, node.args, strict=True):
            if type_ == "decimal":
                raise refuse(f"{node.name}() with a decimal", arg.pos, "convert it: toreal(...)")
            if type_ not in ("dynamic", "int", "long", "real"):
                raise Fault(f"{node.name}() takes series and numbers, not a {type_}", arg.pos)
        if "dynamic" not in types:
            raise Fault(
                f"{node.name}() takes at least one series", node.pos, hint="a dynamic array of numbers"
            )
        return result(f"k_{name}({left}, {right})" + ("::DOUBLE" if type_of == "real" else ""), type_of)

    special(name)(bound)


for _name, _call2 in _PAIRS.items():
    udf(f"series_{_name}", "json json", "dynamic", _zipper(_call2))
    _pair(f"series_{_name}")


# --- sums --------------------------------------------------------------------------------------------------


def _known(values: list[Any]) -> list[float]:
    """Return the numbers of a series as reals; what is none is left out."""
    return [widened(n) for n in map(numeric, values) if n is not None]


@python("series_sum", "dynamic", "real")
def series_sum(values: Any) -> float | None:
    """`series_sum(series)`."""
    return sum(_known(values), 0.0) if isinstance(values, list) else None


@python("series_product", "dynamic", "real")
def series_product(values: Any) -> float | None:
    """`series_product(series)`."""
    return math.prod(_known(values), start=1.0) if isinstance(values, list) else None


@python("series_magnitude", "dynamic", "real")
def series_magnitude(values: Any) -> float | None:
    """`series_magnitude(series)`."""
    return math.sqrt(sum(map(square, _known(values)), 0.0)) if isinstance(values, list) else None


def _dot(left: list[Any], right: list[Any]) -> float:
    # The longer one is cut, and what is no number on either side is left out (docs: series-dot-product).
    pairs = [(numeric(x), numeric(y)) for x, y in zip(left, right, strict=False)]
    return sum((widened(x) * widened(y) for x, y in pairs if x is not None and y is not None), 0.0)


@python("series_dot_product", "json json", "real")
def series_dot_product(left: Any, right: Any) -> float | None:
    """`series_dot_product(series, series or number)`: null where a series is empty."""
    both = _both(left, right)
    return _dot(*both) if both is not None and all(both) else None


_pair("series_dot_product", "real")  # instead of what the declaration binds: it takes numbers, but no texts


@python("series_cosine_similarity", "dynamic dynamic real? real?", "real")
def series_cosine_similarity(left: Any, right: Any, m1: float | None, m2: float | None) -> float | None:
    """`series_cosine_similarity(series, series [, magnitude, magnitude])`: null where a series is empty."""
    if not isinstance(left, list) or not isinstance(right, list) or not left or not right:
        return None
    count = min(len(left), len(right))
    a = m1 if m1 is not None else math.sqrt(sum(map(square, _known(left[:count]))))
    b = m2 if m2 is not None else math.sqrt(sum(map(square, _known(right[:count]))))
    return _dot(left, right) / (a * b) if a * b else math.nan


@python("series_pearson_correlation", "dynamic dynamic", "real")
def series_pearson(left: Any, right: Any) -> float | None:
    """`series_pearson_correlation(series, series)`: null where one has no number for a number of the other."""
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right) or not left:
        return None
    xs, ys = _known(left), _known(right)
    if len(xs) < len(left) or len(ys) < len(right):
        return None
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    cov = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    size = math.sqrt(sum(square(x - mean_x) for x in xs) * sum(square(y - mean_y) for y in ys))
    return cov / size if size else math.nan
