"""Window functions: they need rows in an order (docs: window-functions; serialize, sort, top give one)."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import INTEGERS, Ex, to_json
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.core import convert
from seawall.kql.functions.registry import coerce, special, udf
from seawall.kql.tree import Name

RESTARTING = {
    "row_number": 1,
    "row_cumsum": 1,
    "row_rank_dense": 1,
    "row_rank_min": 1,
    "row_rank": 1,
    "row_window_session": 3,
}
"""Window functions -> the place of their restart predicate."""


def _ordered(node: Any, scope: Any) -> None:
    if scope.rel is None or not scope.rel.sorted:
        raise Fault(
            f"{node.name}() needs rows in an order", node.pos, hint="put | serialize or | sort by before it"
        )


def _parts(scope: Any, *more: str) -> str:
    names = [col.ex.sql for col in scope.rel.cols if col.name.startswith("\0part")] + list(more)
    return f"PARTITION BY {', '.join(names)}" if names else ""


def _neighbour(word: str) -> Any:
    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        _ordered(node, scope)
        if not isinstance(node.args[0], Name):  # KS109
            raise Fault(
                f"{node.name}() takes a column",
                node.args[0].pos,
                hint="make one of the expression with extend",
            )
        value = binder.ex(node.args[0], scope)
        offset = (
            coerce(binder.ex(node.args[1], scope), "long", node.pos, node.name) if len(node.args) > 1 else "1"
        )
        if len(node.args) > 2 and not binder.ex(node.args[2], scope).known:  # KS129
            raise Fault(f"the default of {node.name}() is a constant", node.args[2].pos)
        over = f" OVER ({_parts(scope)})"
        kind = (value.rep and "dynamic") or value.type
        sql = to_json(value) if value.rep else value.sql
        default = convert(binder.ex(node.args[2], scope), kind, node.pos) if len(node.args) > 2 else ""
        out = f"{word}({sql}, {offset}{', ' + default if default else ''}){over}"
        if kind == "string":
            out = f"coalesce({out}, '')"
        return Ex(out, kind, base=out if kind == "dynamic" else "")

    return bound


special("prev")(_neighbour("lag"))
special("next")(_neighbour("lead"))


def _hidden(scope: Any, node: Any, what: str) -> str:
    col = scope.rel.names.get(f"\0w{node.pos}:{what}")
    if col is None:
        raise Fault(
            f"{node.name}() cannot stand here", node.pos, hint="use it in extend, project, serialize or where"
        )
    return str(col.ex.sql)


def _frame(scope: Any, node: Any) -> str:
    return f"{_parts(scope, _hidden(scope, node, 'group'))} ORDER BY {_hidden(scope, node, 'row')}"


@special("row_number")
def row_number(binder: Any, node: Any, scope: Any) -> Ex:
    """`row_number([start [, restart]])`."""
    _ordered(node, scope)
    start = coerce(binder.ex(node.args[0], scope), "long", node.pos, node.name) if node.args else "1"
    over = f" OVER ({_frame(scope, node)})" if len(node.args) > 1 else f" OVER ({_parts(scope)})"
    return Ex(f"(row_number(){over} + {start} - 1)", "long")


@special("row_cumsum")
def row_cumsum(binder: Any, node: Any, scope: Any) -> Ex:
    """`row_cumsum(term [, restart])`."""
    _ordered(node, scope)
    value = binder.ex(node.args[0], scope)
    rows = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    over = f"{_frame(scope, node)} {rows}" if len(node.args) > 1 else f"{_parts(scope)} {rows}"
    if value.type in INTEGERS:
        total = f"coalesce(sum({value.sql}) OVER ({over}), 0)::BIGINT"
        if value.type == "long":
            return Ex(total, "long")
        too_far = "error('row_cumsum() of ints goes beyond an int: sum up tolong(...)')"
        return Ex(
            f"CASE WHEN {total} BETWEEN -2147483648 AND 2147483647 THEN {total} ELSE {too_far} END", "int"
        )
    if value.type == "decimal":
        raise refuse("row_cumsum() of a decimal", node.pos, "sum up toreal(...)")
    if value.type != "real":
        raise Fault(f"row_cumsum() takes an int, a long or a real, not a {value.type}", node.pos)
    return Ex(f"coalesce(sum({value.sql}) OVER ({over}), 0::DOUBLE)", "real")


def _rankable(binder: Any, node: Any, scope: Any) -> None:
    if binder.ex(node.args[0], scope).type == "dynamic":
        raise Fault(f"{node.name}() of a dynamic", node.pos, hint="convert it: tostring(...) or tolong(...)")


@special("row_rank_dense")
def row_rank_dense(binder: Any, node: Any, scope: Any) -> Ex:
    """`row_rank_dense(term [, restart])`: counts the changes of the term."""
    _ordered(node, scope)
    _rankable(binder, node, scope)
    return Ex(
        f"sum({_hidden(scope, node, 'changed')}::BIGINT) OVER ({_frame(scope, node)} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)::BIGINT",
        "long",
    )


@special("row_rank_min")
def row_rank_min(binder: Any, node: Any, scope: Any) -> Ex:
    """`row_rank_min(term [, restart])`: the number of the row where the term last changed."""
    _ordered(node, scope)
    _rankable(binder, node, scope)
    row, frame = _hidden(scope, node, "row"), _frame(scope, node)
    first = f"min({row}) OVER ({_parts(scope, _hidden(scope, node, 'group'))})"
    return Ex(
        f"(max(CASE WHEN {_hidden(scope, node, 'changed')} THEN {row} END) OVER ({frame} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - {first} + 1)::BIGINT",
        "long",
    )


@special("row_window_session")
def row_window_session(binder: Any, node: Any, scope: Any) -> Ex:
    """`row_window_session(time, longest from first, longest between [, restart])`."""
    _ordered(node, scope)
    value = binder.ex(node.args[0], scope)
    if value.type != "datetime":
        raise Fault(f"row_window_session() takes a datetime, not a {value.type}", node.args[0].pos)
    for arg in node.args[1:3]:
        if not binder.ex(arg, scope).known:
            raise refuse("row_window_session() with a distance that is not a constant", arg.pos)
    longest = coerce(binder.ex(node.args[1], scope), "timespan", node.pos, node.name)
    between = coerce(binder.ex(node.args[2], scope), "timespan", node.pos, node.name)
    group, row = _hidden(scope, node, "group"), _hidden(scope, node, "row")
    if any(col.name.startswith("\0part") for col in scope.rel.cols):
        raise Fault(
            "row_window_session() inside partition or mv-apply is not supported", node.pos, kind="unsupported"
        )
    lists = f"(SELECT k_sessions(to_json(list([{value.sql}, {group}] ORDER BY {row}))::VARCHAR, {longest}, {between}) FROM {scope.rel.frm})"
    return Ex(
        f"TRY_CAST(json_extract({lists}, '$[' || ({row} - 1)::VARCHAR || ']')::VARCHAR AS BIGINT)", "datetime"
    )


def _sessions(rows: list[Any], longest: int | None, between: int | None) -> list[Any]:
    """Give each row the start of its session; a null is none, and what follows it starts a new one.

    A session also ends where a row lies as far from its start as `longest`, or from the row before as `between`,
    or where the restart predicate held (docs: row-window-session, returns).
    """
    out: list[Any] = []
    first = last = group = None
    for moment, part in rows:
        if moment is None:
            first = None
        elif (
            first is None
            or last is None
            or part != group
            or (longest is not None and moment >= first + longest)
            or (between is not None and moment >= last + between)
        ):
            first = moment
        last, group = moment, part
        out.append(first)
    return out


udf("sessions", "dynamic long long", "dynamic", _sessions)
