"""Expressions: tree -> SQL with types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind import compare
from seawall.kql.bind.scope import Env, FunctionLet, Scope, TableLet
from seawall.kql.bind.values import (
    INTEGERS,
    NUMBERS,
    UNKNOWN,
    Ex,
    json_text,
    literal,
    quote,
    to_bool,
    to_json,
    to_long,
    to_real,
    to_timespan,
)
from seawall.kql.errors import Fault, refuse
from seawall.kql.facts import builtins, near
from seawall.kql.functions import FUNCTIONS
from seawall.kql.tree import (
    Between,
    Binary,
    Call,
    Dot,
    Expr,
    Index,
    InList,
    Lit,
    Name,
    Named,
    Pipeline,
    Star,
    Sub,
    TypeOf,
    Unary,
    Wild,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.relation import Ids, Rel
    from seawall.kql.bind.values import Origin

OUTER = "\0outer:"
"""Inside mv-apply, the columns of the row around have names that begin with this."""

MAX_CALLS = 60
"""How deep `let` functions may call each other."""


class Expressions:
    """The part of the binder that reads expressions."""

    ids: Ids
    wanted: set[Origin]
    uses_now: bool
    depth: int
    wraps: bool
    table_of: Callable[[Any, Env], Rel]
    pipeline: Callable[[Pipeline, Env], Rel]
    is_tabular: Callable[[Expr, Env], bool]
    call_function: Callable[[FunctionLet, Call, Scope], Any]
    aggregate: Callable[[Call, Scope], Ex]

    def ex(self, node: Expr, scope: Scope) -> Ex:
        """Bind an expression."""
        kind = type(node)
        if kind is Name:
            return self.name(node, scope)  # type: ignore[arg-type]
        if kind is Lit:
            return literal(node.value, node.type)  # type: ignore[attr-defined]
        if kind is Dot:
            return self.step(node, node.base, node.key, scope)  # type: ignore[attr-defined]
        if kind is Call:
            return self.call(node, scope)  # type: ignore[arg-type]
        if kind is Binary:
            return self.binary(node, scope)  # type: ignore[arg-type]
        if kind is Index:
            return self.index(node, scope)  # type: ignore[arg-type]
        if kind is Unary:
            return self.unary(node, scope)  # type: ignore[arg-type]
        if kind is InList or kind is Between:
            return Ex(self.test(node, scope, filtering=False), "bool")
        if kind is Sub:
            return self.scalar_query(node.query, node.pos, scope)  # type: ignore[attr-defined]
        if kind is Named:
            return self.ex(node.value, scope)  # type: ignore[attr-defined]
        if kind in (Star, Wild):
            raise Fault("* cannot stand here", node.pos)
        if kind is TypeOf:
            raise Fault("typeof() can only stand where a type is asked for", node.pos)
        raise refuse("this expression", node.pos)

    def scalar_query(self, query: Pipeline, pos: int, scope: Scope) -> Ex:
        """Bind a query in parentheses where a value is expected: only a bare value is one."""
        if query.source is not None and not query.steps and isinstance(query.source, Expr):
            return self.ex(query.source, scope)
        raise Fault(
            "a table cannot stand where a value is expected",
            pos,
            hint="toscalar(...) makes a value of a table",
        )

    # --- names ---------------------------------------------------------------------------------------------

    def name(self, node: Name, scope: Scope) -> Ex:
        """Resolve a name: a column first, then a `let` value."""
        rel = scope.rel
        if rel is not None:
            col = rel.names.get(node.name) or (rel.names.get(OUTER + node.name) if rel.hidden else None)
            if col is not None:
                if scope.aggregate:
                    raise Fault(
                        f"{node.name!r} must stand inside an aggregate, or among the keys after 'by'",
                        node.pos,
                    )
                return col.ex
        found = scope.env.find(node.name)
        if isinstance(found, Ex):
            return found
        if isinstance(found, FunctionLet):
            out = self.call_function(found, Call(node.pos, node.name, ()), scope)
            if isinstance(out, Ex):
                return out
        if isinstance(found, TableLet) or found is not None:
            raise Fault(
                f"{node.name!r} is a table: a value is expected here",
                node.pos,
                hint="toscalar(...) makes a value of a table",
            )
        names = list(rel.names) if rel is not None else []
        raise Fault(
            f"there is no column {node.name!r} here",
            node.pos,
            hint=near(node.name, names) or (f"columns: {', '.join(names[:20])}" if names else ""),
        )

    def step(self, node: Expr, base_node: Expr, key: str | int, scope: Scope) -> Ex:
        """Bind a path step."""
        if isinstance(base_node, Name) and isinstance(key, str):
            side = scope.sides.get(base_node.name)
            if side is not None:
                return self.side(side, key, node.pos)
            state = scope.states.get(base_node.name)
            if state is not None:
                if key not in state:
                    raise Fault(f"the step {base_node.name!r} has no column {key!r}", node.pos)
                return state[key]
        return self.path(
            self.ex(base_node, scope), key, node.pos, scope.rel.leaves if scope.rel is not None else _NONE
        )

    def side(self, rel: Rel, key: str, pos: int) -> Ex:
        """Resolve `$left.key` and `$right.key`."""
        col = rel.names.get(key)
        if col is None:
            raise Fault(
                f"there is no column {key!r} on this side of the join", pos, hint=near(key, rel.names)
            )
        return col.ex

    def path(self, base: Ex, key: str | int, pos: int, leaves: dict[Origin, Ex]) -> Ex:
        """Take one step down a dynamic value."""
        if base.type != "dynamic":
            raise Fault(
                f"a {base.type} has no properties", pos, hint="parse_json(...) makes a dynamic of a string"
            )
        if base.known:
            return literal(constant_step(base.const, key), "dynamic")
        if base.rep:
            return Ex("NULL::VARCHAR", "dynamic")  # a leaf that holds only scalars has nothing below
        path = (*base.path, key)
        origin: Origin | None = None
        if base.origin is not None:
            origin = (base.origin[0], base.origin[1], (*base.origin[2], key))
            self.wanted.add(origin)
            leaf = leaves.get(origin)
            if leaf is not None:
                return leaf
        if base.base:
            return Ex(None, "dynamic", base=base.base, path=path, origin=origin)
        return Ex(None, "dynamic", base=base.sql, path=(key,), origin=origin)

    def index(self, node: Index, scope: Scope) -> Ex:
        """Bind `value[index]`."""
        index = self.ex(node.index, scope)
        if index.known and isinstance(index.const, str | int) and not isinstance(index.const, bool):
            return self.step(node, node.base, index.const, scope)
        base = self.ex(node.base, scope)
        if base.type != "dynamic":
            raise Fault(f"a {base.type} cannot be indexed", node.pos)
        text = to_json(base)
        if index.type in INTEGERS:
            return Ex(f"k_at({text}, {index.sql})", "dynamic")
        if index.type == "bool":  # an index is an integer or a boolean (docs: dynamic, object accessors)
            return Ex(f"k_at({text}, ({index.sql})::BIGINT)", "dynamic")
        if index.type == "string":
            # A JSON pointer leads to any key, whatever stands in it (RFC 6901: ~0 and ~1).
            pointer = f"'/' || replace(replace({index.sql}, '~', '~0'), '/', '~1')"
            inner = f"nullif(json_extract({text}, {pointer})::VARCHAR, 'null')"
            return Ex(f"CASE WHEN json_type({text}) = 'OBJECT' THEN {inner} END", "dynamic")
        if index.type == "dynamic":
            return Ex(f"k_key({text}, {to_json(index)})", "dynamic")
        raise Fault(f"a dynamic value cannot be indexed by a {index.type}", node.pos)

    # --- operators -----------------------------------------------------------------------------------------

    def unary(self, node: Unary, scope: Scope) -> Ex:
        """Bind `-x` and `+x`."""
        value = self.ex(node.value, scope)
        if value.type == "dynamic":
            raise Fault(
                f"{node.op!r} of a dynamic value", node.pos, hint="convert it: tolong(...) or toreal(...)"
            )
        if value.type not in NUMBERS and value.type != "timespan":
            raise Fault(f"the operator {node.op!r} is not defined for a {value.type}", node.pos)
        type_ = "long" if value.type == "int" and not value.known else value.type
        if node.op == "+":
            return Ex(value.sql, type_, const=value.const)
        if value.known and value.const is not None and type_ != "decimal":
            out = -value.const
            return literal(None if type_ == "int" and out > 2**31 - 1 else out, type_)
        if type_ == "decimal":
            return Ex(f"k_decimal('-', '0', {value.sql})", type_)
        return Ex(f"(-{value.sql})", type_)

    def binary(self, node: Binary, scope: Scope) -> Ex:
        """Bind `left op right`."""
        op = node.op
        if op in _ARITHMETIC:
            left, right = self.ex(node.left, scope), self.ex(node.right, scope)
            out = arithmetic(op, left, right, node.pos)
            whole = op in "+-*" and out.type == "long" and not out.known
            return _wrapped(op, left, right) if whole and self.wraps else out
        return Ex(self.test(node, scope, filtering=False), "bool")

    def test(self, node: Expr, scope: Scope, *, filtering: bool) -> str:
        """Bind a predicate; where `filtering`, null may come out as false, since `where` drops both."""
        if isinstance(node, Binary):
            op = node.op
            if op in ("and", "or"):
                left = self.test(node.left, scope, filtering=filtering)
                right = self.test(node.right, scope, filtering=filtering)
                return f"({left} {op.upper()} {right})"
            if op in _ARITHMETIC:
                raise Fault(f"the operator {op!r} gives no bool", node.pos)
            if isinstance(node.left, Star):
                return self.star(node, scope)
            left_ex, right_ex = self.ex(node.left, scope), self.ex(node.right, scope)
            if op in ("==", "!="):
                return compare.equal(left_ex, right_ex, op, node.pos, filtering=filtering)
            if op in ("<", "<=", ">", ">="):
                return compare.order(left_ex, right_ex, op, node.pos)
            return compare.string_op(left_ex, right_ex, op, node.pos)
        if isinstance(node, InList):
            return self.in_list(node, scope, filtering=filtering)
        if isinstance(node, Between):
            value, low, high = self.ex(node.value, scope), self.ex(node.low, scope), self.ex(node.high, scope)
            return compare.between(value, low, high, negated=node.negated, pos=node.pos)
        if (
            isinstance(node, Sub)
            and node.query.source is not None
            and not node.query.steps
            and isinstance(node.query.source, Expr)
        ):
            return self.test(node.query.source, scope, filtering=filtering)
        value = self.ex(node, scope)
        if value.type == "bool":
            return value.sql
        if value.type == "dynamic":
            return to_bool(value)
        if value.type in INTEGERS and value.known:
            return f"({value.sql} <> 0)"
        raise Fault(f"a {value.type} cannot stand where a bool is expected", node.pos)

    def star(self, node: Binary, scope: Scope) -> str:
        """Bind `* has "x"`: some column matches."""
        if scope.rel is None:
            raise Fault("* needs a table", node.pos)
        right = self.ex(node.right, scope)
        parts: list[str] = []
        for col in scope.rel.visible:
            if col.ex.type in ("string", "dynamic"):
                left = col.ex if col.ex.type == "string" else Ex(compare.to_string_sql(col.ex), "string")
                if node.op in ("==", "!="):
                    parts.append(compare.equal(left, right, node.op, node.pos, filtering=True))
                else:
                    parts.append(compare.string_op(left, right, node.op, node.pos))
        return "(" + " OR ".join(parts or ["false"]) + ")"

    def in_list(self, node: InList, scope: Scope, *, filtering: bool) -> str:
        """Bind `in`, `has_any`, `has_all`."""
        value = self.ex(node.value, scope)
        table = self.list_table(node, scope)
        if table is not None:
            return self.in_table(node, value, table)
        items = [self.ex(item, scope) for item in node.items]
        if node.op in ("has_any", "has_all"):
            return has_list(value, items, node.op, node.pos)
        return compare.member(value, items, node.op, node.pos, filtering=filtering)

    def list_table(self, node: InList, scope: Scope) -> Rel | None:
        """Return the table on the right side of `in`, if it is one."""
        if len(node.items) != 1:
            return None
        item = node.items[0]
        if isinstance(item, Sub):
            if item.query.steps or not isinstance(item.query.source, Expr):
                return self.pipeline(item.query, scope.env)
            item = item.query.source
        if isinstance(item, Name) and scope.rel is not None and item.name in scope.rel.names:
            return None
        return self.table_of(item, scope.env) if self.is_tabular(item, scope.env) else None

    def in_table(self, node: InList, value: Ex, table: Rel) -> str:
        """Bind `in (table)`: its first column."""
        first = table.cols[0].ex if table.cols else literal("", "string")
        one = table.replace([table.cols[0]]) if table.cols else table
        fold = node.op.endswith("~")
        if node.op in ("has_any", "has_all"):
            if first.type == "dynamic":
                raise refuse(f"{node.op} over a dynamic column", node.pos)
            inner = one.flush()
            text = compare.text_operand(value, node.op, node.pos)
            hit = f"k_term({text}, {compare.to_string_sql(inner.cols[0].ex)}, false, true, true)"
            verb = "EXISTS" if node.op == "has_any" else "NOT EXISTS"
            test = hit if node.op == "has_any" else f"NOT {hit}"
            return f"{verb}(SELECT 1 FROM {inner.frm} WHERE {test})"
        if first.type == "dynamic":
            one = one.flush()
            one = one.replace(
                [type(one.cols[0])(one.cols[0].name, Ex(compare.to_string_sql(one.cols[0].ex), "string"))]
            )
            first = Ex("", "string")
        if fold:
            one = one.flush()
            one = one.replace(
                [type(one.cols[0])(one.cols[0].name, Ex(f"lower({one.cols[0].ex.sql})", "string"))]
            )
            left = f"lower({compare.text_operand(value, node.op, node.pos)})"
        elif value.type == "dynamic":
            left = compare.dynamic_as(value, first, node.op, node.pos).sql
        elif value.type == first.type or (
            value.type in NUMBERS and first.type in NUMBERS and "decimal" not in (value.type, first.type)
        ):
            left = value.sql
        else:
            raise compare.undefined(node.op, value, first, node.pos)
        sql, seen = one.select()
        test = f"({left} IN (SELECT {seen[0].name} FROM ({sql}) WHERE {seen[0].name} IS NOT NULL))"
        test = f"coalesce({test}, false)"
        return f"(NOT {test})" if node.op[0] == "!" else test

    # --- calls ---------------------------------------------------------------------------------------------

    def call(self, node: Call, scope: Scope) -> Ex:
        """Bind a call: a `let` function, an aggregate where one may stand, a built-in function."""
        found = scope.env.find(node.name)
        if isinstance(found, FunctionLet):
            out = self.call_function(found, node, scope)
            if isinstance(out, Ex):
                return out
            raise Fault(f"{node.name}() gives a table: a value is expected here", node.pos)
        if scope.aggregate and node.name in builtins().aggregates:
            return self.aggregate(node, scope)
        function = FUNCTIONS.get(node.name)
        if function is not None:
            known = builtins().functions.get(node.name)
            if known is not None and not known.fewest <= len(node.args) <= known.most:
                count = str(known.fewest) if known.fewest == known.most else f"{known.fewest} to {known.most}"
                raise Fault(f"{node.name}() takes {count} arguments, here are {len(node.args)}", node.pos)
            return function(self, node, scope)
        table = builtins()
        if node.name in table.aggregates:
            raise Fault(f"the aggregate {node.name}() can only stand in summarize and its kin", node.pos)
        if node.name in table.functions or node.name in table.plugins:
            raise refuse(f"the function {node.name}()", node.pos)
        raise Fault(
            f"there is no function {node.name.lstrip('.')}()",
            node.pos,
            hint=near(node.name, [*table.functions, *table.aggregates]),
        )

    def args(self, node: Call, scope: Scope) -> list[Ex]:
        """Bind the arguments of a call."""
        return [self.ex(arg, scope) for arg in node.args]

    def constant(self, node: Expr, scope: Scope, what: str) -> Any:
        """Bind an expression whose value must be known when the query is compiled."""
        value = self.ex(node, scope)
        if not value.known:
            raise refuse(f"{what} that is not a literal", node.pos)
        return value.const


_NONE: dict[Any, Any] = {}
_ARITHMETIC = frozenset("+-*/%")


def constant_step(value: Any, key: str | int) -> Any:
    """Take a path step in a value that is known."""
    if isinstance(key, str):
        return value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list) and -len(value) <= key < len(value):
        return value[key]
    return None


def arithmetic(op: str, left: Ex, right: Ex, pos: int) -> Ex:
    """Bind `+ - * / %` (docs: numerical-operators, datetime-timespan-arithmetic; types as the analyser has them)."""
    lt, rt = left.type, right.type
    if lt == "dynamic" or rt == "dynamic":
        if lt == rt:
            raise Fault(
                f"the operator {op!r} of two dynamic values",
                pos,
                hint="convert them: tolong(...) or toreal(...)",
            )
        return arithmetic(
            op, _dynamic_number(left, right, op, pos), _dynamic_number(right, left, op, pos), pos
        )
    if lt in NUMBERS and rt in NUMBERS:
        return _numbers(op, left, right)
    a, b = left.sql, right.sql
    pair = (lt, op, rt)
    out: tuple[str, str] | None = None
    if pair == ("datetime", "-", "datetime"):
        out = f"({a} - {b})", "timespan"
    elif lt == "datetime" and rt == "timespan" and op in "+-":
        out = f"({a} {op} {b})", "datetime"
    elif pair == ("timespan", "+", "datetime"):
        out = f"({a} + {b})", "datetime"
    elif lt == "timespan" and rt == "timespan":
        if op in "+-":
            out = f"({a} {op} {b})", "timespan"
        elif op == "/":
            out = f"({a}::DOUBLE / {b}::DOUBLE)", "real"
        elif op == "%":
            out = _modulo(a, b), "timespan"
    elif lt == "timespan" and rt in NUMBERS and rt != "decimal":
        if op == "*":
            out = (f"({a} * {b})" if rt in INTEGERS else f"trunc({a} * {b})::BIGINT"), "timespan"
        elif op == "/":
            out = (
                (f"({a} // nullif({b}, 0))" if rt in INTEGERS else f"TRY_CAST(trunc({a} / {b}) AS BIGINT)"),
                "timespan",
            )
    elif rt == "timespan" and lt in NUMBERS and lt != "decimal" and op == "*":
        out = (f"({a} * {b})" if lt in INTEGERS else f"trunc({a} * {b})::BIGINT"), "timespan"
    if out is None:
        raise compare.undefined(op, left, right, pos)
    const = UNKNOWN
    if left.known and right.known:
        const = _fold(op, left, right, out[1])
        if const is not UNKNOWN:
            return literal(const, out[1])
    return Ex(out[0], out[1])


def _dynamic_number(value: Ex, other: Ex, op: str, pos: int) -> Ex:
    if value.type != "dynamic":
        return value
    if other.type in INTEGERS:
        return Ex(to_long(value), "long")
    if other.type == "real":
        return Ex(to_real(value), "real")
    if other.type == "datetime":
        return Ex(f"k_todatetime({compare.dynamic_text(value, '')})", "datetime")
    if other.type == "timespan":
        return Ex(to_timespan(value), "timespan")
    raise compare.undefined(op, value, other, pos)


def _modulo(a: str, b: str) -> str:
    # Kusto's result is never negative: 0 <= a % b < |b| (docs: numerical-operators).
    return f"((({a} % nullif({b}, 0)) + abs({b})) % nullif(abs({b}), 0))"


def _numbers(op: str, left: Ex, right: Ex) -> Ex:
    a, b = left.sql, right.sql
    if "decimal" in (left.type, right.type):
        x = a if left.type == "decimal" else f"k_todecimal({_text(left)})"
        y = b if right.type == "decimal" else f"k_todecimal({_text(right)})"
        return Ex(f"k_decimal({quote(op)}, {x}, {y})", "decimal")
    type_ = "real" if "real" in (left.type, right.type) else "long"
    if left.known and right.known:
        const = _fold(op, left, right, type_)
        if const is not UNKNOWN:
            return literal(const, type_)
    if op == "/":
        return Ex(f"({a} / {b})" if type_ == "real" else f"({a} // nullif({b}, 0))", type_)
    if op == "%":
        if type_ == "real":
            # From 0 up to, not including, the size of the divisor (docs: numerical-operators).
            size = f"abs({b}::DOUBLE)"
            return Ex(f"((({a}::DOUBLE % {size}) + {size}) % {size})", type_)
        return Ex(_modulo(a, b), type_)
    return Ex(f"({a} {op} {b})", type_)


def _wrapped(op: str, left: Ex, right: Ex) -> Ex:
    """Write `+ - *` of whole numbers that keeps the low 64 bits, as Kusto does, where DuckDB's own fails.

    Ten times as slow: a query is written so only after it has overflowed.
    """
    a, b = (to_long(one) if one.type == "dynamic" else one.sql for one in (left, right))
    exact = f"({a}::HUGEINT {op} {b}::HUGEINT)"
    return Ex(
        f"((({exact} + 9223372036854775808) % 18446744073709551616 + 18446744073709551616)"
        " % 18446744073709551616 - 9223372036854775808)::BIGINT",
        "long",
    )


def _text(ex: Ex) -> str:
    return f"{ex.sql}::VARCHAR"


def _fold(op: str, left: Ex, right: Ex, type_: str) -> Any:
    """Work out `+ - *` of literals, so that `ago(2 * 7d)` and limits are known; UNKNOWN where it is left to DuckDB."""
    if left.const is None or right.const is None:
        return None
    if op not in "+-*":
        return UNKNOWN
    value = (
        left.const + right.const
        if op == "+"
        else left.const - right.const
        if op == "-"
        else left.const * right.const
    )
    if type_ == "real":
        return float(value)
    if isinstance(value, float):
        return UNKNOWN
    return value if -(1 << 63) <= value < (1 << 63) else UNKNOWN


def has_list(value: Ex, items: list[Ex], op: str, pos: int) -> str:
    """Write `has_any` and `has_all`."""
    text = compare.text_operand(value, op, pos)
    parts: list[str] = []
    known: list[str] = []
    for item in items:
        if item.type == "dynamic" and item.known:
            values = item.const if isinstance(item.const, list) else [item.const]
            known.extend("" if v is None else v if isinstance(v, str) else json_text(v) for v in values)
        elif item.type == "dynamic":
            parts.append(f"k_terms({text}, {to_json(item)}, {str(op == 'has_all').lower()})")
        elif item.known and isinstance(item.const, str):
            known.append(item.const)
        else:
            parts.append(
                compare.term(
                    text, item, compare.text_operand(item, op, pos), exact=False, lead=True, trail=True
                )
            )
    parts.extend(compare.known_terms(text, known, every=op == "has_all"))
    if not parts:
        return "true" if op == "has_all" else "false"
    return "(" + (" AND " if op == "has_all" else " OR ").join(parts) + ")"
