"""The smallest change of a row that takes it out of the answer: tried, not guessed."""

from __future__ import annotations

import copy
import itertools
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.kql.errors import Fault, KqlError
from seawall.kql.lint.schema import schema
from seawall.kql.tree import Binary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seawall.kql.explain.paths import Atom, Path
    from seawall.kql.explain.single import Single

_IDENTITY: Final = frozenset(
    ("id", "type", "name", "subscriptionId", "tenantId", "resourceGroup", "apiVersion")
)
"""Columns that say which resource it is: another value is another resource, not a change of this one."""
_MOST_ELEMENTS, _MOST_TRIES, _MOST_TOGETHER, _MOST_PLACES = 16, 600, 3, 10
_SECONDS = 20.0


class Change(msgspec.Struct, frozen=True):
    """A change of one property: its path, and its value before and after (None is absent)."""

    path: str
    before: Any
    after: Any


class _Option(msgspec.Struct, frozen=True):
    path: tuple[str | int, ...]
    before: Any
    after: Any


def smallest(
    one: Single, row: list[Any], columns: Sequence[tuple[str, str]], found: Sequence[Atom]
) -> tuple[Change, ...]:
    """Return the fewest changes that take the row out; empty where none that was tried does.

    One property is tried before two, two before three; the values nearest to what is there come first. Past
    three, and with more than ten properties that could decide, all of them are changed and those that need not
    be are put back.
    """
    search = _Search(one, row, [name for name, _ in columns])
    chosen: tuple[_Option, ...] = ()
    for last in (False, True):
        if not chosen:
            chosen = search.run(search.options([atom for atom in found if last or not atom.last]))
    return tuple(Change(_written(option.path), option.before, option.after) for option in chosen)


class _Search:
    """Tries changes of one row, as many and as long as it may."""

    def __init__(self, one: Single, row: list[Any], names: list[str]) -> None:
        self.one = one
        self.row = row
        self.names = names
        self.tries = 0
        self.until = time.monotonic() + min(_SECONDS, one.seconds)

    def options(self, found: Sequence[Atom]) -> dict[tuple[str | int, ...], list[_Option]]:
        """Return the changes worth trying, by their place."""
        options: dict[tuple[str | int, ...], list[_Option]] = {}
        for atom in found:
            for path in atom.paths:
                if path[0] in _IDENTITY:
                    continue
                for place in self.places(path):
                    for inner in self.inside(place, atom):
                        before = self.value(inner)
                        listed = options.setdefault(inner, [])
                        for after in _values(inner, before, atom):
                            option = _Option(inner, before, after)
                            if (after != before or type(after) is not type(before)) and option not in listed:
                                listed.append(option)
        return options

    def inside(self, place: tuple[str | int, ...], atom: Atom) -> Iterator[tuple[str | int, ...]]:
        """Give a place; of a bag that is searched as text, the texts in it that hold what is looked for."""
        value = self.value(place)
        if not isinstance(value, dict | list) or atom.counts:
            if len(place) > 1 or not isinstance(value, dict | list):
                yield place
            return
        wanted = [one.lower() for one in atom.literals if isinstance(one, str) and one]
        open_: list[tuple[tuple[str | int, ...], Any]] = [(place, value)]
        while open_:
            at, part = open_.pop()
            if isinstance(part, dict):
                open_.extend(((*at, key), inner) for key, inner in reversed(part.items()))
            elif isinstance(part, list):
                open_.extend(((*at, index), part[index]) for index in reversed(range(len(part))))
            elif isinstance(part, str) and any(one in part.lower() for one in wanted):
                yield at
        if len(place) > 1:
            yield place

    def places(self, path: Path) -> Iterator[tuple[str | int, ...]]:
        """Give the paths that `[]` stands for in this row."""
        if "[]" not in path:
            yield path
            return
        at = path.index("[]")
        value = self.value(path[:at])
        for index in range(min(len(value), _MOST_ELEMENTS) if isinstance(value, list) else 0):
            yield from self.places((*path[:at], index, *path[at + 1 :]))

    def value(self, path: Sequence[str | int]) -> Any:
        """Return what stands at a path of the row, None where nothing does."""
        value = self.row[self.names.index(str(path[0]))] if path[0] in self.names else None
        for step in path[1:]:
            if isinstance(value, dict):
                value = value.get(str(step))
            elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    def run(self, options: dict[tuple[str | int, ...], list[_Option]]) -> tuple[_Option, ...]:
        """Search sets of changes by size."""
        ordered = [
            option for listed in itertools.zip_longest(*options.values()) for option in listed if option
        ]
        # The best value of each property before the second-best of any.
        for option in ordered:
            if self.gone((option,)):
                return (option,)
        fewest = self.reduced([listed[0] for listed in options.values() if listed])
        if len(options) > _MOST_PLACES:
            return fewest
        few = [listed[:3] for listed in options.values() if listed]
        for size in range(2, min(_MOST_TOGETHER + 1, len(fewest) or len(few) + 1)):
            for places in itertools.combinations(few, size):
                for chosen in itertools.product(*places):
                    if self.gone(chosen):
                        return chosen
        return fewest

    def reduced(self, everything: list[_Option]) -> tuple[_Option, ...]:
        """Change everything, then put back what need not be changed."""
        self.tries = 0
        if not everything or not self.gone(tuple(everything)):
            return ()
        kept = list(everything)
        for option in everything:
            fewer = [one for one in kept if one is not option]
            if fewer and self.gone(tuple(fewer)):
                kept = fewer
        return tuple(kept)

    def gone(self, chosen: tuple[_Option, ...]) -> bool:
        """Tell whether the row, changed so, is no longer in the answer."""
        if self.tries >= _MOST_TRIES or time.monotonic() > self.until:
            return False
        self.tries += 1
        changed = copy.deepcopy(self.row)
        for option in chosen:
            if not self.put(changed, option):
                return False
        try:
            return not self.one.included(changed)
        except (KqlError, Fault):
            return False

    def put(self, row: list[Any], option: _Option) -> bool:
        """Change one place of a row; False where there is no such place."""
        column = self.names.index(str(option.path[0]))
        if len(option.path) == 1:
            row[column] = option.after
            return True
        if not isinstance(row[column], dict | list):
            row[column] = {}
        target: Any = row[column]
        for step in option.path[1:-1]:
            if isinstance(target, list):
                if not (isinstance(step, int) and -len(target) <= step < len(target)):
                    return False
                if not isinstance(target[step], dict | list):
                    target[step] = {}
                target = target[step]
            else:
                inner = target.get(str(step))
                target[str(step)] = inner if isinstance(inner, dict | list) else {}
                target = target[str(step)]
        last = option.path[-1]
        if isinstance(target, list):
            if not (isinstance(last, int) and -len(target) <= last < len(target)):
                return False
            target[last] = option.after
        elif option.after is None:
            target.pop(str(last), None)
        else:
            target[str(last)] = option.after
        return True


def _values(path: tuple[str | int, ...], before: Any, atom: Atom) -> Iterator[Any]:
    """Give values to try, the nearest to what is there first: of the same kind, then absence, then others."""
    known = schema().near(tuple("[]" if isinstance(step, int) else step for step in path))
    kind = known.kind if known is not None else ""
    is_list = isinstance(before, list) or (known is not None and known.collection == "list")
    if isinstance(before, bool) or (kind == "bool" and not is_list):
        yield not before if isinstance(before, bool) else True
        yield False
    if is_list:
        yield from _lists(before if isinstance(before, list) else [], atom)
    elif not isinstance(before, bool):
        for literal in atom.literals if _compares(atom.node) else ():
            if isinstance(literal, bool):
                if before is None:
                    yield not literal
                    yield literal
            elif isinstance(literal, int | float):
                if before is None or isinstance(before, int | float):
                    yield from (literal, literal + 1, literal - 1)
                elif isinstance(before, str) and before.isdigit():
                    yield from (str(literal), str(literal + 1), str(literal - 1))
            elif isinstance(literal, str) and literal and (before is None or isinstance(before, str)):
                yield literal
        if known is not None:
            yield from known.values
    yield None
    if isinstance(before, str):
        yield from ("", f"{before}x")
    elif before is None:
        yield from ("x", 1, True, False, ["x"], {"x": "x"})
    elif isinstance(before, dict):
        yield {}


def _compares(node: Any) -> bool:
    """Tell whether the literals of a condition are values that a property may have; a pattern is none."""
    return not isinstance(node, Binary) or node.op not in ("matches regex", "matches")


def _lists(before: list[Any], atom: Atom) -> Iterator[Any]:
    """Give lists of other lengths, and without each of their elements."""
    for index in range(min(len(before), _MOST_ELEMENTS)):
        yield [*before[:index], *before[index + 1 :]]
    filler = (
        before[-1] if before else next((one for one in atom.literals if isinstance(one, str) and one), "x")
    )
    for literal in atom.literals:
        if isinstance(literal, int) and not isinstance(literal, bool) and 0 <= literal <= _MOST_ELEMENTS:
            for length in (literal, literal + 1, max(0, literal - 1)):
                yield [*before[:length], *[filler] * (length - len(before))]
    for literal in atom.literals:
        if isinstance(literal, str) and literal:
            yield [*before, literal]
    yield []
    yield [*before, filler]


def _written(path: tuple[str | int, ...]) -> str:
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f"{'.' if out else ''}{step}"
    return out
