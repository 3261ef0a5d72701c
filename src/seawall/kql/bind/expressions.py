"""Expressions: tree -> SQL with types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind import compare
from seawall.kql.bind.arithmetic import ARITHMETIC, arithmetic, wrapped
from seawall.kql.bind.membership import Membership
from seawall.kql.bind.scope import FunctionLet, Scope, TableLet
from seawall.kql.bind.values import (
    INTEGERS,
    NUMBERS,
    Ex,
    literal,
    to_bool,
    to_json,
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


class Expressions(Membership):
    """The part of the binder that reads expressions."""

    ids: Ids
    wanted: set[Origin]
    uses_now: bool
    depth: int
    wraps: bool
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
        if op in ARITHMETIC:
            left, right = self.ex(node.left, scope), self.ex(node.right, scope)
            out = arithmetic(op, left, right, node.pos)
            whole = op in "+-*" and out.type == "long" and not out.known
            return wrapped(op, left, right) if whole and self.wraps else out
        return Ex(self.test(node, scope, filtering=False), "bool")

    def test(self, node: Expr, scope: Scope, *, filtering: bool) -> str:
        """Bind a predicate; where `filtering`, null may come out as false, since `where` drops both."""
        if isinstance(node, Binary):
            op = node.op
            if op in ("and", "or"):
                left = self.test(node.left, scope, filtering=filtering)
                right = self.test(node.right, scope, filtering=filtering)
                return f"({left} {op.upper()} {right})"
            if op in ARITHMETIC:
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


def constant_step(value: Any, key: str | int) -> Any:
    """Take a path step in a value that is known."""
    if isinstance(key, str):
        return value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list) and -len(value) <= key < len(value):
        return value[key]
    return None
