"""Chains of names as one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.compile.reading import get, optional_get
from seawall.cel.errors import CelError
from seawall.cel.values import ObjectValue, Optional

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Frame, Step


def slot_of(slot: int) -> Step:
    """Read the variable of a comprehension."""

    def local(frame: Frame) -> Any:
        frame.cost += 1
        return frame.slots[slot]

    return local


def lazy_field(name: str, field: str) -> Step:
    """Read a field that is computed when it is first read."""

    def lazy(frame: Frame) -> Any:
        frame.cost += 1
        return frame.variables[name].resolve(field)

    return lazy


def walk(base: Step, fields: list[str], extra: int) -> Step:
    """Read fields of what another step gives; `extra` is its own cost."""
    cost = len(fields) + extra

    def step(frame: Frame) -> Any:
        value = base(frame)
        frame.cost += cost
        for field in fields:
            value = value[field] if type(value) is dict and field in value else get(value, field)
        return value

    return step


def walk_variable(name: str, fields: tuple[str, ...]) -> Step:
    """Read fields of a variable."""
    cost = len(fields) + 1

    def step(frame: Frame) -> Any:
        frame.cost += cost
        try:
            value = frame.variables[name]
        except KeyError:
            raise CelError(f"no such attribute(s): {name}") from None
        for field in fields:
            value = value[field] if type(value) is dict and field in value else get(value, field)
        return value

    return step


def has_field(operand: Step, field: str) -> Step:
    """Say whether a field is there."""

    def has(frame: Frame) -> bool:
        value = operand(frame)
        if type(value) is dict:
            return field in value
        if type(value) is Optional:
            return value.present and optional_get(value, field).present
        if isinstance(value, ObjectValue):
            return field in value.fields
        if type(value) is list:
            raise CelError(f"unsupported index type 'string' in list for {field}")
        return False  # as in optional_get: null and plain values have no fields

    return has


def optional_select(operand: Step, field: str) -> Step:
    """Read a field that may be absent."""

    def select(frame: Frame) -> Any:
        found = optional_get(operand(frame), field)
        frame.cost += found.present  # an absent step costs nothing
        return found

    return select
