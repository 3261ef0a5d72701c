"""join and lookup: rows of two tables side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.names import Namer
from seawall.kql.bind.operators import Operators
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import NUMBERS, Ex, to_string
from seawall.kql.errors import Fault, Whole
from seawall.kql.facts import near
from seawall.kql.tree import (
    Binary,
    Dot,
    Expr,
    JoinOp,
    Name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = {
    "": "innerunique", "innerunique": "innerunique", "inner": "inner", "leftouter": "leftouter", "rightouter": "rightouter",
    "fullouter": "fullouter", "leftanti": "leftanti", "anti": "leftanti", "leftantisemi": "leftanti",
    "rightanti": "rightanti", "rightantisemi": "rightanti", "leftsemi": "leftsemi", "rightsemi": "rightsemi",
}  # fmt: skip


class Joins(Operators):
    """The part of the binder that reads join and lookup."""

    table_of: Callable[..., Rel]

    def join_keys(self, node: JoinOp, left: Rel, right: Rel, env: Env) -> list[tuple[Ex, Ex, str, str]]:
        """Bind what stands after `on`: pairs of values with the columns' names."""
        flat: list[Expr] = []

        def split(item: Expr) -> None:
            if isinstance(item, Binary) and item.op == "and":
                split(item.left)
                split(item.right)
            else:
                flat.append(item)

        for item in node.on:
            split(item)
        out: list[tuple[Ex, Ex, str, str]] = []
        for item in flat:
            if isinstance(item, Name):
                pair = [rel.names.get(item.name) for rel in (left, right)]
                for side, col, rel in zip(("left", "right"), pair, (left, right), strict=True):
                    if col is None:
                        raise Fault(
                            f"there is no column {item.name!r} on the {side} side",
                            item.pos,
                            hint=near(item.name, rel.names),
                        )
                a, b = pair
                if a is None or b is None:  # pragma: no cover - raised above
                    continue
                out.append((a.ex, b.ex, item.name, item.name))
                continue
            scope = Scope(None, env)
            scope.sides = {"$left": left, "$right": right}
            if (
                not isinstance(item, Binary)
                or item.op != "=="
                or not isinstance(item.left, Dot)
                or not isinstance(item.right, Dot)
            ):
                raise Fault("a join's key is a column, or $left.a == $right.b", item.pos)
            x, y = item.left, item.right
            if isinstance(x.base, Name) and x.base.name == "$right":
                x, y = y, x
            if not (
                isinstance(x.base, Name)
                and x.base.name == "$left"
                and isinstance(y.base, Name)
                and y.base.name == "$right"
            ):
                raise Fault("a join's key names one column of each side: $left.a == $right.b", item.pos)
            out.append((self.ex(x, scope), self.ex(y, scope), x.key, y.key))
        for one, other, x_name, y_name in out:
            if (
                one.type != other.type
                and not (one.type in NUMBERS and other.type in NUMBERS)
                and "dynamic" not in (one.type, other.type)
            ):
                raise Fault(
                    f"the join's keys {x_name!r} ({one.type}) and {y_name!r} ({other.type}) have different types",
                    node.pos,
                    hint="convert one before the join",
                )
        return out

    def op_join(self, node: JoinOp, rel: Rel, env: Env) -> Rel:
        """`join` and `lookup`."""
        kind = (
            KINDS.get(node.kind)
            if node.mode == "join"
            else {"": "leftouter", "leftouter": "leftouter", "inner": "inner"}.get(node.kind)
        )
        if kind is None:
            raise Fault(
                f"kind={node.kind} is not known to {node.mode}", node.pos, hint=near(node.kind, KINDS)
            )
        if self.part_columns(rel):
            raise Whole(f"{node.mode} inside mv-apply or partition", node.pos)
        left = rel.flush()
        right = self.table_of(node.right, env).flush()
        keys = self.join_keys(node, left, right, env)
        conditions: list[str] = []
        key_sql: list[str] = []
        for a, b, _, _ in keys:
            x, y = (_key(a), _key(b)) if a.type == "dynamic" or b.type == "dynamic" else (a.sql, b.sql)
            key_sql.append(x)
            sure = a.type == "string" and b.type == "string"
            conditions.append(f"{x} = {y}" if sure else f"{x} IS NOT DISTINCT FROM {y}")
        on = " AND ".join(conditions)
        if kind in ("leftanti", "leftsemi"):
            out = left.clone()
            out.where = [
                f"{'NOT ' if kind == 'leftanti' else ''}EXISTS (SELECT 1 FROM {right.frm} WHERE {on})"
            ]
            return out
        if kind in ("rightanti", "rightsemi"):
            out = right.clone()
            out.where = [
                f"{'NOT ' if kind == 'rightanti' else ''}EXISTS (SELECT 1 FROM {left.frm} WHERE {on})"
            ]
            return out
        left_from = left.frm
        if kind == "innerunique":
            alias = left_from.rsplit(" AS ", 1)[1]
            left_from = f"(SELECT * FROM {left_from} QUALIFY row_number() OVER (PARTITION BY {', '.join(key_sql)}) = 1) AS {alias}"
        word = {
            "innerunique": "JOIN",
            "inner": "JOIN",
            "leftouter": "LEFT JOIN",
            "rightouter": "RIGHT JOIN",
            "fullouter": "FULL JOIN",
        }[kind]
        drop = {right_name for _, _, _, right_name in keys} if node.mode == "lookup" else set()
        left_null, right_null = kind in ("rightouter", "fullouter"), kind in ("leftouter", "fullouter")
        cols = [Col(col.name, _outer(col.ex) if left_null else col.ex) for col in left.cols]
        taken = {col.name for col in cols}
        # A number makes a name that neither side has (measured: specs b.5).
        namer = Namer(taken | {col.name for col in right.cols})
        cols.extend(
            Col(
                namer.unique(col.name) if col.name in taken else col.name,
                _outer(col.ex) if right_null else col.ex,
            )
            for col in right.cols
            if col.name not in drop
        )
        return Rel(self.ids, cols, f"{left_from} {word} {right.frm} ON {on}", {**left.leaves, **right.leaves})


def _key(ex: Ex) -> str:
    return to_string(ex) if ex.type in ("dynamic", "string") else ex.sql


def _outer(ex: Ex) -> Ex:
    """Give a column of the side that may be missing: a string is empty there."""
    if ex.type == "string":
        return Ex(f"coalesce({ex.sql}, '')", "string")
    if ex.known:
        return Ex(ex.sql, ex.type, ex.rep, base=ex.sql if ex.type == "dynamic" else "")
    return ex
