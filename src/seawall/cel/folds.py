"""The comprehension macros as loops, with the cost of the folds that cel-go makes of them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CelError
from seawall.cel.values import NONE, Optional, compare, equal, kind_of, no_overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.cel.compile import Compiler, Frame
    from seawall.cel.tree import Fold

    Step = Callable[[Frame], Any]


def compile_fold(compiler: Compiler, node: Fold) -> Step:
    """Return the closure of a macro."""
    source, step = compiler.build(node.source), compiler.build(node.step)
    test = compiler.build(node.test) if node.test is not None else None
    if node.kind in {"optMap", "optFlatMap"}:
        return _optional(source, step, node.slots[0], flat=node.kind == "optFlatMap")
    pairs = _pairs if len(node.variables) == 2 else _singles
    slots = node.slots
    match node.kind:
        case "all":
            return _quantifier(source, step, slots, pairs, wanted=False, cost=3)
        case "exists":
            return _quantifier(source, step, slots, pairs, wanted=True, cost=4)
        case "exists_one":
            return _exactly_one(source, step, slots, pairs)
        case "filter":
            return _filter(source, step, slots)
        case "map" | "transformList":
            return _map(source, step, test, slots, pairs)
        case "transformMap" | "transformMapEntry":
            return _to_map(source, step, test, slots, entry=node.kind == "transformMapEntry")
        case _:
            return _sort_by(source, step, slots)


def _singles(values: Any) -> Any:
    if type(values) is list:
        return [(value,) for value in values]
    if type(values) is dict:
        return [(key,) for key in values]
    raise CelError(f"got '{kind_of(values)}', expected iterable type")


def _pairs(values: Any) -> Any:
    if type(values) is list:
        return list(enumerate(values))
    if type(values) is dict:
        return list(values.items())
    raise CelError(f"got '{kind_of(values)}', expected iterable type")


def _bind(frame: Frame, slots: tuple[int, ...], values: tuple[Any, ...]) -> None:
    frame.slots[slots[0]] = values[0]
    if len(slots) == 2:
        frame.slots[slots[1]] = values[1]


def _quantifier(
    source: Step, step: Step, slots: tuple[int, ...], pairs: Any, *, wanted: bool, cost: int
) -> Step:
    def run(frame: Frame) -> bool:
        values = source(frame)
        failure: CelError | None = None
        frame.cost += 1
        for each in pairs(values):
            _bind(frame, slots, each)
            frame.cost += cost
            frame.spend()
            try:
                found = step(frame)
            except CelError as error:
                failure = failure or error
                continue
            if found is wanted:
                frame.cost += cost - 1  # the loop's condition, asked once more
                return bool(found)
            if type(found) is not bool:
                failure = failure or no_overload("_||_" if wanted else "_&&_", found)
        if failure is not None:
            raise failure
        return not wanted

    return run


def _exactly_one(source: Step, step: Step, slots: tuple[int, ...], pairs: Any) -> Step:
    def run(frame: Frame) -> bool:
        count = 0
        frame.cost += 2
        for each in pairs(source(frame)):
            _bind(frame, slots, each)
            found = step(frame)
            if type(found) is not bool:
                raise no_overload("_?_:_", found)
            frame.cost += 2 if found else 1
            frame.spend()
            count += found
        return count == 1

    return run


def _filter(source: Step, step: Step, slots: tuple[int, ...]) -> Step:
    def run(frame: Frame) -> list[Any]:
        kept = []
        frame.cost += 1
        for each in _singles(source(frame)):
            frame.slots[slots[0]] = each[0]
            found = step(frame)
            if type(found) is not bool:
                raise no_overload("_?_:_", found)
            frame.cost += 13 if found else 1
            frame.spend()
            if found:
                kept.append(each[0])
        return kept

    return run


def _passes(frame: Frame, test: Step) -> bool:
    """Ask the filter of a transformation about the element that is bound; passing one over costs one."""
    found = test(frame)
    if type(found) is not bool:
        raise no_overload("_?_:_", found)
    if not found:
        frame.cost += 1
        frame.spend()
    return found


def _map(source: Step, step: Step, test: Step | None, slots: tuple[int, ...], pairs: Any) -> Step:
    def run(frame: Frame) -> list[Any]:
        made = []
        frame.cost += 1
        for each in pairs(source(frame)):
            _bind(frame, slots, each)
            if test is not None and not _passes(frame, test):
                continue
            frame.cost += 12
            frame.spend()
            made.append(step(frame))
        return made

    return run


def _to_map(source: Step, step: Step, test: Step | None, slots: tuple[int, ...], *, entry: bool) -> Step:
    def run(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        frame.cost += 1
        for each in _pairs(source(frame)):
            _bind(frame, slots, each)
            if test is not None and not _passes(frame, test):
                continue
            frame.cost += 2
            frame.spend()
            value = step(frame)
            new = value if entry else {each[0]: value}
            if type(new) is not dict:
                raise no_overload("cel.@mapInsert", made, new)
            for key, item in new.items():
                if any(equal(key, known) for known in made if known == key):
                    raise CelError(f"insert failed: key {key} already exists")
                made[key] = item
        return made

    return run


def _optional(source: Step, step: Step, slot: int, *, flat: bool) -> Step:
    def run(frame: Frame) -> Any:
        value = source(frame)
        frame.cost += 2
        if type(value) is not Optional:
            raise no_overload("hasValue", value)
        if not value.present:
            return NONE
        frame.slots[slot] = value.value
        found = step(frame)
        return found if flat else Optional(present=True, value=found)

    return run


def _sort_by(source: Step, step: Step, slots: tuple[int, ...]) -> Step:
    def run(frame: Frame) -> list[Any]:
        values = source(frame)
        keys = []
        frame.cost += 3
        for each in _singles(values):
            frame.slots[slots[0]] = each[0]
            frame.cost += 12
            frame.spend()
            keys.append(step(frame))
        frame.cost += len(values) ** 2
        frame.spend()
        return sorted_by(values, keys)

    return run


def sorted_by(values: Any, keys: list[Any]) -> list[Any]:
    """Sort values by keys of one ordered type. Raises CelError."""
    if type(values) is not list:
        raise no_overload("sort", values)
    if any(kind_of(key) != kind_of(keys[0]) for key in keys):
        raise CelError("list elements must have the same type")
    if keys:
        compare("sort", keys[0], keys[0])

    def by_key(a: int, b: int) -> int:
        return compare("sort", keys[a], keys[b])

    order = functools.cmp_to_key(by_key)
    return [values[position] for position in sorted(range(len(values)), key=order)]
