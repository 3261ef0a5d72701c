"""Unions, and the sources of tables: names, print, range, datatable ..."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

from seawall.kql.bind.joins import Joins
from seawall.kql.bind.names import Namer
from seawall.kql.bind.relation import Col, Rel, types_of
from seawall.kql.bind.scope import Env, FunctionLet, Scope, TableLet
from seawall.kql.bind.values import NUMBERS, SQL_TYPES, Ex, literal, quote, to_json, to_string
from seawall.kql.errors import Fault, Whole, refuse
from seawall.kql.facts import near
from seawall.kql.functions.core import convert
from seawall.kql.tree import (
    Call,
    DataTable,
    Dot,
    Expr,
    Name,
    Named,
    Pipeline,
    Print,
    RangeOp,
    Star,
    Sub,
    Union,
    Wild,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_READ = 512
"""How often tables of `let` may stand in a query once each is written out: they may name each other twice over."""


class Tables(Joins):
    """The part of the binder that reads unions and sources."""

    scan_table: Callable[[str, int], Rel | None]
    scans: dict[int, str]
    table_names: Callable[[], list[str]]
    once: Callable[..., Rel]
    kept: Callable[..., Rel | None]
    tables_read: int

    # --- union ---------------------------------------------------------------------------------------------

    def op_union(self, node: Union, rel: Rel | None, env: Env) -> Rel:
        """`union`: columns by name; those of different types are told apart as `name_type`."""
        branches: list[tuple[str, Rel]] = []
        if rel is not None:
            branches.append((rel.source or "union_arg0", rel))
        for table in node.tables:
            branches.extend(self.union_branch(table, env, node, len(branches)))
        if not branches:
            raise Fault("this union has no table", node.pos)
        if any(self.part_columns(one) for _, one in branches):
            raise Whole("union inside mv-apply or partition", node.pos)
        return self.unite(branches, node.with_source, inner=node.kind == "inner", pos=node.pos)

    def union_branch(self, table: Expr, env: Env, node: Union, index: int) -> list[tuple[str, Rel]]:
        """Bind one branch; a pattern gives several."""
        if isinstance(table, Star | Wild):
            pattern = "*" if isinstance(table, Star) else table.pattern
            regex = re.compile(
                fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE if self.lenient else 0
            )
            names = [name for name in self.all_tables(env) if regex.match(name)]
            if not names and not node.fuzzy:
                raise Fault(f"no table is called {pattern!r}", table.pos)
            return [(name, self.table_of(Name(table.pos, name), env)) for name in names]
        label = f"union_arg{index}"
        if isinstance(table, Name):
            found = env.find(table.name)
            if found is None or (isinstance(found, FunctionLet) and found.body.view):
                label = table.name
        try:
            return [(label, self.table_of(table, env))]
        except Fault as fault:
            if node.fuzzy and fault.message.startswith("there is no table"):
                return []
            raise

    def all_tables(self, env: Env) -> list[str]:
        """Name the tables of the database and the views of the query."""
        views = env.views()
        return [*views, *(name for name in self.table_names() if name not in views)]

    def unite(self, branches: list[tuple[str, Rel]], source: str, *, inner: bool, pos: int) -> Rel:
        """Write UNION ALL over branches, columns matched by name and type."""
        types = types_of(col for _, rel in branches for col in rel.cols)
        if inner:
            types = {
                name: kinds
                for name, kinds in types.items()
                if len(kinds) == 1 and all(name in rel.names for _, rel in branches)
            }
        columns: list[tuple[str, str, str]] = []
        for name, kinds in types.items():
            columns.extend((name, kind, f"{name}_{kind}" if len(kinds) > 1 else name) for kind in kinds)
        # A name that a type was put behind gives way to a column that is called so (docs: union, types mismatch).
        plain = {shown for name, _, shown in columns if shown == name}
        namer = Namer({source, *plain} if source else plain)
        names = [shown if shown == name else namer.unique(shown) for name, _, shown in columns]
        parts: list[str] = []
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        ids = [f"u{alias}_{i}" for i in range(len(columns) + (1 if source else 0))]
        if source and source in {shown for _, _, shown in columns}:
            raise Fault(f"a column {source!r} is already there", pos)
        for label, one in branches:
            rel = one.flush() if one.closed else one
            items = [f"{quote(label)} AS {ids[0]}"] if source else []
            for column_id, (name, kind, _) in zip(ids[1 if source else 0 :], columns, strict=True):
                found = rel.names.get(name)
                if found is not None and found.ex.type == kind:
                    items.append(f"{to_json(found.ex) if kind == 'dynamic' else found.ex.sql} AS {column_id}")
                else:
                    items.append(
                        f"{quote('') if kind == 'string' else f'NULL::{SQL_TYPES[kind]}'} AS {column_id}"
                    )
            parts.append(f"SELECT {', '.join(items) or '1'}{rel.tail()}")
        cols: list[Col] = [Col(source, Ex(f"{alias}.{ids[0]}", "string"))] if source else []
        for column_id, name, (_, kind, _) in zip(ids[1 if source else 0 :], names, columns, strict=True):
            sql = f"{alias}.{column_id}"
            cols.append(Col(name, Ex(sql, kind, base=sql if kind == "dynamic" else "")))
        return Rel(self.ids, cols, f"({' UNION ALL '.join(parts)}) AS {alias}")

    # --- sources -------------------------------------------------------------------------------------------

    def is_tabular(self, node: Expr | Pipeline, env: Env) -> bool:
        """Tell whether an expression stands for a table."""
        if isinstance(node, Pipeline):
            if node.steps or not isinstance(node.source, Expr):
                return True
            return self.is_tabular(node.source, env)
        if isinstance(node, Sub):
            return self.is_tabular(node.query, env)
        if isinstance(node, Name):
            found = env.find(node.name)
            if found is not None:
                return isinstance(found, TableLet) or (
                    isinstance(found, FunctionLet) and self.gives_table(found)
                )
            return self.scan_table(node.name, -1) is not None
        if isinstance(node, Call):
            if node.name in ("materialize", "table", "view", ".materialize"):
                return True
            found = env.find(node.name)
            return isinstance(found, FunctionLet) and self.gives_table(found)
        return False

    def gives_table(self, function: FunctionLet) -> bool:
        """Tell whether a function gives a table."""
        result = function.body.result
        if isinstance(result, Pipeline):
            return True
        env = Env(function.env)
        for param in function.body.params:
            env.names[param.name] = TableLet(None, env) if param.table else literal(None, param.type)
        for statement in function.body.body:
            name = getattr(statement, "name", "")
            value = getattr(statement, "value", None)
            if isinstance(value, Expr | Pipeline):
                env.names[name] = (
                    TableLet(value, env) if self.is_tabular(value, env) else literal(None, "dynamic")
                )
        return self.is_tabular(result, env)

    def table_of(self, node: Expr | Pipeline, env: Env) -> Rel:
        """Bind something that stands for a table."""
        self.depth += 1
        if self.depth > 60:
            raise Fault("tables refer to each other more than 60 levels deep", node.pos, kind="limit")
        try:
            return self._table_of(node, env)
        finally:
            self.depth -= 1

    def _table_of(self, node: Expr | Pipeline, env: Env) -> Rel:
        if isinstance(node, Pipeline):
            return self.pipeline(node, env)
        if isinstance(node, Sub):
            return self.pipeline(node.query, env)
        if isinstance(node, Name):
            return self.named_table(node, env)
        if isinstance(node, Call):
            return self.called_table(node, env)
        if isinstance(node, Dot):
            raise refuse("a table of another cluster or database", node.pos)
        raise Fault("a table is expected here", node.pos)

    def named_table(self, node: Name, env: Env) -> Rel:
        """Resolve a table's name: a `let` first, then the database."""
        found = env.find(node.name)
        if isinstance(found, TableLet):
            return self.let_table(found)
        if isinstance(found, FunctionLet):
            out = self.call_function(found, Call(node.pos, node.name, ()), Scope(None, env))
            if isinstance(out, Rel):
                return out
        if found is not None:
            raise Fault(f"{node.name!r} is a value: a table is expected here", node.pos)
        rel = self.scan_table(node.name, node.pos)
        if rel is None:
            names = self.table_names()
            raise Fault(
                f"there is no table {node.name!r}",
                node.pos,
                hint=near(node.name, names) or (f"tables: {', '.join(names[:30])}" if names else ""),
            )
        return rel

    def let_table(self, found: TableLet) -> Rel:
        """Bind what a `let` name stands for."""
        if found.rel is not None:
            return found.rel.clone()
        if found.query is None:
            raise Fault("this table is not known here")
        self.tables_read += 1
        if self.tables_read > MOST_READ:
            raise Fault(
                f"the tables that `let` names are read more than {MOST_READ} times",
                found.query.pos,
                kind="limit",
                hint="tables that are made of themselves twice over double each time",
            )
        # Its columns are numbered as where it was written, however often it is used.
        here, self.numbers.last = self.numbers.last, found.number
        out = self.table_of(found.query, found.env)
        self.numbers.last = here
        out.source = ""
        return out

    def called_table(self, node: Call, env: Env) -> Rel:
        """Bind a call that gives a table."""
        if node.name in ("materialize", "view") and len(node.args) == 1:
            if node.name == "view":
                return self.table_of(node.args[0], env)
            kept = self.kept(node, env)
            return kept if kept is not None else self.once(self.table_of(node.args[0], env), node, env)
        if node.name == "table" and node.args:
            name = self.constant(node.args[0], Scope(None, env), "a table's name")
            return self.named_table(Name(node.pos, str(name)), Env())
        if node.name in (
            "cluster",
            "database",
            ".database",
            "external_table",
            "materialized_view",
            ".table",
            "workspace",
            "adx",
            "arg",
            "app",
            "entity_group",
            "stored_query_result",
            "graph",
        ):
            raise refuse(
                f"{node.name.lstrip('.')}()",
                node.pos,
                "there is one database here, and its tables are called by name",
            )
        found = env.find(node.name)
        if isinstance(found, FunctionLet):
            out = self.call_function(found, node, Scope(None, env))
            if isinstance(out, Rel):
                return out
            raise Fault(f"{node.name}() gives a value: a table is expected here", node.pos)
        raise Fault(f"there is no function {node.name}() that gives a table", node.pos)

    def op_print(self, node: Print, env: Env) -> Rel:
        """`print`."""
        scope = Scope(None, env)
        namer = Namer()
        cols: list[Col] = []
        for index, item in enumerate(node.items):
            many = self.several(item, scope)
            if isinstance(item, Named):
                many = many[: len(item.names)]
            if len(many) > 1 or (many and isinstance(item, Named)):  # one sorted array is a value as any
                cols.extend(Col(namer.unique(name), ex) for _, name, ex in many)
                continue
            value = self.ex(item, scope)
            name = item.names[0] if isinstance(item, Named) else f"print_{index}"
            cols.append(Col(namer.unique(name), value))
        return Rel(self.ids, cols, "")

    def op_range(self, node: RangeOp, env: Env) -> Rel:
        """`range name from start to stop step step`: the end is included."""
        scope = Scope(None, env)
        start, stop, step = self.ex(node.start, scope), self.ex(node.stop, scope), self.ex(node.step, scope)
        for value in (start, stop, step):
            if value.type == "dynamic":
                raise Fault("range takes no dynamic values", node.pos)
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        if start.type in ("datetime", "timespan"):
            if step.type != "timespan" or stop.type != start.type:
                raise Fault(f"a range of {start.type} takes a {start.type} and a timespan", node.pos)
            type_ = start.type
        elif start.type in NUMBERS and stop.type in NUMBERS and step.type in NUMBERS:
            kinds = {start.type, stop.type, step.type}
            if "decimal" in kinds:
                raise refuse("a range of decimals", node.pos)
            type_ = "real" if "real" in kinds else "int" if kinds == {"int"} else "long"
        else:
            raise Fault("range takes numbers, datetimes or timespans of one type", node.pos)
        a, b, c = start.sql, stop.sql, step.sql
        if type_ == "real":
            count = f"CASE WHEN {c} = 0 THEN 0 ELSE least(greatest(floor(({b} - {a}) / {c} + 1e-9) + 1, 0), {MAX_RANGE}) END::BIGINT"
            return Rel(
                self.ids,
                [Col(node.name, Ex(f"({a} + {alias}.i * {c})::DOUBLE", "real"))],
                f"range({count}) AS {alias}(i)",
            )
        count = f"CASE WHEN {c} = 0 OR {a} IS NULL OR {b} IS NULL OR {c} IS NULL THEN 0 ELSE least(greatest(({b} - {a}) // nullif({c}, 0) + CASE WHEN ({b} - {a} >= 0) = ({c} > 0) OR {a} = {b} THEN 1 ELSE 0 END, 0), {MAX_RANGE}) END::BIGINT"
        out = Rel(
            self.ids, [Col(node.name, Ex(f"({a} + {alias}.i * {c})", type_))], f"range({count}) AS {alias}(i)"
        )
        out.sorted = True
        return out

    def op_datatable(self, node: DataTable, env: Env) -> Rel:
        """`datatable`."""
        scope = Scope(None, env)
        width = len(node.columns)
        rows: list[str] = []
        row: list[str] = []
        for index, item in enumerate(node.values):
            type_ = node.columns[index % width][1]
            row.append(cell(self.ex(item, scope), type_, item.pos))
            if len(row) == width:
                rows.append(f"({', '.join(row)})")
                row = []
        namer = Namer()
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        ids = [f"d{i}" for i in range(width)]
        if rows:
            frm = f"(VALUES {', '.join(rows)}) AS {alias}({', '.join(ids)})"
        else:
            nothing = ", ".join(
                f"NULL::{SQL_TYPES[type_]} AS {one}"
                for one, (_, type_) in zip(ids, node.columns, strict=True)
            )
            frm = f"(SELECT {nothing} WHERE false) AS {alias}"
        cols: list[Col] = []
        for one, (name, type_) in zip(ids, node.columns, strict=True):
            sql = f"{alias}.{one}"
            cols.append(
                Col(namer.claim(name, node.pos), Ex(sql, type_, base=sql if type_ == "dynamic" else ""))
            )
        return Rel(self.ids, cols, frm)


MAX_RANGE = 10_000_000


def cell(value: Ex, type_: str, pos: int) -> str:
    """Write a datatable's cell in its column's type."""
    if value.type == type_:
        return to_json(value) if type_ == "dynamic" else value.sql
    if value.known and value.const is None:
        return f"NULL::{SQL_TYPES[type_]}" if type_ != "string" else "''"
    if type_ == "string":
        if value.type == "dynamic":
            return to_string(value)
        raise Fault(f"a {value.type} cannot stand in a string column", pos)
    if type_ == "dynamic":
        return to_json(value)
    if value.known and isinstance(value.const, str) and value.type == "string":
        from seawall.kql.lexer import INVALID, typed_value

        read: Any = typed_value(type_, value.const)
        if read is INVALID:
            return f"NULL::{SQL_TYPES[type_]}"
        return literal(read, type_).sql
    return convert(value, type_, pos)
