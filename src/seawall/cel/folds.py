"""The comprehension macros as loops, with the cost of the folds that cel-go makes of them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from seawall.cel.compile.paths import UNREAD
from seawall.cel.errors import CelError, FaultError
from seawall.cel.values import NONE, Optional, compare, equal, kind_of, no_overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.cel.compile import Compiler, Frame
    from seawall.cel.tree import Fold

    Step = Callable[[Frame], Any]


def compile_fold(compiler: Compiler, node: Fold) -> Step:
    """Return the closure of a macro."""
    source = compiler.build(node.source)
    if node.kind in {"optMap", "optFlatMap"}:
        compiler.unread[node.slots[0]] = source
        return _optional(source, compiler.build(node.step), node.slots[0], flat=node.kind == "optFlatMap")
    step = compiler.build(node.step)
    test = compiler.build(node.test) if node.test is not None else None
    pairs = _pairs if len(node.variables) == 2 else _singles
    slots = node.slots
    # `@result + [x]`: a list of one constant is a constant, and costs nothing
    made = 2 if compiler.is_constant(node.step) else 12
    match node.kind:
        case "all":
            return _quantifier(source, step, slots, pairs, wanted=False, asked=2)
        case "exists":
            return _quantifier(source, step, slots, pairs, wanted=True, asked=3)
        case "exists_one":
            return _exactly_one(source, step, slots, pairs)
        case "filter":
            return _filter(source, step, slots)
        case "map" | "transformList":
            return _map(source, step, test, slots, pairs, made)
        case "transformMap":
            return _to_map(source, step, test, slots)
        case "transformMapEntry":
            return _to_map_of_entries(source, step, test, slots)
        case _:
            return _sort_by(source, step, slots, made, single=node.step.type.kind != "dyn")


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
    source: Step, step: Step, slots: tuple[int, ...], pairs: Any, *, wanted: bool, asked: int
) -> Step:
    """Fold with `&&` or `||`; `asked` is the cost of the loop's condition, which may end it."""

    def run(frame: Frame) -> bool:
        elements = pairs(source(frame))
        failure: CelError | None = None
        left = len(elements)
        for each in elements:
            left -= 1
            _bind(frame, slots, each)
            frame.cost += asked + 1  # the condition, and the result so far
            frame.spend()
            try:
                found = step(frame)
            except CelError as error:
                failure = failure or error
                continue
            if found is wanted:
                # the condition, asked once more where there is a next one, and the result
                frame.cost += asked + 1 if left else 1
                return bool(found)
            if type(found) is not bool:
                failure = failure or no_overload("_||_" if wanted else "_&&_", found)
        frame.cost += 1
        if failure is not None:
            raise failure
        return not wanted

    return run


# An error becomes the value that is folded; the loops below go on with it, and cost, to their end.


def _asked(frame: Frame, test: Step) -> bool | CelError:
    """Ask the condition of a conditional."""
    try:
        found = test(frame)
    except CelError as error:
        return error
    return found if type(found) is bool else no_overload("_?_:_", found)


def _exactly_one(source: Step, step: Step, slots: tuple[int, ...], pairs: Any) -> Step:
    def run(frame: Frame) -> bool:
        count = 0
        failure: CelError | None = None
        for each in pairs(source(frame)):
            _bind(frame, slots, each)
            found = _asked(frame, step)
            if type(found) is CelError:
                failure = found
            elif found:
                frame.cost += 2
                count += 1
            frame.spend()
        frame.cost += 2
        if failure is not None:
            raise failure
        return count == 1

    return run


def _filter(source: Step, step: Step, slots: tuple[int, ...]) -> Step:
    def run(frame: Frame) -> list[Any]:
        kept = []
        failure: CelError | None = None
        for each in _singles(source(frame)):
            frame.slots[slots[0]] = each[0]
            found = _asked(frame, step)
            if type(found) is CelError:
                failure = found
            elif found:
                frame.cost += 13
                kept.append(each[0])
            frame.spend()
        frame.cost += 1
        if failure is not None:
            raise failure
        return kept

    return run


def _map(source: Step, step: Step, test: Step | None, slots: tuple[int, ...], pairs: Any, cost: int) -> Step:
    def run(frame: Frame) -> list[Any]:
        made = []
        failure: CelError | None = None
        for each in pairs(source(frame)):
            _bind(frame, slots, each)
            found = True if test is None else _asked(frame, test)
            if type(found) is CelError:
                failure = found
            elif found:
                frame.cost += 1
                try:
                    made.append(step(frame))
                except CelError as error:
                    failure = failure or error
                frame.cost += cost - 1
            frame.spend()
        frame.cost += 1
        if failure is not None:
            raise failure
        return made

    return run


def _insert(made: dict[Any, Any], key: Any, item: Any) -> None:
    if any(equal(key, known) for known in made if known == key):
        raise CelError(f"insert failed: key {key} already exists")
    made[key] = item


def _to_map(source: Step, step: Step, test: Step | None, slots: tuple[int, ...]) -> Step:
    def run(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        failure: CelError | None = None
        for each in _pairs(source(frame)):
            _bind(frame, slots, each)
            found = True if test is None else _asked(frame, test)
            if type(found) is CelError:
                failure = found
            elif found and failure is not None:
                frame.cost += 1  # the map alone is read: a call of three stops at its first error
            elif found:
                frame.cost += 2
                try:
                    _insert(made, each[0], step(frame))
                except CelError as error:
                    failure = error
                frame.cost += 1
            frame.spend()
        frame.cost += 1
        if failure is not None:
            raise failure
        return made

    return run


def _to_map_of_entries(source: Step, step: Step, test: Step | None, slots: tuple[int, ...]) -> Step:
    def run(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        failure: CelError | None = None
        for each in _pairs(source(frame)):
            _bind(frame, slots, each)
            found = True if test is None else _asked(frame, test)
            if type(found) is CelError:
                failure = found
            elif found:
                frame.cost += 1
                try:
                    new = step(frame)
                    if type(new) is not dict:
                        raise no_overload("cel.@mapInsert", made, new)
                    for key, item in new.items():
                        _insert(made, key, item)
                except CelError as error:
                    failure = failure or error
                frame.cost += 1
            frame.spend()
        frame.cost += 1
        if failure is not None:
            raise failure
        return made

    return run


def _optional(source: Step, step: Step, slot: int, *, flat: bool) -> Step:
    """`target.hasValue() ? optional.of(step) : optional.none()`; the target is computed again for the step."""

    def run(frame: Frame) -> Any:
        try:
            value = source(frame)
        except CelError:
            frame.cost += 1
            raise
        frame.cost += 1
        if type(value) is not Optional:
            raise no_overload("hasValue", value)
        if not value.present:
            frame.cost += 1
            return NONE
        frame.slots[slot] = UNREAD
        if flat:
            return step(frame)
        try:
            found = step(frame)
        except CelError:
            frame.cost += 1
            raise
        frame.cost += 1
        return Optional(present=True, value=found)

    return run


def _sort_by(source: Step, step: Step, slots: tuple[int, ...], cost: int, *, single: bool) -> Step:
    """Call `@sortByAssociatedKeys(input, input.map(x, step))`, with the input bound as `optMap` binds."""

    def run(frame: Frame) -> list[Any]:
        keys = []
        failure: CelError | None = None
        values = _sortable(source, frame, single=single)
        for each in _singles(values):
            frame.slots[slots[0]] = each[0]
            frame.cost += 1
            try:
                keys.append(step(frame))
            except CelError as error:
                failure = failure or error
            frame.cost += cost - 1
            frame.spend()
        frame.cost += 1
        frame.cost += self_compared(keys if failure is None else failure) if single else 1
        frame.spend()
        if failure is not None:
            raise failure
        return sorted_by(values, keys)

    return run


def _sortable(source: Step, frame: Frame, *, single: bool) -> Any:
    try:
        values = source(frame)
    except CelError as failure:
        frame.cost += 2
        frame.cost += self_compared(failure) if single else 1
        raise
    frame.cost += 2
    return values


def self_compared(items: Any) -> int:
    """Cost of comparing each with each (`trackListSelfCompare` of cel-go `ext/lists.go`).

    Raises:
        FaultError: there is an error instead of a list, and the server expects none.
    """
    if type(items) is not list:
        raise FaultError("internal error: interface conversion: *types.Err is not traits.Lister")
    factor = 2.1 if items and type(items[0]) in {str, bytes} else 2.0
    return int(len(items) ** 2 * factor) + 11


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
