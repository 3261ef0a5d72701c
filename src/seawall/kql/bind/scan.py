"""`scan`: a state machine over ordered rows, as one recursive query (docs: query/scan-operator).

The state of step k holds the last row that matched each of the steps 1 to k of its sequence. Every row is tried
against the steps from the last to the first: first with the state of the step before (the sequence moves on), then
with the step's own state (the step matches again); the first step also begins a sequence when it has no state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import SQL_TYPES, Ex, literal
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.core import convert
from seawall.kql.tree import Sort

if TYPE_CHECKING:
    from seawall.kql.tree import Scan, ScanStep

MAX_STEPS = 8


def scan(binder: Any, node: Scan, rel: Rel, env: Env) -> Rel:
    """Bind `scan`."""
    if node.order:
        rel = binder.op_sort(Sort(node.pos, node.order), rel, env)
    if not rel.sorted:
        raise Fault("scan needs rows in an order", node.pos, hint="put | sort by or | serialize before it")
    for step in node.steps:
        if step.optional:
            raise refuse("an optional step of scan", step.pos)
    if not 1 <= len(node.steps) <= MAX_STEPS:
        raise refuse(f"scan with {len(node.steps)} steps", node.pos)
    rel = rel.flush()
    parts = [col.ex.sql for col in binder.part_columns(rel)]
    parts += [binder.ex(key, Scope(rel, env)).sql for key in node.partition]
    return _Machine(binder, node, rel, env, parts).build()


class _Machine:
    def __init__(self, binder: Any, node: Scan, rel: Rel, env: Env, parts: list[str]) -> None:
        self.parts = parts
        self.binder = binder
        self.node = node
        self.env = env
        self.names = [col.name for col in rel.cols]
        self.types = {col.name: col.ex.type for col in rel.cols}
        self.rel = rel
        self.defaults: dict[str, Ex] = {}
        for param in node.declare:
            value = (
                binder.ex(param.default, Scope(None, env))
                if param.default is not None
                else literal(None, param.type)
            )
            self.defaults[param.name] = Ex(convert(value, param.type, param.pos), param.type)
        taken = set(self.names) & set(self.defaults)
        if taken:
            raise Fault(f"a column {min(taken)!r} is already there", node.pos)
        self.all = [*self.names, *self.defaults]
        self.types.update({name: ex.type for name, ex in self.defaults.items()})
        self.place = {name: i for i, name in enumerate(self.all)}

    def cell(self, state: int, step: int, name: str) -> str:
        """Name the column of state `state` that holds what matched step `step`."""
        return f"s{state}_{step}_{self.place[name]}"

    def state_columns(self, state: int) -> list[str]:
        """Return all columns of a state."""
        return [self.cell(state, i, name) for i in range(1, state + 1) for name in self.all]

    def sql_type(self, name: str) -> str:
        return SQL_TYPES[self.types[name]]

    def nothing(self, name: str) -> str:
        """Write the value of a column of a state that is empty."""
        if name in self.defaults:
            return self.defaults[name].sql
        return "''" if self.types[name] == "string" else f"NULL::{self.sql_type(name)}"

    def states(self, state: int) -> dict[str, dict[str, Ex]]:
        """Say what `step.column` means while the state `state` is looked at."""
        out: dict[str, dict[str, Ex]] = {}
        for i, step in enumerate(self.node.steps, 1):
            cells: dict[str, Ex] = {}
            for name in self.all:
                if i <= state:
                    held = self.cell(state, i, name)
                    sql = f"CASE WHEN a{state} THEN {held} ELSE {self.nothing(name)} END"
                else:
                    sql = self.nothing(name)
                type_ = self.types[name]
                cells[name] = Ex(sql, type_, base=sql if type_ == "dynamic" else "")
            out[step.name] = cells
        return out

    def row(self) -> Rel:
        """Give the row at hand as a relation."""
        cols = []
        for i, name in enumerate(self.names):
            type_ = self.types[name]
            cols.append(Col(name, Ex(f"r{i}", type_, base=f"r{i}" if type_ == "dynamic" else "")))
        return Rel(self.rel.ids, cols, "row")

    def bind(self, step: ScanStep, state: int) -> tuple[str, dict[str, str]]:
        """Bind a step's condition and assignments under a state."""
        scope = Scope(self.row(), self.env)
        scope.states = self.states(state)
        test = f"coalesce({self.binder.test(step.condition, scope, filtering=True)}, false)"
        values = {name: ex.sql for name, ex in self.defaults.items()}
        for name, expression in step.assign:
            if name not in self.defaults:
                raise Fault(f"scan declares no column {name!r}", step.pos)
            value = self.binder.ex(expression, scope)
            values[name] = convert(value, self.types[name], step.pos)
        return test, values

    def level(self, inner: str, number: int, columns: list[str]) -> str:
        """Write the SELECT that tries one step; `columns` are those that it hands on."""
        step = self.node.steps[number - 1]
        own_test, own_values = self.bind(step, number)
        again = f"({'true' if number == 1 else f'a{number}'} AND {own_test})"
        if number > 1:
            on_test, on_values = self.bind(step, number - 1)
            moved = f"(a{number - 1} AND {on_test})"
        else:
            moved, on_values = "false", own_values
        new: dict[str, str] = {
            f"a{number}": f"(a{number} OR {moved} OR {again})",
            f"o{number}": f"({moved} OR {again})",
        }
        if number > 1:
            new[f"a{number - 1}"] = f"(a{number - 1} AND NOT {moved})"
            new[f"m{number}"] = f"CASE WHEN {moved} THEN m{number - 1} ELSE m{number} END"
        else:
            new["m1"] = f"CASE WHEN {again} AND NOT a1 THEN nm ELSE m1 END"
            new["nm"] = f"CASE WHEN {again} AND NOT a1 THEN nm + 1 ELSE nm END"
        for i in range(1, number + 1):
            for name in self.all:
                held = self.cell(number, i, name)
                if i < number:
                    new[held] = f"CASE WHEN {moved} THEN {self.cell(number - 1, i, name)} ELSE {held} END"
                elif name in self.defaults:
                    new[held] = (
                        f"CASE WHEN {moved} THEN {on_values[name]} WHEN {again} THEN {own_values[name]} ELSE {held} END"
                    )
                else:
                    new[held] = f"CASE WHEN {moved} OR {again} THEN r{self.place[name]} ELSE {held} END"
        items = ", ".join(f"{new.get(one, one)} AS {one}" for one in columns)
        return f"SELECT {items} FROM ({inner})"

    def build(self) -> Rel:
        """Write the recursion and the rows that come out of it."""
        count = len(self.node.steps)
        ids = self.rel.ids
        ids.table += 1
        tag = f"t{ids.table}"
        source = ", ".join(f"{col.ex.sql} AS r{i}" for i, col in enumerate(self.rel.cols))
        rows = f"SELECT {source}, row_number() OVER () AS rn, false AS fresh FROM {self.rel.frm}"
        if self.parts:
            # The rows of a part follow each other in their order; each part begins with no sequence under way.
            keys = ", ".join(f"{one} AS q{i}" for i, one in enumerate(self.parts))
            by = ", ".join(f"q{i}" for i in range(len(self.parts)))
            rows = (
                f"SELECT * EXCLUDE (rn), row_number() OVER (ORDER BY {by}, rn) AS rn, rn = min(rn) OVER (PARTITION BY {by}) AS fresh"
                f" FROM (SELECT {source}, {keys}, row_number() OVER () AS rn FROM {self.rel.frm})"
            )
        states = [
            "nm",
            *[f"a{k}" for k in range(1, count + 1)],
            *[f"m{k}" for k in range(1, count + 1)],
            *[one for k in range(1, count + 1) for one in self.state_columns(k)],
        ]
        outs = [f"o{k}" for k in range(1, count + 1)]
        raw = [f"r{i}" for i in range(len(self.names))]
        columns = ["rn", *raw, *states, *outs]
        start = [
            "0::BIGINT AS rn",
            *[f"NULL::{self.sql_type(name)} AS r{i}" for i, name in enumerate(self.names)],
            "0::BIGINT AS nm",
        ]
        start += [f"false AS a{k}" for k in range(1, count + 1)] + [
            f"0::BIGINT AS m{k}" for k in range(1, count + 1)
        ]
        start += [
            f"NULL::{self.sql_type(name)} AS {self.cell(k, i, name)}"
            for k in range(1, count + 1)
            for i in range(1, k + 1)
            for name in self.all
        ]
        start += [f"false AS {one}" for one in outs]
        held_over = [f"(p.{one} AND NOT b.fresh) AS {one}" if one[0] == "a" else f"p.{one}" for one in states]
        inner = f"SELECT {', '.join(['b.rn', *(f'b.{one}' for one in raw), *held_over, *(f'false AS {one}' for one in outs)])} FROM {tag}_s AS p JOIN {tag}_r AS b ON b.rn = p.rn + 1"
        for number in range(count, 0, -1):
            inner = self.level(inner, number, columns)
        parts: list[str] = []
        for number, step in enumerate(self.node.steps, 1):
            if step.output == "none":
                continue
            held = ", ".join(
                f"{self.cell(number, number, name)} AS d{i}" for i, name in enumerate(self.defaults)
            )
            items = ", ".join([*raw, *([held] if held else []), f"m{number} AS m", "rn", f"{number} AS k"])
            last = " QUALIFY row_number() OVER (PARTITION BY m ORDER BY rn DESC) = 1"
            parts.append(
                f"SELECT {items} FROM {tag}_s WHERE o{number}{last if step.output == 'last' else ''}"
            )
        if not parts:
            raise refuse("a scan whose steps put nothing out", self.node.pos)
        frm = (
            f"(WITH RECURSIVE {tag}_r AS MATERIALIZED ({rows}), {tag}_s AS (SELECT {', '.join(start)} UNION ALL {inner}) "
            f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY rn, k DESC) AS {tag}"
        )
        cols: list[Col] = []
        for i, name in enumerate(self.names):
            sql = f"{tag}.r{i}"
            cols.append(
                Col(name, Ex(sql, self.types[name], base=sql if self.types[name] == "dynamic" else ""))
            )
        for i, name in enumerate(self.defaults):
            sql = f"{tag}.d{i}"
            cols.append(
                Col(name, Ex(sql, self.types[name], base=sql if self.types[name] == "dynamic" else ""))
            )
        if self.node.match_id:
            cols.append(Col(self.node.match_id, Ex(f"{tag}.m", "long")))
        out = Rel(ids, cols, frm)
        out.sorted = True
        return out
