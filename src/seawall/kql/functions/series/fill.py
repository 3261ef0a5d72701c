"""Functions that fill the gaps of a series (docs: query/series-fill-*-function)."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from seawall.kql.bind.values import to_json
from seawall.kql.functions.registry import coerce, result, special, udf
from seawall.kql.functions.series.values import numeric

if TYPE_CHECKING:
    from seawall.kql.bind.values import Ex


def _missing(value: Any, mark: Any) -> bool:
    return value is None if mark is None else type(value) is not bool and value == mark


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
    """Fill by straight lines; whole numbers stay whole where all are (docs: series-fill-linear)."""
    if not isinstance(values, list):
        return None
    known = [i for i, v in enumerate(values) if not _missing(v, mark) and numeric(v) is not None]
    if not known:
        return [constant for _ in values] if edges is not False else values
    whole = all(type(values[i]) is int for i in known)
    out = list(values)
    if edges is not False:
        out[: known[0]] = [values[known[0]]] * known[0]
        out[known[-1] + 1 :] = [values[known[-1]]] * (len(values) - known[-1] - 1)
    for before, after in itertools.pairwise(known):
        low, high = values[before], values[after]
        for i in range(before + 1, after):
            rise = (high - low) * (i - before)
            if whole:  # 41 .. 16 over three steps are 32 and 24 in the page's example
                out[i] = math.trunc(low + rise / (after - before))
            else:
                out[i] = low + rise / (after - before)
    return out


def _fill(name: str, call: Any, extra: int, defaults: tuple[str, ...] = ()) -> None:
    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        args = [coerce(binder.ex(node.args[0], scope), "dynamic", node.pos, node.name)]
        args += [to_json(binder.ex(arg, scope)) for arg in node.args[1:]]
        args += (["NULL"] * (extra - len(defaults)) + list(defaults))[len(args) - 1 :]
        return result(f"k_{name}({', '.join(args)})", "dynamic")

    udf(name, "dynamic" + " json?" * extra, "dynamic", call)
    special(name)(bound)


_fill("series_fill_forward", _forward, 1)
_fill("series_fill_backward", _backward, 1)
_fill("series_fill_const", _const, 2)
_fill("series_fill_linear", _linear, 3, ("'0.0'",))  # the constant is 0 where none is given
