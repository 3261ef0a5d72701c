"""Pipelines for each row or for each value of a key: mv-apply and partition, one within another too.

A table carries hidden `part` columns: what the steps would do over all rows they do for each value of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.expressions import OUTER
from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.plugins import Plugins
from seawall.kql.bind.projecting import PART
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import Ex
from seawall.kql.errors import Fault, Whole, refuse
from seawall.kql.tree import (
    As,
    CountRows,
    Lit,
    Parse,
    ParseKv,
    Project,
    Serialize,
    Sort,
    Summarize,
    Take,
    Top,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seawall.kql.tree import MvApply, Operator, Partition, Pipeline


MOST_WITHIN = 12
"""How deep parts that are tables of their own may stand within such parts."""


class Parts(Plugins):
    """The part of the binder that runs a pipeline for each row or key."""

    expanded: Callable[..., tuple[Rel, list[str]]]
    step_of: Callable[[Operator, Rel, Env], Rel]
    pipeline: Callable[[Pipeline, Env], Rel]
    partitions: set[str]
    apart_in: int

    def op_mv_apply(self, node: MvApply, rel: Rel, env: Env) -> Rel:
        """`mv-apply`: the steps run over the elements of each row."""
        if node.context:
            raise refuse("mv-apply with id", node.pos)
        limit = self.row_count(node.limit, env, "limit") if node.limit is not None else ""
        nested = rel.hidden
        number = f"{PART}{len(self.part_columns(rel))}"
        rel = rel.flush()
        outer = rel.replace([*rel.cols, Col(number, Ex("row_number() OVER ()", "long"))]).flush()
        # The rows are numbered once and read twice: what came before them runs once, and both see one order.
        self.ids.table += 1
        numbered = f"m{self.ids.table}"
        text, _, alias = outer.frm.rpartition(" AS ")
        outer.frm = f"{numbered} AS {alias}"
        names = [col.name for col in outer.visible]
        wide, made = self.expanded(node.items, outer, env, bag="bag", index=node.index, limit=limit)
        # A column that is expanded in place keeps its row's value under its own name outside.
        around = [Col(OUTER + col.name, col.ex) for col in wide.visible if col.name not in made]
        taken = {col.name for col in around}
        inner = [
            col for col in wide.cols if col.name in made or (col.name[:1] == "\0" and col.name not in taken)
        ]
        sub = wide.replace([*inner, *around])
        sub.sorted = True
        kept = [name for name in names if name not in made]
        hidden = [col for col in outer.cols if col.name[:1] == "\0" and col.name != number]
        try:
            sub = self.steps(node.steps, sub, env)
        except Whole:
            keys = outer.again(numbered)
            plain = wide.replace([*(col for col in inner if col.name[:1] != "\0"), *around])
            sub = self.each(node.steps, plain, wide.names[number].ex, keys, number, env)
            outer = keys
            hidden = [col for col in keys.cols if col.name[:1] == "\0" and col.name != number]
            source = Rel(self.ids, [], f"{keys.frm} JOIN LATERAL {sub.frm} ON true", keys.leaves)
            # A row whose array is empty has no subtable: the steps do not run for it.
            found = f"SELECT {wide.names[number].ex.sql} FROM {wide.frm}"
            source.where = [f"{keys.names[number].ex.sql} IN ({found})"]
            cols = [Col(name, keys.names[name].ex) for name in kept]
        else:
            part = sub.names.get(number)
            if part is None:
                raise refuse("this step inside mv-apply", node.pos)
            if not nested and all(OUTER + name in sub.names for name in kept):
                cols = [Col(name, sub.names[OUTER + name].ex) for name in kept]
                source = Rel(self.ids, [], sub.frm, sub.leaves)
            else:
                cols = [Col(name, outer.names[name].ex) for name in kept]
                source = Rel(
                    self.ids,
                    [],
                    f"{outer.frm} JOIN {sub.frm} ON {outer.names[number].ex.sql} = {part.ex.sql}",
                    outer.leaves,
                )
        # A column that the steps give under a name of the row takes that one's place (as the analyser has it).
        given = {col.name: col for col in sub.visible}
        cols = [given.get(col.name, col) for col in cols]
        namer = Namer(set(kept))
        cols.extend(Col(namer.unique(col.name), col.ex) for col in sub.visible if col.name not in kept)
        out = source.replace([*cols, *hidden]).flush()
        out.frm = f"(WITH {numbered} AS MATERIALIZED {text} {out.frm[1:]}"
        return out

    def steps(self, steps: Sequence[Operator], sub: Rel, env: Env) -> Rel:
        """Run steps over a table with parts. Where one of them takes a whole table, nothing has happened."""
        inside = Env(env)
        names, number = dict(env.names), self.numbers.last
        thin = False
        try:
            for step in steps:
                if thin and (isinstance(step, CountRows) or (isinstance(step, Summarize) and not step.keys)):
                    # A part that has lost all its rows has no place here, but its sum is a row all the same.
                    raise Whole("a sum over what is left inside mv-apply or partition", step.pos)
                thin = thin or not _keeps_one(step)
                sub = self.step_of(step, sub, inside)
        except Whole:
            env.names, self.numbers.last = names, number
            raise
        return sub.flush()

    def each(self, steps: Sequence[Operator], sub: Rel, key: Ex, keys: Rel, name: str, env: Env) -> Rel:
        """Run steps once for each key, over the rows that have it."""
        self.apart_in += 1
        if self.apart_in > MOST_WITHIN:
            raise Fault(
                f"parts within parts more than {MOST_WITHIN} deep",
                steps[0].pos if steps else -1,
                kind="limit",
            )
        inside = Env(env)
        at = keys.names[name].ex.sql
        self.partitions.add(at.partition(".")[0])
        sub = sub.clone()
        sub.where.append(f"{key.sql} IS NOT DISTINCT FROM {at}")
        for step in steps:
            sub = self.step_of(step, sub, inside)
        self.apart_in -= 1
        return sub.flush()

    def op_partition(self, node: Partition, rel: Rel, env: Env) -> Rel:
        """`partition by key (steps)` and `partition by key { query }`."""
        rel = rel.settle()
        key = self.ex(node.column, Scope(rel, env))
        if key.type == "dynamic":
            raise Fault("partition takes no dynamic key", node.pos, hint="convert it: tostring(...)")
        if node.query is not None:
            return self.for_each_key(node, rel, env)
        number = f"{PART}{len(self.part_columns(rel))}"
        sub = rel.replace([*rel.cols, Col(number, key)]).flush()
        try:
            sub = self.steps(node.steps or (), sub, env)
        except Whole:
            return self.for_each_key(node, rel, env)
        if number not in sub.names:
            raise refuse("this step inside partition", node.pos)
        return sub.replace([col for col in sub.cols if col.name != number])

    def for_each_key(self, node: Partition, rel: Rel, env: Env) -> Rel:
        """Run a query of its own for each value of the key, which stands in it as a scalar; or steps that need it."""
        if self.part_columns(rel):
            raise Whole("partition with a query of its own inside mv-apply or partition", node.pos)
        rel = self.once(rel)
        key = self.ex(node.column, Scope(rel, env))
        keys = rel.replace([Col("key", key)]).clone()
        keys.distinct = True
        keys.leaves = {}
        keys = keys.flush()
        if node.query is None:
            sub = self.each(node.steps or (), rel, key, keys, "key", env)
        else:
            inside = Env(env)
            inside.names[derived(node.column)] = Ex(keys.cols[0].ex.sql, key.type)
            self.partitions.add(keys.cols[0].ex.sql.partition(".")[0])
            sub = self.pipeline(node.query, inside).flush()
        return Rel(self.ids, sub.cols, f"{keys.frm} JOIN LATERAL {sub.frm} ON true")


def _keeps_one(step: Operator) -> bool:
    # Whether each part that has rows has some after this step.
    if isinstance(step, Take | Top):
        return isinstance(step.count, Lit) and isinstance(step.count.value, int) and step.count.value > 0
    if isinstance(step, Parse):
        return not step.where
    return isinstance(step, As | CountRows | ParseKv | Project | Serialize | Sort | Summarize)
