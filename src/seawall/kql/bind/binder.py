"""The binder: tree -> relation, with `let` names, functions and the pipeline's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind import percentiles as _percentiles  # noqa: F401 - as the next line
from seawall.kql.bind import sketches as _sketches  # noqa: F401 - its aggregates are known once it is read
from seawall.kql.bind.expand import Expand
from seawall.kql.bind.names import Numbers
from seawall.kql.bind.relation import Col, Ids, Rel
from seawall.kql.bind.scope import Env, FunctionLet, Scope, TableLet
from seawall.kql.bind.shared import Shared, outside
from seawall.kql.bind.values import UNKNOWN, Ex
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.core import convert
from seawall.kql.tree import (
    As,
    Call,
    Consume,
    CountRows,
    DataTable,
    Declare,
    Expr,
    GetSchema,
    Invoke,
    JoinOp,
    Lambda,
    Let,
    Named,
    Operator,
    Pipeline,
    Print,
    Project,
    Query,
    RangeOp,
    Render,
    SampleDistinct,
    Serialize,
    SetOption,
    Sort,
    Statement,
    Summarize,
    Take,
    Top,
    TopHitters,
    Union,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.values import Origin
    from seawall.kql.catalog import Catalog


class Binder(Expand, Shared):
    """Binds one query against a catalog of tables. Used once."""

    def __init__(
        self,
        catalog: Catalog,
        leaves: dict[int, list[Origin]] | None = None,
        *,
        explode: bool = True,
        wraps: bool = False,
    ) -> None:
        Shared.__init__(self)
        self.wraps = wraps
        self.catalog = catalog
        self.ids = Ids()
        self.numbers = Numbers()
        self.wanted: set[Origin] = set()
        self.known_leaves = leaves or {}
        self.uses_now = False
        self.explode = explode
        self.absent: set[str] = set()
        self.scans: dict[int, str] = {}
        self.depth = 0
        self.calls = 0
        self.tables_read = 0
        self.apart_in = 0
        self.lenient = catalog.lenient
        self.tables: set[str] = set()
        self.hints: dict[str, Any] = {}
        self.options: list[str] = []
        self.settings: dict[str, Expr] = {}

    def peek(self, sql: str, uses_now: bool) -> list[tuple[Any, ...]]:
        """Look at data for a plugin whose columns are the data's."""
        if outside(sql):
            raise refuse("a plugin whose columns depend on the data, inside mv-apply or partition", -1)
        return self.catalog.peek(self.head() + sql, uses_now)

    def query(self, query: Query) -> Rel:
        """Bind a whole query."""
        env = Env()
        for statement in query.statements:
            self.statement(statement, env)
        return self.pipeline(query.body, env)

    def statement(self, node: Statement, env: Env) -> None:
        """Bind a statement."""
        if isinstance(node, Let):
            self.let(node, env)
        elif isinstance(node, Declare):
            for param in node.params:
                if param.default is None:
                    raise Fault(
                        f"the query parameter {param.name!r} has no value",
                        param.pos,
                        hint="give it a default",
                    )
                value = self.ex(param.default, Scope(None, env))
                env.names[param.name] = Ex(
                    convert(value, param.type, param.pos), param.type, const=value.const
                )
        else:
            self.options.append(getattr(node, "name", ""))
            if isinstance(node, SetOption) and node.value is not None:
                self.settings[node.name] = node.value

    def let(self, node: Let, env: Env) -> None:
        """Bind `let`: values at once, tables and functions where they are used."""
        value = node.value
        if node.name in env.names:  # KS201; the emulator refuses it too (SEM0079)
            raise Fault(
                f"the name {node.name!r} has a meaning already", node.pos, hint="give it another name"
            )
        if isinstance(value, Lambda):
            env.names[node.name] = FunctionLet(node.name, value, _frozen(env))
        elif self.is_tabular(value, env):
            number = self.numbers.last
            self.table_of(value, env)  # an error in it is an error of the query, used or not
            env.names[node.name] = TableLet(value, _frozen(env), number=number)
        elif isinstance(value, Pipeline):
            raise Fault("a table is expected before this operator", value.pos)
        else:
            env.names[node.name] = self.ex(value, Scope(None, env))

    def call_function(self, function: FunctionLet, node: Call, scope: Scope) -> Ex | Rel:
        """Bind a call of a `let` function: its body with the arguments for the parameters."""
        self.calls += 1
        if self.calls > 2000:
            raise Fault("the functions of this query call each other too often", node.pos, kind="limit")
        self.depth += 1
        if self.depth > 60:
            raise Fault("functions call each other more than 60 levels deep", node.pos, kind="limit")
        env = Env(function.env)
        numbers = self.numbers
        try:
            self.parameters(function, node, scope, env)
            declared = self.declared_only(function, env)
            if declared is not None:
                self.body(
                    function, declared
                )  # what is not declared comes along, but cannot be named (docs: let)
            return self.body(function, env)
        finally:
            self.depth -= 1
            self.numbers = numbers

    def body(self, function: FunctionLet, env: Env) -> Ex | Rel:
        """Bind a function's body."""
        self.numbers = Numbers()  # it counts for itself
        for statement in function.body.body:
            self.statement(statement, env)
        result = function.body.result
        if self.is_tabular(result, env):
            return self.table_of(result, env)
        if isinstance(result, Pipeline):
            raise Fault("a table is expected before this operator", result.pos)
        value: Ex = self.ex(result, Scope(None, env))
        return value

    @staticmethod
    def declared_only(function: FunctionLet, env: Env) -> Env | None:
        """Give the parameters with no column but the declared ones; None where they have no others."""
        out = Env(env.parent)
        out.names = dict(env.names)
        fewer = False
        for param in function.body.params:
            meaning = env.names[param.name]
            if param.columns is not None and isinstance(meaning, TableLet) and meaning.rel is not None:
                names = {name for name, _ in param.columns}
                kept = [col for col in meaning.rel.cols if col.name in names or col.name[:1] == "\0"]
                fewer = fewer or len(kept) < len(meaning.rel.cols)
                out.names[param.name] = TableLet(None, env, meaning.rel.replace(kept))
        return out if fewer else None

    def parameters(self, function: FunctionLet, node: Call, scope: Scope, env: Env) -> None:
        """Give the parameters their values: by position, by name, by default."""
        params = function.body.params
        names = [param.name for param in params]
        given: dict[str, Expr] = {}
        ordered = True
        for index, arg in enumerate(node.args):
            if isinstance(arg, Named):
                name, value = arg.names[0], arg.value
                if name not in names:
                    raise Fault(f"{function.name}() has no parameter {name!r}", arg.pos)
                ordered = ordered and names.index(name) == index
            elif index >= len(params):
                raise Fault(
                    f"{function.name}() takes {len(params)} arguments, here are {len(node.args)}", node.pos
                )
            elif not ordered:  # KS195
                raise Fault("after an argument that is named out of its place all must be named", arg.pos)
            else:
                name, value = names[index], arg
            if name in given:
                raise Fault(f"{function.name}() is given {name!r} twice", arg.pos)
            given[name] = value
        for param in params:
            chosen = given.get(param.name) or param.default
            if chosen is None:
                raise Fault(f"{function.name}() needs a value for {param.name!r}", node.pos)
            if param.table:
                rel = self.table_of(chosen, scope.env)
                if param.columns is not None:
                    for name, type_ in param.columns:
                        col = rel.names.get(name)
                        if col is None or col.ex.type != type_:
                            raise Fault(
                                f"{function.name}() needs a table with a column {name}:{type_}", chosen.pos
                            )
                env.names[param.name] = TableLet(None, env, rel)
            else:
                value = self.ex(chosen, scope if param.name in given else Scope(None, env))
                if value.type == param.type:
                    env.names[param.name] = value
                else:
                    env.names[param.name] = Ex(
                        convert(value, param.type, chosen.pos),
                        param.type,
                        const=_converted(value.const, value.type, param.type),
                    )

    # --- pipelines -----------------------------------------------------------------------------------------

    def pipeline(self, node: Pipeline, env: Env) -> Rel:
        """Bind a source and its steps."""
        env = Env(env)
        source = node.source
        if source is None:
            rel = self.default_table(node.pos)
        elif isinstance(source, Operator):
            rel = self.source(source, env)
        else:
            rel = self.table_of(source, env)
        for step in node.steps:
            rel = self.step_of(step, rel, env)
        return rel

    def default_table(self, pos: int) -> Rel:
        """Give the table of a query that names none."""
        name = self.catalog.default_table
        rel = self.scan_table(name, pos) if name else None
        if rel is None:
            raise Fault(
                "this query names no table",
                pos,
                hint=f"there is no table {name!r}" if name else "begin with a table's name",
            )
        return rel

    def source(self, node: Operator, env: Env) -> Rel:
        """Bind an operator that stands first."""
        if isinstance(node, Print):
            return self.op_print(node, env)
        if isinstance(node, RangeOp):
            return self.op_range(node, env)
        if isinstance(node, DataTable):
            return self.op_datatable(node, env)
        if isinstance(node, Union):
            return self.op_union(node, None, env)
        return self.other_source(node, env)

    def step_of(self, node: Operator, rel: Rel, env: Env) -> Rel:
        """Bind one step."""
        method = _STEPS.get(type(node))
        if method is not None:
            out: Rel = method(self, node, rel, env)
            return out
        return self.other_step(node, rel, env)

    def op_render(self, node: Render, rel: Rel, env: Env) -> Rel:
        """`render`: kept as a hint."""
        del env
        self.hints = {"render": node.chart, **node.options}
        return rel

    def op_as(self, node: As, rel: Rel, env: Env) -> Rel:
        """`as`: a name for what has been computed so far."""
        if node.materialized:
            rel = self.once(rel, node, env)
        env.names[node.name] = TableLet(None, env, rel)
        parent = env.parent
        if parent is not None:
            parent.names[node.name] = TableLet(None, env, rel)
        out = rel.clone()
        out.source = node.name
        return out

    def op_invoke(self, node: Invoke, rel: Rel, env: Env) -> Rel:
        """`invoke f(...)`: the table at hand is the first argument."""
        found = env.find(node.call.name)
        if not isinstance(found, FunctionLet):
            raise Fault(f"there is no function {node.call.name}()", node.call.pos)
        params = found.body.params
        if not params or not params[0].table:
            raise Fault(f"the first parameter of {node.call.name}() is not a table", node.call.pos)
        inner = Env(env)
        inner.names["\0input"] = TableLet(None, env, rel)
        from seawall.kql.tree import Name

        call = Call(node.call.pos, node.call.name, (Name(node.call.pos, "\0input"), *node.call.args))
        out = self.call_function(found, call, Scope(None, inner))
        if isinstance(out, Rel):
            return out
        raise Fault(f"{node.call.name}() gives no table", node.call.pos)

    def op_consume(self, node: Consume, rel: Rel, env: Env) -> Rel:
        """`consume`: refused, since its answer says nothing about the data."""
        del rel, env
        raise refuse("consume", node.pos)

    # --- tables of the database ----------------------------------------------------------------------------

    def table_names(self) -> list[str]:
        """Return the names of the database's tables."""
        return self.catalog.names()

    def scan_table(self, name: str, pos: int) -> Rel | None:
        """Read a table of the database; None when there is none. `pos` -1 only asks."""
        table = self.catalog.find(name)
        if table is None:
            return None
        if pos < 0:
            return Rel(self.ids, [], "")
        self.tables.add(table.name)
        self.ids.scan += 1
        self.ids.table += 1
        scan, alias = self.ids.scan, f"t{self.ids.table}"
        cols: list[Col] = []
        for column in table.columns:
            sql = f"{alias}.{column.id}"
            if column.type == "dynamic":
                origin: Origin = (scan, column.name, ())
                cols.append(Col(column.name, Ex(sql, "dynamic", base=sql, origin=origin)))
            else:
                cols.append(Col(column.name, Ex(sql, column.type)))
        leaves: dict[Origin, Ex] = {}
        for origin in self.known_leaves.get(scan, ()):
            leaf = table.leaves.get((origin[1], origin[2]))
            if leaf is not None:
                leaves[origin] = Ex(
                    f"{alias}.{leaf.id}",
                    "dynamic",
                    leaf.rep,
                    base="" if leaf.rep else f"{alias}.{leaf.id}",
                    origin=origin,
                )
        self.scans[scan] = table.name
        rel = Rel(self.ids, cols, f"{table.physical} AS {alias}", leaves)
        rel.source = table.name
        return rel


def _converted(value: Any, have: str, want: str) -> Any:
    """Keep a known number known when a parameter has another type of number."""
    if value is UNKNOWN or value is None or not {have, want} <= {"int", "long", "real"}:
        return UNKNOWN
    return float(value) if want == "real" else int(value) if have != "real" else UNKNOWN


def _frozen(env: Env) -> Env:
    """Give the names as they are now: a later `let` of the same name does not change an earlier one."""
    out = Env(env.parent)
    out.names = dict(env.names)
    return out


_STEPS: dict[type, Callable[[Any, Any, Rel, Env], Rel]] = {
    Where: Binder.op_where,
    Project: Binder.op_project,
    Summarize: Binder.op_summarize,
    Sort: Binder.op_sort,
    Take: Binder.op_take,
    Top: Binder.op_top,
    TopHitters: Binder.op_top_hitters,
    SampleDistinct: Binder.op_sample_distinct,
    CountRows: Binder.op_count,
    JoinOp: Binder.op_join,
    Union: Binder.op_union,
    Serialize: Binder.op_serialize,
    GetSchema: Binder.op_getschema,
    Render: Binder.op_render,
    As: Binder.op_as,
    Invoke: Binder.op_invoke,
    Consume: Binder.op_consume,
}
