"""Attributes: a root and what is read from it, as one walk (cel-go `interpreter/attributes.go`).

What a walk costs (`interpreter/runtimecost.go`): one for each step that was tried, and one for the attribute
itself, found or not. The last one is not counted (`observed` is 0) where the attribute stands as a branch of a
conditional or as the key of an index, for there the interpreter resolves it without looking at its cost. A step
that may be absent costs nothing where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel.compile.reading import get, has, optional_get
from seawall.cel.errors import CelError
from seawall.cel.values import NONE, Optional

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Frame, Step


class Qualifier(NamedTuple):
    """A step of a walk: a constant key, or one that is computed; `optional` where it may be absent."""

    key: Any
    computed: Step | None = None
    optional: bool = False


class Unread:
    """What the variable of `optMap` and its like holds until it is first read: only then it is computed."""


UNREAD = Unread()


def slot_of(slot: int) -> Step:
    """Read the variable of a comprehension."""
    return lambda frame: frame.slots[slot]


def lazy_slot(slot: int, source: Step) -> Step:
    """Read the variable of `optMap`: the value of its target, which is computed again when it is first read."""

    def read(frame: Frame) -> Any:
        value = frame.slots[slot]
        if value is UNREAD:
            value = source(frame)
            frame.cost += 1  # the call of `value()`
            frame.slots[slot] = value = value.value
        return value

    return read


def variable_of(name: str) -> Step:
    """Read a variable of the request."""

    def read(frame: Frame) -> Any:
        try:
            return frame.variables[name]
        except KeyError:
            raise CelError(f"no such attribute(s): {name}") from None

    return read


def lazy_field(name: str, field: str) -> Step:
    """Read a field that is computed when it is first read."""

    def lazy(frame: Frame) -> Any:
        frame.cost += 1
        return frame.variables[name].resolve(field)

    return lazy


def observe(root: Step, observed: int) -> Step:
    """Be a root without steps."""
    if not observed:
        return root

    def step(frame: Frame) -> Any:
        try:
            value = root(frame)
        except CelError:
            frame.cost += 1
            raise
        frame.cost += 1
        return value

    return step


def plain_walk(root: Step, fields: tuple[str, ...], observed: int) -> Step:
    """Read fields of what can be read twice: the common case, and `walk` where anything is not common."""
    cost = len(fields) + observed
    slowly = walk(root, [Qualifier(field) for field in fields], observed)

    def step(frame: Frame) -> Any:
        try:
            value = root(frame)
            for field in fields:
                value = value[field]
        except (KeyError, TypeError, CelError):
            return slowly(frame)
        frame.cost += cost
        return value

    return step


def walk_variable(name: str, fields: tuple[str, ...], observed: int) -> Step:
    """Read fields of a variable of the request."""
    cost = len(fields) + observed
    slowly = walk(variable_of(name), [Qualifier(field) for field in fields], observed)

    def step(frame: Frame) -> Any:
        try:
            value = frame.variables[name]
            for field in fields:
                value = value[field]
        except (KeyError, TypeError):
            return slowly(frame)
        frame.cost += cost
        return value

    return step


def walk(root: Step, steps: list[Qualifier], observed: int) -> Step:
    """Read any steps of any root. From the first that may be absent on, all may be (`applyQualifiers`)."""

    def step(frame: Frame) -> Any:
        try:
            value = _follow(frame, root(frame), steps)
        except CelError:
            frame.cost += observed
            raise
        frame.cost += observed
        return value

    return step


def _follow(frame: Frame, value: Any, steps: list[Qualifier]) -> Any:
    maybe = type(value) is Optional
    if maybe:
        if not value.present:
            return NONE
        value = value.value
    for key, computed, optional in steps:
        maybe = maybe or optional
        if maybe:
            found = optional_get(value, key if computed is None else computed(frame))
            if not found.present:
                return NONE
            frame.cost += 1
            value = found.value
        else:
            frame.cost += 1
            value = get(value, key if computed is None else computed(frame))
    return Optional(present=True, value=value) if maybe else value


def has_field(
    root: Step, steps: list[Qualifier], field: str, *, conditional: bool = False, observed: int = 1
) -> Step:
    """Say whether a field is there: the steps cost, the test itself nothing (PresenceTestHasCost is off).

    What it does not cost is taken off again even where it was not counted: of a `conditional`. A test that stands
    as a branch of one (`observed` is 0) gives the optional itself where a step may be absent: nobody looks into it.
    """
    saved = int(conditional and observed)

    def test(frame: Frame) -> Any:
        frame.cost -= saved
        value = _follow(frame, root(frame), steps)
        if type(value) is not Optional:
            frame.cost += 1
            return has(value, field)
        found = optional_get(value, field)
        frame.cost += found.present
        return found.present if observed else found

    return test
