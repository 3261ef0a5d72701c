"""Which property of the row each predicate looks at, through extend, project, mv-expand and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.bind.names import derived
from seawall.kql.tree import (
    Binary,
    Call,
    Dot,
    Evaluate,
    Expr,
    Index,
    JoinOp,
    Lit,
    MvApply,
    MvExpand,
    Name,
    Named,
    Node,
    Operator,
    Parse,
    Project,
    Sub,
    Summarize,
    Top,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Path = tuple[str | int, ...]
"""Steps into the row: a column, then keys and indexes; `"[]"` is any element."""

_HAND_ON = frozenset(("tostring", "parse_json", "todynamic", "toobject", "tolower", "toupper", "tobool",
                      "toboolean", "toint", "tolong", "todouble", "toreal", "todatetime", "trim"))  # fmt: skip
_BOOLEAN = frozenset(("not", "iff", "iif", "case", "coalesce", "max_of", "min_of"))


class Behind(msgspec.Struct, frozen=True):
    """What a column holds that is no plain property: an expression, over the columns before it."""

    value: Expr
    names: Mapping[str, Path | Behind]


Names = dict[str, Path | Behind]


class Atom(msgspec.Struct, frozen=True):
    """A condition that cannot be taken apart, with the properties in it, and the literals beside them."""

    node: Expr
    paths: tuple[Path, ...]
    literals: tuple[Any, ...]
    counts: bool
    """Whether it looks at the length of a list."""
    last: bool = False
    """Whether it is to be tried when nothing else has helped: an element would have to go."""


def leaves(node: Expr) -> Iterator[Expr]:
    """Give the conditions that `and`, `or` and `not` put together, from left to right."""
    open_ = [node]
    while open_:
        part = open_.pop()
        if isinstance(part, Binary) and part.op in ("and", "or"):
            open_.extend((part.right, part.left))
        elif isinstance(part, Sub) and isinstance(part.query.source, Expr) and not part.query.steps:
            open_.append(part.query.source)
        elif isinstance(part, Call) and part.name == "not" and len(part.args) == 1:
            open_.append(part.args[0])
        else:
            yield part


def follow(steps: Sequence[Operator], start: Mapping[str, Path]) -> Iterator[tuple[Operator, Names]]:
    """Give each step with the columns before it: the property behind each, or the expression."""
    names: Names = dict(start)
    for step in steps:
        yield step, dict(names)
        names = _after(step, names)


def _after(step: Operator, names: Names) -> Names:
    if isinstance(step, Project):
        fresh = {derived(item): _behind(item, names) for item in step.items}
        if step.mode in ("project", "distinct"):
            return fresh
        if step.mode == "rename":
            gone = {
                item.value.name
                for item in step.items
                if isinstance(item, Named) and isinstance(item.value, Name)
            }
            return {**{name: what for name, what in names.items() if name not in gone}, **fresh}
        return {**names, **fresh} if step.mode == "extend" else names
    if isinstance(step, MvExpand | MvApply):
        inner = dict(names)
        for one in step.items:
            path = path_of(one.value, names)
            name = one.name or derived(one.value)
            inner[name] = (*path, "[]") if path else Behind(one.value, names)
        if isinstance(step, MvApply):
            for sub in step.steps:
                inner = _after(sub, inner)
            # What the sub-query leaves out of sight (summarize) is still a column of the row.
            return {**names, **inner}
        return inner
    if isinstance(step, Parse):
        made = Behind(step.value, names)
        return {**names, **{part.text: made for part in step.parts if part.kind == "column"}}
    if isinstance(step, Evaluate):
        path = (
            path_of(step.call.args[0], names) if step.call.name == "bag_unpack" and step.call.args else None
        )
        # The keys of the bag are columns now.
        return {**names, **({"*": path} if path else {})}
    if isinstance(step, Summarize):
        return {derived(item): _behind(item, names) for item in (*step.keys, *step.aggregates)}
    return names


def _behind(item: Expr, names: Names) -> Path | Behind:
    value = item.value if isinstance(item, Named) else item
    return path_of(value, names) or Behind(value, names)


def path_of(node: Any, names: Mapping[str, Path | Behind]) -> Path | None:
    """Return the property that an expression hands on, or None."""
    if isinstance(node, Name):
        found = names.get(node.name)
        if found is None and isinstance(unpacked := names.get("*"), tuple):
            return (*unpacked, node.name)
        return found if isinstance(found, tuple) else None
    if isinstance(node, Dot):
        base = path_of(node.base, names)
        return (*base, node.key) if base else None
    if isinstance(node, Index):
        base = path_of(node.base, names)
        if not base:
            return None
        value = node.index.value if isinstance(node.index, Lit) else "[]"
        return (*base, value) if isinstance(value, str | int) else None
    if isinstance(node, Call) and node.name in _HAND_ON and node.args:
        return path_of(node.args[0], names)
    if isinstance(node, Sub) and not node.query.steps:
        return path_of(node.query.source, names)
    return None


def atoms(step: Operator, names: Names) -> Iterator[Atom]:
    """Give the conditions of a step that a property of the row decides."""
    if isinstance(step, Where):
        for leaf in leaves(step.predicate):
            yield from _atom(leaf, names, 0)
    elif isinstance(step, MvApply):
        inner = dict(names)
        for one in step.items:
            path = path_of(one.value, names)
            inner[one.name or derived(one.value)] = (*path, "[]") if path else Behind(one.value, names)
        for sub in step.steps:
            yield from atoms(sub, inner)
            inner = _after(sub, inner)
    elif isinstance(step, MvExpand):
        # A row whose list is empty is gone.
        for one in step.items:
            path = path_of(one.value, names)
            if path:
                yield Atom(one.value, (path,), (), counts=True, last=True)
    elif isinstance(step, JoinOp):
        for key in step.on:
            yield from _atom(key, names, 0)
    elif isinstance(step, Top):
        for sorted_by in step.keys:
            yield from _atom(sorted_by.value, names, 0)
    elif isinstance(step, Summarize):
        for item in (*step.keys, *step.aggregates):
            yield from _atom(item.value if isinstance(item, Named) else item, names, 0)


def _atom(node: Expr, names: Mapping[str, Path | Behind], depth: int) -> Iterator[Atom]:
    if depth > 16:
        return
    behind = names.get(node.name) if isinstance(node, Name) else None
    if isinstance(behind, Behind):
        for leaf in leaves(behind.value):
            yield from _atom(leaf, behind.names, depth + 1)
        return
    if isinstance(node, Call) and node.name in _BOOLEAN:
        for arg in node.args:
            for leaf in leaves(arg):
                yield from _atom(leaf, names, depth + 1)
        return
    paths: dict[Path, None] = {}
    literals: list[Any] = []
    inner: list[Behind] = []
    counts = _gather(node, names, paths, literals, inner)
    if paths:
        yield Atom(node, tuple(paths), tuple(literals), counts)
    for one in inner:
        # A column that was worked out before: what stands in its expression decides, beside these literals.
        for found in _atom(one.value, one.names, depth + 1):
            yield Atom(found.node, found.paths, (*found.literals, *literals), found.counts or counts)


def _gather(
    node: Any,
    names: Mapping[str, Path | Behind],
    paths: dict[Path, None],
    literals: list[Any],
    inner: list[Behind],
) -> bool:
    """Collect properties, literals and worked-out columns of an expression; tell whether it counts elements."""
    counts = False
    open_ = [node]
    while open_:
        part = open_.pop()
        if isinstance(part, tuple):
            open_.extend(reversed(part))
            continue
        if not isinstance(part, Node):
            continue
        path = path_of(part, names)
        if path:
            paths.setdefault(path)
        elif isinstance(part, Lit):
            literals.extend(part.value if isinstance(part.value, list) else [part.value])
        elif isinstance(part, Name):
            behind = names.get(part.name)
            if isinstance(behind, Behind):
                inner.append(behind)
        else:
            counts |= isinstance(part, Call) and part.name in ("array_length", "isempty", "isnotempty")
            open_.extend(getattr(part, field) for field in reversed(part.__struct_fields__))
    return counts


__all__ = ["Atom", "Path", "atoms", "follow", "leaves", "path_of"]
