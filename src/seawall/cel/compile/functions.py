"""Calls: the overload that takes the values, its result and its cost.

Where the types leave open which overload it is, the interpreter has no name for it: then only the costs that
Kubernetes gives by the name of the function count, all others are one (cel-go `costCall`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CelError
from seawall.cel.operators import unary
from seawall.cel.values import Optional, TypeValue, Uint, kind_of, no_overload

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Frame, Step
    from seawall.cel.environment import Cost, Overload
    from seawall.cel.types import Type

_CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "int": (int,), "uint": (Uint,), "double": (float,), "string": (str,), "bytes": (bytes,),
    "list": (list,), "map": (dict,), "null_type": (type(None),), "optional_type": (Optional,), "type": (TypeValue,),
}  # fmt: skip
# Costs that CostEstimator.CallCost of k8s.io/apiserver gives by name, of functions with more than one overload.
_COST_BY_NAME = frozenset(
    {
        "check", "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf", "substring", "replace", "split",
        "join", "findAll", "ip", "containsIP", "containsCIDR", "semver", "isSemver", "includes",
    }
)  # fmt: skip
# Bound once for all overloads, and so called with whatever the arguments are (stdlib, ext/lists.go).
_EAGER = frozenset({"matches", "sort"})
# Bound as functions of any number of arguments, which stop at the first error; those of a regular expression are
# so where it is a constant (OptimizeRegex).
_LAZY = frozenset({"format"})
_PATTERNS = frozenset({"matches", "find", "findAll"})


def apply(
    function: str, overloads: list[Overload], steps: list[Step], given: list[Type], *, literal: bool = False
) -> Step:
    """Call a function; `given` are the types that the checker found, `literal`: the last argument is a text."""
    stops = function in _LAZY or (literal and function in _PATTERNS)
    if len(overloads) == 1:
        return _single(function, overloads[0], steps, given, eager=len(steps) == 2 and not stops)
    guarded = [(one, [_CLASSES.get(arg.kind) for arg in one.args], one.args) for one in overloads]
    # The overloads of a name cost the same, but those of an address as text: without a name they cost as an address.
    cost = overloads[-1].cost if function in _COST_BY_NAME else None
    eager = function in _EAGER and not stops

    def choose(frame: Frame) -> Any:
        values = _evaluated(frame, steps, cost, eager=eager)
        for one, _, wanted in guarded:
            if all(map(_fits, wanted, values)):
                return _invoke(frame, one, values, cost)
        _charge(frame, cost, CelError(), values)
        raise no_overload(function, *values)

    return choose


def _single(function: str, one: Overload, steps: list[Step], given: list[Type], *, eager: bool) -> Step:
    unsure = [
        (position, wanted)
        for position, (wanted, have) in enumerate(zip(one.args, given, strict=True))
        if wanted.kind not in {"dyn", "param"} and function != "sort" and (have != wanted or wanted.params)
    ]
    cost = one.cost
    if len(steps) == 1 and not unsure and cost is None and not one.context:
        # One argument that certainly fits, for one.
        return unary(one.call)(steps[0])

    def invoke(frame: Frame) -> Any:
        values = _evaluated(frame, steps, cost, eager=eager)
        for position, wanted in unsure:
            if not _fits(wanted, values[position]):
                _charge(frame, cost, CelError(), values)
                raise no_overload(function, *values)
        return _invoke(frame, one, values, cost)

    return invoke


def _evaluated(frame: Frame, steps: list[Step], cost: Cost | None, *, eager: bool) -> list[Any]:
    """Return the arguments. A call of an argument that failed fails, but is counted if it came to it."""
    values: list[Any] = []
    for position, step in enumerate(steps):
        try:
            values.append(step(frame))
        except CelError as failure:
            values.append(failure)
            for other in steps[position + 1 :] if eager else ():
                try:
                    values.append(other(frame))
                except CelError as second:
                    values.append(second)
            if len(values) == len(steps):
                _charge(frame, cost, failure, values)
            raise failure from None
    return values


def _charge(frame: Frame, cost: Cost | None, result: Any, values: list[Any]) -> None:
    frame.cost += 1 if cost is None else cost(result, *values)
    frame.spend()


def _invoke(frame: Frame, one: Overload, values: list[Any], cost: Cost | None) -> Any:
    try:
        result = one.call(frame, *values) if one.context else one.call(*values)
    except CelError as failure:
        _charge(frame, cost, failure, values)
        raise
    _charge(frame, cost, result, values)
    return result


def _fits(wanted: Type, value: Any) -> bool:
    kind = wanted.kind
    if kind in {"dyn", "param"}:
        return True
    classes = _CLASSES.get(kind)
    if classes is None:
        return kind_of(value) == kind
    if type(value) not in classes:
        return False
    if kind == "list" and wanted.params[0].kind not in {"dyn", "param"} and value:
        return _fits(wanted.params[0], value[0])
    return True
