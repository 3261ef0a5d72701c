"""Operators over one table: where, summarize, sort, take, top, count, serialize, getschema ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.prelude import in_place
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import INTEGERS, Ex, quote, to_long, to_string
from seawall.kql.errors import Fault, Whole
from seawall.kql.tree import (
    Call,
    CountRows,
    Dot,
    Expr,
    GetSchema,
    Name,
    Named,
    Project,
    SampleDistinct,
    Serialize,
    Sort,
    SortKey,
    Summarize,
    Take,
    Top,
    TopHitters,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

from seawall.kql.bind.projecting import PART, Projecting, forget


class Operators(Projecting):
    """The part of the binder that reads operators over one table.

    Inside mv-apply and partition a table carries `part`: what would be done over all rows is then done for
    each value of it.
    """

    def op_where(self, node: Where, rel: Rel, env: Env) -> Rel:
        """`where`."""
        rel = self.prelude((node.predicate,), rel.settle(), env)
        if isinstance(node.predicate, Name | Dot) and not self.lenient:
            bare = self.ex(node.predicate, Scope(rel, env))
            if bare.type == "dynamic":
                raise Fault(
                    "a dynamic value cannot stand where a bool is expected",
                    node.predicate.pos,
                    hint="use tobool(...), or compare it",
                )
        test = self.test(node.predicate, Scope(rel, env, serial=rel.sorted), filtering=True)
        if " OVER (" in test:
            # A window sees the rows before this filter, so it is computed in a subquery of its own.
            rel = in_place(rel.replace([*rel.cols, Col("\0test", Ex(test, "bool"))])).flush()
            hidden = rel.cols.pop()
            rel.names.pop("\0test")
            rel.where = [hidden.ex.sql]
            return rel
        out = rel.clone()
        out.where.append(test)
        return out

    # --- summarize -----------------------------------------------------------------------------------------

    def op_summarize(self, node: Summarize, rel: Rel, env: Env) -> Rel:
        """`summarize`."""
        rel = rel.settle()
        scope = Scope(rel, env)
        keys: list[Col] = []
        namer = Namer(numbers=self.numbers)
        for item in node.keys:
            value = self.ex(item, scope)
            keys.append(Col(self.named(item, rel, namer), forget(value)))
        self.groupable(keys, node.pos)
        if not node.aggregates and not keys:
            raise Fault("summarize needs aggregates or keys", node.pos, kind="syntax")
        # `*` in arg_max leaves out the columns that are keys themselves, not those that a key is made of.
        plain = (item.value if isinstance(item, Named) else item for item in node.keys)
        self.group_names = frozenset(item.name for item in plain if isinstance(item, Name))
        inner = Scope(rel, env, aggregate=True)
        cols = list(keys)
        for item in node.aggregates:
            self.add_aggregate(item, inner, cols, namer)
        self.group_names = frozenset()
        out = Rel(rel.ids, cols, rel.frm)
        out.where = list(rel.where)
        parts = self.part_columns(rel)
        if keys or parts:
            out.group = " GROUP BY " + ", ".join(
                [str(i + 1) for i in range(len(keys))] + [part.ex.sql for part in parts]
            )
            if not node.aggregates:
                out.distinct = False
        else:
            out.group = " HAVING true"
        return out.replace([*cols, *parts]) if parts else out

    group_names: frozenset[str] = frozenset()

    def add_aggregate(self, item: Expr, scope: Scope, cols: list[Col], namer: Namer) -> None:
        """Bind one item before `by` and append its columns."""
        value = item.value if isinstance(item, Named) else item
        names = item.names if isinstance(item, Named) else ()
        if isinstance(value, Call) and scope.env.find(value.name) is None:
            many = self.aggregate_many(value, scope)
            if many is not None:
                for index, (name, ex) in enumerate(many):
                    given = names[index] if index < len(names) else ""
                    cols.append(Col(namer.claim(given, item.pos) if given else namer.unique(name), ex))
                return
        if len(names) > 1:
            raise Fault("this aggregate gives one column", item.pos)
        ex = self.ex(value, scope)
        name = namer.claim(names[0], item.pos) if names else namer.unique(derived(value))
        cols.append(Col(name, ex))

    # --- order and count -----------------------------------------------------------------------------------

    def sort_terms(self, keys: Sequence[SortKey], rel: Rel, env: Env) -> str:
        """Write ORDER BY terms: descending by default; nulls are the smallest."""
        terms: list[str] = []
        scope = Scope(rel, env, serial=rel.sorted)
        for key in keys:
            value = self.ex(key.value, scope)
            if value.type == "dynamic":
                if not self.lenient:
                    raise Fault(
                        "a dynamic value cannot be sorted by",
                        key.pos,
                        hint="convert it: tostring(...), tolong(...)",
                    )
                value = Ex(to_string(value), "string")
            sql = f"k_decimal_key({value.sql})" if value.type == "decimal" else value.sql
            if value.known:
                sql = f"({sql} || '')" if value.type == "string" else f"({sql})"
            nulls = key.nulls or ("last" if key.descending else "first")
            if value.type == "real" and not value.rep and not value.known:
                # NaN stands beside the nulls, between them and the numbers (docs: sort, special floating-point values).
                group = f"CASE WHEN {sql} IS NULL THEN 0 WHEN isnan({sql}) THEN 1 ELSE 2 END"
                terms.append(f"{group} {'ASC' if nulls == 'first' else 'DESC'}")
            terms.append(f"{sql} {'DESC' if key.descending else 'ASC'} NULLS {nulls.upper()}")
        return ", ".join(terms)

    def op_sort(self, node: Sort, rel: Rel, env: Env) -> Rel:
        """`sort by`."""
        rel = rel.settle()
        terms = self.sort_terms(node.keys, rel, env)
        parts = ", ".join(part.ex.sql for part in self.part_columns(rel))
        out = rel.clone()
        out.order = f" ORDER BY {parts + ', ' if parts else ''}{terms}"
        out.sorted = True
        return out

    def row_count(self, node: Expr, env: Env, what: str) -> str:
        """Write a number of rows."""
        value = self.ex(node, Scope(None, env))
        if value.type not in INTEGERS and value.type not in ("real", "dynamic"):
            raise Fault(f"{what} takes a number", node.pos)
        if value.known and isinstance(value.const, int | float):
            return str(max(0, int(value.const)))
        return f"greatest(0, {to_long(value)})"

    def op_take(self, node: Take, rel: Rel, env: Env) -> Rel:
        """`take` and `sample`."""
        count = self.row_count(node.count, env, node.mode)
        parts = self.part_columns(rel)
        if parts:
            rel = rel.flush() if rel.closed else rel
            order = "random()" if node.mode == "sample" else ""
            if rel.sorted and not order:
                rel = rel.replace([*rel.cols, Col("\0place", Ex("row_number() OVER ()", "long"))]).flush()
                order = rel.names["\0place"].ex.sql
                rel = rel.replace([col for col in rel.cols if col.name != "\0place"])
            return self.ranked(rel, order, self.part_columns(rel), count)
        out = rel.flush() if rel.limit or rel.distinct or rel.group else rel.clone()
        if node.mode == "sample":
            out = rel.flush().clone()
            out.order = " ORDER BY random()"
        out.limit = f" LIMIT {count}"
        return out

    def ranked(self, rel: Rel, order: str, parts: Sequence[Col], count: str) -> Rel:
        """Keep the first rows of each part."""
        by = ", ".join(part.ex.sql for part in parts)
        rank = f"row_number() OVER (PARTITION BY {by}{' ORDER BY ' + order if order else ''})"
        inner = rel.replace([*rel.cols, Col("\0rank", Ex(rank, "long"))]).flush()
        hidden = inner.cols.pop()
        inner.names.pop("\0rank")
        inner.where = [f"{hidden.ex.sql} <= {count}"]
        return inner

    def op_top(self, node: Top, rel: Rel, env: Env) -> Rel:
        """`top n by`."""
        rel = rel.settle()
        terms = self.sort_terms(node.keys, rel, env)
        count = self.row_count(node.count, env, "top")
        parts = self.part_columns(rel)
        if parts:
            return self.ranked(rel, terms, parts, count)
        out = rel.clone()
        out.order = f" ORDER BY {terms}"
        out.limit = f" LIMIT {count}"
        out.sorted = True
        return out

    def op_count(self, node: CountRows, rel: Rel, env: Env) -> Rel:
        """`count`."""
        del env
        rel = rel.flush() if rel.closed else rel
        parts = self.part_columns(rel)
        out = Rel(rel.ids, [Col(node.name, Ex("count(*)", "long")), *parts], rel.frm)
        out.where = list(rel.where)
        out.group = " GROUP BY " + ", ".join(part.ex.sql for part in parts) if parts else " HAVING true"
        return out

    def op_sample_distinct(self, node: SampleDistinct, rel: Rel, env: Env) -> Rel:
        """`sample-distinct n of column`."""
        if self.part_columns(rel):
            raise Whole("sample-distinct inside mv-apply or partition", node.pos)
        out = self.distinct(Project(node.pos, "distinct", (node.column,)), rel, env).flush()
        out.limit = f" LIMIT {self.row_count(node.count, env, 'sample-distinct')}"
        return out

    def op_top_hitters(self, node: TopHitters, rel: Rel, env: Env) -> Rel:
        """`top-hitters n of column [by expression]`: exact here."""
        if self.part_columns(rel):
            raise Whole("top-hitters inside mv-apply or partition", node.pos)
        rel = rel.settle()
        scope = Scope(rel, env)
        value = self.ex(node.column, scope)
        name = derived(node.column) or "Column1"
        if node.by is None:
            total, label = Ex("count(*)", "long"), f"approximate_count_{name}"
        else:
            by = self.ex(node.by, scope)
            total, label = (
                Ex(
                    f"coalesce(sum({by.sql}), 0)::{'DOUBLE' if by.type == 'real' else 'BIGINT'}",
                    "real" if by.type == "real" else "long",
                ),
                f"approximate_sum_{derived(node.by)}",
            )
        out = Rel(rel.ids, [Col(name, value), Col(label, total)], rel.frm)
        out.where = list(rel.where)
        out.group = " GROUP BY 1"
        out.order = " ORDER BY 2 DESC"
        out.limit = f" LIMIT {self.row_count(node.count, env, 'top-hitters')}"
        out.sorted = True
        return out

    def op_serialize(self, node: Serialize, rel: Rel, env: Env) -> Rel:
        """`serialize`: from here on the order counts."""
        out = rel.clone()
        out.sorted = True
        if not node.items:
            return out
        out = self.prelude(node.items, out.settle(), env)
        scope = Scope(out, env, serial=True)
        namer = Namer({col.name for col in out.visible}, self.numbers)
        cols = list(out.visible)
        for item in node.items:
            value = self.ex(item, scope)
            if not isinstance(item, Name):
                # A name that is there gets a number: nothing is replaced here (measured on the analyser).
                cols.append(Col(self.named(item, out, namer), value))
        return self.windowed(out.arranged(cols))

    def op_getschema(self, node: GetSchema, rel: Rel, env: Env) -> Rel:
        """`getschema`."""
        del node, env
        rows = ", ".join(
            f"({quote(col.name)}, {i}::BIGINT, {quote(DOTNET[col.ex.type])}, {quote(col.ex.type)})"
            for i, col in enumerate(rel.cols)
        )
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        frm = f"(VALUES {rows}) AS {alias}(a, b, c, d)"
        names = (
            ("ColumnName", "a", "string"),
            ("ColumnOrdinal", "b", "long"),
            ("DataType", "c", "string"),
            ("ColumnType", "d", "string"),
        )
        return Rel(self.ids, [Col(name, Ex(f"{alias}.{sql}", type_)) for name, sql, type_ in names], frm)


DOTNET = {
    "bool": "System.SByte", "int": "System.Int32", "long": "System.Int64", "real": "System.Double",
    "string": "System.String", "datetime": "System.DateTime", "timespan": "System.TimeSpan", "guid": "System.Guid",
    "decimal": "System.Data.SqlTypes.SqlDecimal", "dynamic": "System.Object",
}  # fmt: skip

__all__ = ["DOTNET", "PART", "Operators"]
