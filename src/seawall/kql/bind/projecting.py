"""Project and its variants: columns chosen, computed, renamed, put in order; rows without repetition."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

from seawall.kql.bind.aggregates import Aggregates
from seawall.kql.bind.expressions import Expressions
from seawall.kql.bind.names import Namer, Numbers, derived
from seawall.kql.bind.prelude import in_place
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import Ex
from seawall.kql.errors import Fault, refuse
from seawall.kql.facts import near
from seawall.kql.functions.core import convert
from seawall.kql.functions.series import SEVERAL
from seawall.kql.tree import (
    Call,
    Expr,
    Name,
    Named,
    Project,
    Star,
    Wild,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


MAX_COLUMNS = 2000


class Projecting(Expressions, Aggregates):
    """The part of the binder that reads project and its variants."""

    def part_columns(self, rel: Rel) -> list[Col]:
        """Return the hidden columns that split a table into parts (mv-apply, partition)."""
        return [col for col in rel.cols if col.name.startswith(PART)]

    def op_project(self, node: Project, rel: Rel, env: Env) -> Rel:
        """`project`, `extend`, `project-away` ..."""
        mode = node.mode
        if mode == "project":
            return self.project(node, rel, env)
        if mode == "extend":
            return self.extend(node.items, rel, env)
        if mode == "distinct":
            return self.distinct(node, rel, env)
        if mode == "rename":
            return self.rename(node, rel)
        if mode == "reorder":
            return self.reorder(node, rel)
        if mode == "by-names":
            return self.by_names(node, rel, env)
        chosen = [col for item in node.items for col in self.matching(item, rel)]
        if mode == "keep":
            kept = {id(col) for col in chosen}
            return self.keep(rel, [col for col in rel.cols if id(col) in kept])
        gone = {id(col) for col in chosen}
        return self.keep(rel, [col for col in rel.cols if id(col) not in gone])

    def by_names(self, node: Project, rel: Rel, env: Env) -> Rel:
        """`project-by-names`: names and patterns from texts and arrays; what is not there is left out."""
        wanted: list[str] = []
        for item in node.items:
            value = self.constant(item, Scope(None, env), "a column's name")
            wanted.extend(str(one) for one in (value if isinstance(value, list) else [value]))
        cols: list[Col] = []
        for name in wanted:
            cols.extend(col for col in self.matching(Wild(node.pos, name), rel) if col not in cols)
        if not cols:
            raise Fault("none of these columns is there", node.pos)
        return self.keep(rel, cols)

    def keep(self, rel: Rel, cols: list[Col]) -> Rel:
        """Give the same rows with other columns; DISTINCT and GROUP BY, which count columns, need a subquery."""
        if rel.distinct or rel.group:
            order = [col.name for col in cols]
            rel = rel.flush()
            cols = [rel.names[name] for name in order]
        return rel.arranged(cols)

    def matching(self, item: Expr, rel: Rel) -> list[Col]:
        """Return the columns that a name or a pattern means."""
        if isinstance(item, Star):
            return list(rel.visible)
        if isinstance(item, Wild):
            pattern = re.compile(fnmatch.translate(item.pattern.replace("[", "[[]")))
            return [col for col in rel.visible if pattern.match(col.name)]
        if isinstance(item, Name):
            col = rel.names.get(item.name)
            if col is None:
                raise Fault(
                    f"there is no column {item.name!r} here", item.pos, hint=near(item.name, rel.names)
                )
            return [col]
        raise Fault("a column name is expected here", item.pos)

    def project(self, node: Project, rel: Rel, env: Env) -> Rel:
        """`project`: explicit names must be free; derived ones give way."""
        rel = self.prelude(node.items, rel.settle(), env)
        scope = Scope(rel, env, serial=rel.sorted)
        cols: list[Col] = []
        namer = Namer(numbers=self.numbers)
        for item in node.items:
            if isinstance(item, Star):
                cols.extend(Col(namer.claim(col.name, item.pos), col.ex) for col in rel.visible)
                continue
            many = self.several(item, scope, rest=True)
            if many:
                cols.extend(
                    Col(namer.claim(name, item.pos) if given else namer.unique(name), ex)
                    for given, name, ex in many
                )
                continue
            if isinstance(item, Named) and len(item.names) > 1:
                raise refuse("a tuple of names in project", item.pos)
            value = self.ex(item, scope)
            cols.append(Col(self.named(item, rel, namer), value))
        return self.windowed(rel.arranged(cols))

    def several(self, item: Expr, scope: Scope, *, rest: bool = False) -> list[tuple[bool, str, Ex]]:
        """Bind a function that gives several columns: (was the name given, name, value) of each.

        Of columns beyond a list of names that is given, project shows the `rest` under their own names, extend
        none (docs: series-fit-2lines, syntax); beside one name without a list both show them (analyser).
        """
        if not _is_several(item):
            return []
        node = item.value if isinstance(item, Named) else item
        if not isinstance(node, Call):  # pragma: no cover - _is_several says so
            return []
        names = item.names if isinstance(item, Named) else ()
        found = list(
            self.sorted_arrays(node, scope) if node.name in SORTS else self.series_columns(node, scope)
        )
        named = [(True, name, ex) for name, (_, ex) in zip(names, found, strict=False)]
        rest = rest or not (isinstance(item, Named) and item.listed)
        return named + [(False, name, ex) for name, ex in found[len(names) :] if rest]

    def series_columns(self, node: Call, scope: Scope) -> Iterator[tuple[str, Ex]]:
        """Give what a series function returns: its dynamic form, taken apart."""
        function, columns = SEVERAL[node.name]
        bag = self.ex(Call(node.pos, function, node.args), scope)
        prefix = f"{node.name}_{derived(node.args[0])}" if node.args else node.name
        for key, type_ in columns:
            value = self.path(bag, key, node.pos, {})
            yield (
                f"{prefix}_{key}",
                value if type_ == "dynamic" else Ex(convert(value, type_, node.pos), type_),
            )

    def sorted_arrays(self, node: Call, scope: Scope) -> Iterator[tuple[str, Ex]]:
        """Give each array of `array_sort_asc` a column `NAME_sorted` (measured on the analyser)."""
        arrays = list(node.args)
        if len(arrays) > 1 and self.ex(arrays[-1], scope).type == "bool":
            arrays.pop()
        whole = self.ex(node, scope)
        for index, array in enumerate(arrays):
            value = whole if len(arrays) == 1 else self.path(whole, index, node.pos, {})
            yield f"{derived(array) or f'array{index}'}_sorted", value

    prelude: Callable[[Sequence[Expr], Rel, Env], Rel]
    numbers: Numbers

    def named(self, item: Expr, rel: Rel, namer: Namer) -> str:
        """Return the name of an item's column: a given one, else the one that the expression gives."""
        name = self.title(item, rel)
        return namer.claim(name, item.pos) if isinstance(item, Name | Named) else namer.unique(name)

    def title(self, item: Expr, rel: Rel) -> str:
        """Return the name that an expression gives, "" where it becomes `ColumnN`."""
        name = derived(item)
        absent = isinstance(item, Call) and item.name in ("column_ifexists", "columnifexists")
        return "" if absent and name not in rel.names else name

    def windowed(self, rel: Rel) -> Rel:
        """Put windows into a subquery, so that later filters do not change what they see."""
        return in_place(rel).flush() if any(" OVER (" in (col.ex._sql or "") for col in rel.cols) else rel

    def extend(self, items: Sequence[Expr], rel: Rel, env: Env) -> Rel:
        """`extend`: a column of the same name is replaced where it stands; of two new ones the last counts."""
        rel = self.prelude(items, rel.settle(), env)
        scope = Scope(rel, env, serial=rel.sorted)
        cols = list(rel.visible)
        at = {col.name: index for index, col in enumerate(cols)}
        above = frozenset(at)
        namer = Namer(set(at), self.numbers)
        given: set[str] = set()

        def put(name: str, ex: Ex) -> None:
            if name in at:
                cols[at[name]] = Col(name, ex)
            else:
                at[name] = len(cols)
                cols.append(Col(name, ex))

        for item in items:
            many = self.several(item, scope)
            for named, name, ex in many:
                label = name if named else namer.unique(name)
                namer.taken.add(label)
                put(label, ex)
            if many or _is_several(item):
                continue
            if isinstance(item, Named) and len(item.names) > 1:
                raise refuse("a tuple of names in extend", item.pos)
            value = self.ex(item, scope)
            name = self.title(item, rel) or namer.anonymous(above)
            if isinstance(item, Named):
                if name in given:
                    raise Fault(f"a column {name!r} is already there", item.pos)
                given.add(name)
            if not isinstance(item, Name):  # a column by its own name stays what it is
                put(name, value)
            namer.taken.add(name)
        if len(cols) > MAX_COLUMNS:
            raise Fault(f"a table has at most {MAX_COLUMNS} columns", items[0].pos, kind="limit")
        return self.windowed(rel.arranged(cols))

    def rename(self, node: Project, rel: Rel) -> Rel:
        """`project-rename new = old`."""
        new: dict[int, str] = {}
        for item in node.items:
            if not isinstance(item, Named) or not isinstance(item.value, Name):
                raise Fault("new = old is expected here", item.pos)
            new[id(self.matching(item.value, rel)[0])] = item.names[0]
        cols = [Col(new.get(id(col), col.name), col.ex) for col in rel.cols]
        if len({col.name for col in cols}) < len(cols):
            raise Fault("two columns would have the same name", node.pos)
        return rel.replace(cols)

    def reorder(self, node: Project, rel: Rel) -> Rel:
        """`project-reorder`: what is named comes first; a pattern keeps the table's order unless it is sorted."""
        out: list[Col] = []
        seen: set[str] = set()
        for item, order in zip(node.items, node.orders, strict=True):
            found = self.matching(item, rel)
            if isinstance(item, Name) and found[0].name in seen:
                raise Fault(f"the column {found[0].name!r} stands here twice", item.pos)
            cols = [col for col in found if col.name not in seen]
            if order:
                natural = order.startswith("granny")
                cols.sort(
                    key=lambda col: _granny(col.name) if natural else col.name.lower(),
                    reverse=order.endswith("desc"),
                )
            out.extend(cols)
            seen.update(col.name for col in cols)
        out.extend(col for col in rel.visible if col.name not in seen)
        return self.keep(rel, out)

    def distinct(self, node: Project, rel: Rel, env: Env) -> Rel:
        """`distinct`: rows without repetition."""
        if len(node.items) == 1 and isinstance(node.items[0], Star):
            rel = rel.settle()
            out = rel.replace([*rel.visible, *self.part_columns(rel)]).clone()
            self.groupable(rel.visible, node.pos)
        else:
            rel = rel.settle()
            scope = Scope(rel, env)
            namer = Namer(numbers=self.numbers)
            cols: list[Col] = []
            for item in node.items:
                value = self.ex(item, scope)
                cols.append(Col(self.named(item, rel, namer), value))
            self.groupable(cols, node.pos)
            out = rel.replace([*cols, *self.part_columns(rel)]).clone()
        out.distinct = True
        out.leaves = {}
        out.cols = [Col(col.name, forget(col.ex)) for col in out.cols]
        out.names = {col.name: col for col in out.cols}
        out.sorted = False
        return out

    def groupable(self, cols: Sequence[Col], pos: int) -> None:
        """Refuse keys that Kusto refuses (KS116): a dynamic has no equality of its own."""
        for col in cols:
            if col.ex.type == "dynamic" and not self.lenient:
                raise Fault(
                    f"{col.name!r} is dynamic: it cannot be a key", pos, hint=f"use tostring({col.name})"
                )

    lenient: bool = False


SORTS = ("array_sort_asc", "array_sort_desc")
"""Functions that give a column for each array."""


def _is_several(item: Expr) -> bool:
    node = item.value if isinstance(item, Named) else item
    return isinstance(node, Call) and (node.name in SEVERAL or node.name in SORTS)


PART = "\0part"
"""Names of hidden columns that split a table begin with this."""


def _granny(name: str) -> list[Any]:
    # Numbers in names count as numbers, 2 before 02 (the analyser's order).
    parts = [part for part in re.split(r"([0-9]+)", name) if part]
    return [(0, int(part), len(part), "") if part[0] in "0123456789" else (1, 0, 0, part) for part in parts]


def forget(ex: Ex) -> Ex:
    """Drop what is known of where a value came from: after grouping, rows are other rows."""
    if ex.type == "dynamic" and (ex.origin is not None or ex.path):
        return Ex(ex.sql, "dynamic", ex.rep, const=ex.const)
    return ex


__all__ = ["PART", "Projecting"]
