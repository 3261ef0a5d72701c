"""Hidden columns that window functions with a restart predicate need before the operator itself is bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import Ex
from seawall.kql.errors import Fault
from seawall.kql.functions.windows import RESTARTING
from seawall.kql.tree import Call, Expr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ALWAYS = frozenset(("row_rank_dense", "row_rank_min", "row_window_session"))


def calls(nodes: Iterable[Any]) -> Iterator[Call]:
    """Find the window calls in expressions."""
    for node in nodes:
        if isinstance(node, Call) and node.name in RESTARTING:
            yield node
        if isinstance(node, Expr):
            for field in node.__struct_fields__:
                value = getattr(node, field)
                if isinstance(value, Expr):
                    yield from calls((value,))
                elif isinstance(value, tuple):
                    yield from calls(value)


def in_place(rel: Rel) -> Rel:
    """Let the rows keep the order that the prelude has numbered: its windows run over groups and would lose it."""
    row = rel.names.get("\0row")
    if row is None:
        return rel
    out = rel.replace([col for col in rel.cols if col.name != "\0row"])
    out.order = f" ORDER BY {row.ex.sql}"
    return out


class Prelude:
    """The part of the binder that prepares windows."""

    test: Any
    ex: Any

    def prelude(self, items: Sequence[Expr], rel: Rel, env: Env) -> Rel:
        """Give the relation with a row number, the restart group and the changes that window calls look at."""
        found = [
            call for call in calls(items) if call.name in _ALWAYS or len(call.args) > RESTARTING[call.name]
        ]
        if not found:
            return rel
        if not rel.sorted:
            raise Fault(
                f"{found[0].name}() needs rows in an order",
                found[0].pos,
                hint="put | serialize or | sort by before it",
            )
        scope = Scope(rel, env, serial=True)
        parts = [col.ex.sql for col in rel.cols if col.name.startswith("\0part")]
        over = f" OVER ({'PARTITION BY ' + ', '.join(parts) if parts else ''})"
        first: list[Col] = [Col("\0row", Ex("row_number() OVER ()", "long"))]
        for call in found:
            place = RESTARTING[call.name]
            restart = (
                self.test(call.args[place], scope, filtering=True) if len(call.args) > place else "false"
            )
            first.append(Col(f"\0w{call.pos}:restart", Ex(f"coalesce({restart}, false)", "bool")))
            if call.name.startswith("row_rank"):
                if not call.args:
                    raise Fault(f"{call.name}() takes a column", call.pos)
                term = self.ex(call.args[0], scope)
                changed = f"({term.sql} IS DISTINCT FROM lag({term.sql}){over}) OR row_number(){over} = 1"
                first.append(Col(f"\0w{call.pos}:changed", Ex(changed, "bool")))
        keep = [col for col in rel.cols if not col.name.startswith(("\0w", "\0row"))]
        rel = rel.replace([*keep, *first]).flush()
        row = rel.names["\0row"].ex.sql
        second: list[Col] = []
        for call in found:
            flag = rel.names[f"\0w{call.pos}:restart"].ex.sql
            by = [col.ex.sql for col in rel.cols if col.name.startswith("\0part")]
            frame = f"{'PARTITION BY ' + ', '.join(by) + ' ' if by else ''}ORDER BY {row} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
            second.append(Col(f"\0w{call.pos}:group", Ex(f"sum({flag}::BIGINT) OVER ({frame})", "long")))
            second.append(Col(f"\0w{call.pos}:row", Ex(row, "long")))
            changed_col = rel.names.get(f"\0w{call.pos}:changed")
            if changed_col is not None:
                rel.names[changed_col.name].ex = Ex(f"({changed_col.ex.sql} OR {flag})", "bool")
        return rel.replace([*rel.cols, *second]).flush()
