"""Membership: `in`, `has_any`, `has_all` over values, arrays and tables; `* has` over all columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind import compare
from seawall.kql.bind.values import NUMBERS, Ex, json_text, literal, to_json
from seawall.kql.errors import Fault, refuse
from seawall.kql.tree import Binary, Expr, InList, Name, Pipeline, Sub

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from seawall.kql.bind.relation import Rel
    from seawall.kql.bind.scope import Env, Scope


class Membership:
    """The part of the binder that asks whether values are among others."""

    ex: Callable[[Expr, Scope], Ex]
    table_of: Callable[[Any, Env], Rel]
    pipeline: Callable[[Pipeline, Env], Rel]
    is_tabular: Callable[[Expr, Env], bool]

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
