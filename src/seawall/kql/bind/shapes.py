"""Operators that change a table's shape: make-series, search, find."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.nested import Nested
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import NUMBERS, Ex, literal, quote, to_json, to_real, to_string
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.core import convert
from seawall.kql.tree import (
    Binary,
    Call,
    Evaluate,
    Expr,
    Lit,
    MakeSeries,
    MvApply,
    Name,
    Named,
    Node,
    Operator,
    Partition,
    Scan,
    Search,
    Star,
    TopNested,
    Wild,
)


class Shapes(Nested):
    """The part of the binder that changes a table's shape."""

    def shape_step(self, node: Operator, rel: Rel, env: Env) -> Rel:
        """Bind the operators of this module."""
        if isinstance(node, MvApply):
            return self.op_mv_apply(node, rel, env)
        if isinstance(node, Partition):
            return self.op_partition(node, rel, env)
        if isinstance(node, Evaluate):
            return self.op_evaluate(node, rel, env)
        if isinstance(node, MakeSeries):
            return self.op_make_series(node, rel, env)
        if isinstance(node, TopNested):
            return self.op_top_nested(node, rel, env)
        if isinstance(node, Search):
            return self.op_search(node, rel, env)
        if isinstance(node, Scan):
            return self.op_scan(node, rel, env)
        raise refuse(f"the operator {type(node).__name__.lower()}", node.pos)

    def other_source(self, node: Operator, env: Env) -> Rel:
        """Bind an operator that stands first."""
        if isinstance(node, Search):
            return self.op_search(node, None, env)
        raise refuse(f"{type(node).__name__.lower()} without a table before it", node.pos)

    # --- make-series ---------------------------------------------------------------------------------------

    def op_make_series(self, node: MakeSeries, rel: Rel, env: Env) -> Rel:
        """`make-series`: an array for each aggregate, one place for each step of the axis."""
        if self.part_columns(rel):
            raise refuse("make-series inside mv-apply or partition", node.pos)
        rel = self.once(rel).flush()
        scope = Scope(rel, env)
        axis = self.ex(node.axis, scope)
        axis_name = derived(node.axis) or "Column1"
        if axis.type not in ("datetime", "timespan") and axis.type not in NUMBERS - {"decimal"}:
            raise Fault(f"make-series takes no {axis.type} as its axis", node.pos)
        step = self.ex(node.step, scope)
        moment = axis.type in ("datetime", "timespan")
        if (step.type != "timespan") if moment else (step.type not in NUMBERS):
            raise Fault(f"a step over {axis.type} is no {step.type}", node.step.pos)
        width = step.sql
        start = self.bound(node.start, axis, rel, env, f"min({axis.sql})")
        stop = self.bound(node.stop, axis, rel, env, "")
        if node.start is None:
            floor = f"CASE WHEN {width} > 0 THEN floor(({start})::DOUBLE / {width}) * {width} END"
            start = f"({floor})::{'DOUBLE' if axis.type == 'real' else 'BIGINT'}"
            if axis.type != "real":
                start = f"(SELECT m - ((m % {width}) + {width}) % {width} FROM (SELECT min({axis.sql}) AS m FROM {rel.frm}))"
        if node.stop is None:
            last = f"(SELECT max({axis.sql}) FROM {rel.frm})"
            count = f"greatest(0, floor(({last} - {start})::DOUBLE / {width})::BIGINT + 1)"
        elif node.in_range:
            count = f"greatest(0, floor(({stop} - {start})::DOUBLE / {width})::BIGINT + 1)"
        else:
            count = f"greatest(0, ceil(({stop} - {start})::DOUBLE / {width})::BIGINT)"
        keys: list[Col] = []
        namer = Namer(numbers=self.numbers)
        for item in node.keys:
            value = self.ex(item, scope)
            keys.append(Col(namer.unique(derived(item)), value))
        self.groupable(keys, node.pos)
        place = f"floor(({axis.sql} - {start})::DOUBLE / {width})::BIGINT"
        grouped = Rel(self.ids, [*keys, Col("\0place", Ex(place, "long"))], rel.frm, {})
        grouped.where = [f"{axis.sql} IS NOT NULL", f"{axis.sql} >= {start}", f"{place} < {count}"]
        inner = Scope(rel, env, aggregate=True)
        values: list[Col] = []
        for item, _ in node.aggregates:
            self.add_aggregate(item, inner, values, namer)
        if len(values) != len(node.aggregates):
            raise refuse("an aggregate of several columns in make-series", node.pos)
        grouped = grouped.replace(
            [
                *keys,
                *[Col(f"\0v{i}", col.ex) for i, col in enumerate(values)],
                Col("\0place", Ex(place, "long")),
            ]
        )
        grouped.group = f" GROUP BY {', '.join([*(col.ex.sql for col in keys), place])}"
        flat = grouped.flush()
        at = flat.names["\0place"].ex.sql
        cols = [Col(col.name, flat.names[col.name].ex) for col in keys]
        for i, ((_, default), col) in enumerate(zip(node.aggregates, values, strict=True)):
            value = flat.names[f"\0v{i}"].ex
            fill = to_json(self.ex(default, scope)) if default is not None else "'null'"
            if default is None:
                fill = "'0.0'" if value.type == "real" else "'0'" if value.type in NUMBERS else "'null'"
            pairs = f"'[' || string_agg('[' || {at} || ',' || coalesce({to_json(value)}, 'null') || ']', ',') || ']'"
            sql = f"k_series_fill(coalesce({pairs}, '[]'), {count}, {fill})"
            cols.append(Col(col.name, Ex(sql, "dynamic", base=sql)))
        kind = (
            "datetime"
            if axis.type == "datetime"
            else "timespan"
            if axis.type == "timespan"
            else "real"
            if axis.type == "real" or step.type == "real"
            else "long"
        )
        axis_sql = (
            f"k_axis({start}::DOUBLE, {width}::DOUBLE, {count}, 'real')"
            if kind == "real"
            else f"k_axis_whole({start}, {width}, {count}, {quote(kind)})"
        )
        cols.append(Col(namer.unique(axis_name), Ex(axis_sql, "dynamic", base=axis_sql)))
        out = Rel(self.ids, cols, flat.frm)
        out.group = (
            f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}"
            if keys
            else (" HAVING count(*) > 0" if node.kind != "nonempty" else " HAVING true")
        )
        return out

    def bound(self, node: Expr | None, axis: Ex, rel: Rel, env: Env, absent: str) -> str:
        """Write one end of a series' axis."""
        if node is None:
            return f"(SELECT {absent} FROM {rel.frm})" if absent else ""
        value = self.ex(node, Scope(None, env))
        if value.type != axis.type and not (value.type in NUMBERS and axis.type in NUMBERS):
            raise Fault(f"an end of the axis is a {axis.type}, not a {value.type}", node.pos)
        return str(value.sql)

    # --- search and find -----------------------------------------------------------------------------------

    def op_search(self, node: Search, rel: Rel | None, env: Env) -> Rel:
        """`search` and `find`: over the tables that are named, or over all of them."""
        exact = node.kind == "case_sensitive"
        branches: list[tuple[str, Rel]] = []
        if rel is not None:
            branches.append((rel.source or "", rel))
        elif node.tables:
            for table in node.tables:
                if isinstance(table, Star | Wild):
                    from seawall.kql.tree import Union

                    branches.extend(
                        self.union_branch(table, env, Union(table.pos, "outer", "", False, ()), 0)
                    )
                else:
                    branches.append((derived(table), self.table_of(table, env)))
        else:
            for name in self.table_names():
                scan = self.scan_table(name, node.pos)
                if scan is not None:
                    branches.append((name, scan))
        if not branches:
            raise Fault("there is no table to search", node.pos)
        hits: list[tuple[str, Rel]] = []
        for label, one in branches:
            settled = one.settle()
            try:
                test = self.search_test(node.predicate, settled, env, exact=exact)
            except Fault as fault:
                if (
                    fault.kind == "semantic"
                    and len(branches) > 1
                    and fault.message.startswith("there is no column")
                ):
                    continue  # a table without the column has no rows to find
                raise
            found = settled.clone()
            found.where.append(test)
            hits.append((label, found))
        if not hits:
            raise Fault("no table has the columns of this predicate", node.pos)
        source = "$table" if node.mode == "search" else (node.with_source or "source_")
        if node.mode == "find" and node.project is not None:
            hits = [(label, self.find_project(node.project, one, env)) for label, one in hits]
        elif node.mode == "find":
            hits = self.find_smart(node, hits, env)
        return self.unite(hits, source, inner=False, pos=node.pos)

    def find_smart(self, node: Search, hits: list[tuple[str, Rel]], env: Env) -> list[tuple[str, Rel]]:
        """Bind `find` without columns: those that the predicate names, those that all tables have, the rest packed."""
        common = set.intersection(*({col.name for col in rel.visible} for _, rel in hits))
        shown = common | _names_in(node.predicate)
        packed = any(col.name not in shown for _, rel in hits for col in rel.visible)
        out: list[tuple[str, Rel]] = []
        for label, rel in hits:
            cols = [col for col in rel.visible if col.name in shown]
            if packed:
                rest = [Name(node.pos, col.name) for col in rel.visible if col.name not in shown]
                pairs: list[Expr] = [
                    part for name in rest for part in (Lit(node.pos, "string", name.name), name)
                ]
                cols.append(
                    Col("pack_", self.ex(Call(node.pos, "bag_pack", tuple(pairs)), Scope(rel, env)))
                    if pairs
                    else Col("pack_", literal({}, "dynamic"))
                )
            out.append((label, rel.replace(cols)))
        return out

    def find_project(self, items: tuple[Expr, ...], rel: Rel, env: Env) -> Rel:
        """Bind `find ... project`: columns that a table lacks are null there."""
        cols: list[Col] = []
        for item in items:
            node = item.value if isinstance(item, Named) else item
            type_ = item.names[0] if isinstance(item, Named) else ""
            if isinstance(node, Call):
                value = self.ex(Call(node.pos, "pack_all", ()), Scope(rel, env))
                cols.append(Col("pack_", value))
                continue
            if not isinstance(node, Name):
                raise Fault("a column name is expected here", item.pos)
            col = rel.names.get(node.name)
            if col is None and not type_:
                continue
            value = col.ex if col is not None else literal(None, type_)
            cols.append(
                Col(
                    node.name,
                    Ex(convert(value, type_, item.pos), type_) if type_ and value.type != type_ else value,
                )
            )
        return rel.replace(cols)

    def search_test(self, node: Expr, rel: Rel, env: Env, *, exact: bool) -> str:
        """Bind a search predicate: a bare text looks into every column."""
        if isinstance(node, Lit):
            return self.anywhere(node, rel, exact=exact)
        if isinstance(node, Star):
            return "true"
        if isinstance(node, Binary) and node.op in ("and", "or"):
            left = self.search_test(node.left, rel, env, exact=exact)
            right = self.search_test(node.right, rel, env, exact=exact)
            return f"({left} {node.op.upper()} {right})"
        if isinstance(node, Call) and node.name == "not" and len(node.args) == 1:
            return f"(NOT coalesce({self.search_test(node.args[0], rel, env, exact=exact)}, false))"
        if (
            isinstance(node, Binary)
            and node.op == "has"
            and isinstance(node.right, Lit)
            and isinstance(node.right.value, str)
            and "*" in node.right.value
        ):
            value = self.ex(node.left, Scope(rel, env))
            return wildcard(to_string(value), node.right.value, exact=exact)
        return str(self.test(node, Scope(rel, env), filtering=True))

    def anywhere(self, node: Lit, rel: Rel, *, exact: bool) -> str:
        """Write the search of a text in all columns, by term, with * as a wildcard."""
        text = (
            node.value
            if isinstance(node.value, str)
            else to_string(literal(node.value, node.type)).strip("'")
        )
        if text == "*":
            return "true"
        parts = [
            wildcard(to_string(col.ex), text, exact=exact)
            for col in rel.visible
            if col.ex.type in ("string", "dynamic", "guid") or not isinstance(node.value, str)
        ]
        return "(" + " OR ".join(parts or ["false"]) + ")"

    def op_scan(self, node: Scan, rel: Rel, env: Env) -> Rel:
        """`scan`."""
        from seawall.kql.bind.scan import scan

        return scan(self, node, rel, env)


def _names_in(node: object) -> set[str]:
    """Collect the names that stand anywhere in a tree."""
    if isinstance(node, Name):
        return {node.name}
    if isinstance(node, tuple):
        return set().union(*map(_names_in, node))
    if isinstance(node, Node):
        return set().union(*(_names_in(getattr(node, field)) for field in node.__struct_fields__))
    return set()


def wildcard(sql: str, text: str, *, exact: bool) -> str:
    """Write a search term: `abc` is a term, `abc*` a prefix of one, `*abc` a suffix, `*abc*` anything within."""
    from seawall.kql.bind.compare import folded, term

    lead, trail = not text.startswith("*"), not text.endswith("*")
    inner = text.strip("*")
    if "*" in inner:
        pieces = [piece for piece in inner.split("*") if piece]
        from seawall.kql.bind.compare import TERM_END, TERM_START, _escape

        flag = "" if exact else "(?i)"
        pattern = (
            (TERM_START if lead else "")
            + ".*?".join(_escape(piece) for piece in pieces)
            + (TERM_END if trail else "")
        )
        return f"regexp_matches({sql}, {quote('(?s)' + flag + pattern)})"
    needle = literal(inner, "string")
    if not lead and not trail:
        return (
            f"contains({sql}, {needle.sql})"
            if exact
            else f"contains(lower({sql}), {folded(needle.sql, needle)})"
        )
    return term(sql, needle, needle.sql, exact=exact, lead=lead, trail=trail)


__all__ = ["Any", "Shapes", "to_real"]
