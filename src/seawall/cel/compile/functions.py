"""Calls: the overload that takes the values, its result and its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.values import Optional, TypeValue, Uint, kind_of, no_overload

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Frame, Step
    from seawall.cel.environment import Overload
    from seawall.cel.types import Type

_CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "int": (int,), "uint": (Uint,), "double": (float,), "string": (str,), "bytes": (bytes,),
    "list": (list,), "map": (dict,), "null_type": (type(None),), "optional_type": (Optional,), "type": (TypeValue,),
}  # fmt: skip


def apply(function: str, overloads: list[Overload], steps: list[Step], given: list[Type]) -> Step:
    """Call a function; `given` are the types that the checker found."""
    if len(overloads) == 1:
        return _single(function, overloads[0], steps, given)
    guarded = [(one, [_CLASSES.get(arg.kind) for arg in one.args], one.args) for one in overloads]

    def choose(frame: Frame) -> Any:
        values = [step(frame) for step in steps]
        for one, _, wanted in guarded:
            if all(map(_fits, wanted, values)):
                return _invoke(frame, one, values)
        raise no_overload(function, *values)

    return choose


def _single(function: str, one: Overload, steps: list[Step], given: list[Type]) -> Step:
    unsure = [
        (position, wanted)
        for position, (wanted, have) in enumerate(zip(one.args, given, strict=True))
        if wanted.kind not in {"dyn", "param"} and (have != wanted or wanted.params)
    ]
    call, cost, context = one.call, one.cost, one.context

    def invoke(frame: Frame) -> Any:
        values = [step(frame) for step in steps]
        for position, wanted in unsure:
            if not _fits(wanted, values[position]):
                raise no_overload(function, *values)
        result = call(frame, *values) if context else call(*values)
        frame.cost += 1 if cost is None else cost(result, *values)
        frame.spend()
        return result

    return invoke


def _invoke(frame: Frame, one: Overload, values: list[Any]) -> Any:
    result = one.call(frame, *values) if one.context else one.call(*values)
    frame.cost += 1 if one.cost is None else one.cost(result, *values)
    frame.spend()
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
