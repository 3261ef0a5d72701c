"""`top-nested`: the best values of each level within every value of the level above, and what is left over.

Source: the documentation's page on top-nested (the example with `with others` on two of three levels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.parts import Parts
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import NUMBERS, SQL_TYPES, Ex
from seawall.kql.errors import Fault, Whole
from seawall.kql.functions.core import convert
from seawall.kql.tree import Named, TopLevel, TopNested

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST_LEVELS = 16
"""Each level reads all those above: more would take longer to plan than to answer."""


class _Level:
    """One level, bound: the value that it groups by, the aggregate that ranks, what others are called."""

    __slots__ = ("label", "name", "node", "others", "total", "value")

    def __init__(
        self, node: TopLevel, name: str, label: str, value: Ex, total: Ex, others: Ex | None
    ) -> None:
        self.node = node
        self.name = name
        self.label = label
        self.value = value
        self.total = total
        self.others = others

    def shown(self, value: Ex, total: Ex) -> list[Col]:
        """Give its two columns."""
        return [Col(self.name, value), Col(self.label, total)]


class Nested(Parts):
    """The part of the binder that reads `top-nested`."""

    def op_top_nested(self, node: TopNested, rel: Rel, env: Env) -> Rel:
        """Bind `top-nested`."""
        if self.part_columns(rel):
            raise Whole("top-nested inside mv-apply or partition", node.pos)
        if len(node.levels) > MOST_LEVELS:
            raise Fault(f"top-nested with more than {MOST_LEVELS} levels", node.pos, kind="limit")
        rel = self.once(rel).flush()
        levels = self.levels(node, rel, env)
        branches: list[Rel] = []
        chain: Rel | None = None
        ordering: list[str] = []
        for depth, level in enumerate(levels):
            above = levels[:depth]
            tops = self.tops(level, above, rel, env)
            below = levels[depth:]
            if level.node.count is not None and any(one.others is not None for one in below):
                branches.append(self.left_over(above, below, tops, chain, rel))
            cols = level.shown(tops.names[level.name].ex, tops.names["\0total"].ex)
            if chain is None:
                chain = Rel(self.ids, cols, tops.frm)
            else:
                chain = Rel(
                    self.ids,
                    [*chain.cols, *cols],
                    f"{chain.frm} JOIN {tops.frm} ON {_meet(above, chain, tops)}",
                )
            ordering.append(f"{cols[1].ex.sql} {'DESC' if level.node.descending else 'ASC'}")
        if chain is None:
            raise Fault("top-nested needs a level", node.pos, kind="syntax")
        chain.order = " ORDER BY " + ", ".join(ordering)
        if not branches:
            return chain
        return self.unite([("", one) for one in [chain, *branches]], "", inner=False, pos=node.pos)

    def levels(self, node: TopNested, rel: Rel, env: Env) -> list[_Level]:
        """Bind each level's expressions over the rows that come in."""
        out: list[_Level] = []
        namer = Namer(numbers=self.numbers)
        for level in node.levels:
            value = self.ex(level.column, Scope(rel, env))
            name = namer.unique(derived(level.column))
            named = level.aggregate if isinstance(level.aggregate, Named) else None
            total = self.ex(named.value if named else level.aggregate, Scope(rel, env, aggregate=True))
            label = namer.unique(named.names[0] if named else f"aggregated_{name}")
            others = None
            if level.others is not None:
                constant = self.ex(level.others, Scope(None, env))
                if constant.type != value.type and not (constant.type in NUMBERS and value.type in NUMBERS):
                    raise Fault(
                        f"the others of {name!r}, a {value.type}, cannot be named by a {constant.type}",
                        level.others.pos,
                    )
                others = Ex(convert(constant, value.type, level.others.pos), value.type)
            out.append(_Level(level, name, label, value, total, others))
        return out

    def tops(self, level: _Level, above: Sequence[_Level], rel: Rel, env: Env) -> Rel:
        """Rank the values of a level within each value of the levels above: those that stay."""
        keys = [*above, level]
        grouped = Rel(
            self.ids, [*(Col(one.name, one.value) for one in keys), Col("\0total", level.total)], rel.frm
        )
        grouped.group = " GROUP BY " + ", ".join(one.value.sql for one in keys)
        flat = grouped.flush()
        if level.node.count is None:
            return flat
        count = self.row_count(level.node.count, env, "top-nested")
        by = ", ".join(flat.names[one.name].ex.sql for one in above)
        way = "DESC NULLS LAST" if level.node.descending else "ASC NULLS FIRST"
        rank = f"row_number() OVER ({f'PARTITION BY {by} ' if by else ''}ORDER BY {flat.names[chr(0) + 'total'].ex.sql} {way})"
        ranked = flat.replace([*flat.cols, Col("\0rank", Ex(rank, "long"))]).flush()
        ranked.where = [f"{ranked.names[chr(0) + 'rank'].ex.sql} <= {count}"]
        return ranked.flush()

    def left_over(
        self, above: Sequence[_Level], below: Sequence[_Level], tops: Rel, chain: Rel | None, rel: Rel
    ) -> Rel:
        """Gather the rows that did not make it to the top of a level: one record for each value of those above.

        Levels below that have a name for others show it and their aggregate over all these rows; the rest is empty.
        """
        keys = [*above, below[0]]
        totals = [Col(f"\0total{i}", one.total) for i, one in enumerate(below) if one.others is not None]
        gathered = Rel(self.ids, [*(Col(one.name, one.value) for one in above), *totals], rel.frm)
        same = " AND ".join(_same(one.value.sql, tops.names[one.name].ex.sql) for one in keys)
        gathered.where = [f"NOT EXISTS (SELECT 1 FROM {tops.frm} WHERE {same})"]
        if above:
            gathered.group = " GROUP BY " + ", ".join(one.value.sql for one in above)
        else:
            gathered.group = " HAVING count(*) > 0"
        rest = gathered.flush()
        cols: list[Col] = list(chain.cols) if chain is not None else []
        for i, one in enumerate(below):
            if one.others is None:
                cols.extend(one.shown(_empty(one.value), _empty(one.total)))
            else:
                cols.extend(one.shown(one.others, rest.names[f"\0total{i}"].ex))
        if chain is None:
            return Rel(self.ids, cols, rest.frm)
        return Rel(self.ids, cols, f"{chain.frm} JOIN {rest.frm} ON {_meet(above, chain, rest)}")


def _empty(ex: Ex) -> Ex:
    return Ex("''" if ex.type == "string" else f"NULL::{SQL_TYPES[ex.type]}", ex.type)


def _meet(levels: Sequence[_Level], left: Rel, right: Rel) -> str:
    return " AND ".join(_same(left.names[one.name].ex.sql, right.names[one.name].ex.sql) for one in levels)


def _same(a: str, b: str) -> str:
    return f"{a} IS NOT DISTINCT FROM {b}"
