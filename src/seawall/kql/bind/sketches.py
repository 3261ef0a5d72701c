"""The aggregates that gather states: hll, tdigest and their merges. Of nothing they are null (docs: summarize)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.aggregates import ONE, accuracy, declare, gathered, json_items
from seawall.kql.bind.values import Ex, to_json
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.registry import coerce, result

if TYPE_CHECKING:
    from seawall.kql.tree import Call

MOST = 1_048_576
"""Distinct values that a state holds at most: one more and the query fails, where the cloud would estimate."""


def _hll(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    accuracy(binder, node, keep)
    if value.type in ("bool", "real"):  # KS116
        raise Fault(
            f"{node.name}() of a {value.type}", node.pos, hint="convert it: tolong(...) or tostring(...)"
        )
    one = Ex(to_json(value), "dynamic") if value.type == "dynamic" else value
    items = json_items(one, keep)
    if value.type == "string":
        items = f"list(DISTINCT {to_json(one)}){keep}"
    else:
        items = items.replace("list(", "list(DISTINCT ", 1)
    fits = f"CASE WHEN len({items}) > {MOST} THEN error('{node.name}() of more than {MOST} distinct values') ELSE {items} END"
    return result(f"k_hll_merge('[' || {gathered(fits)} || ']')", "dynamic")


declare("hll")(_hll)
declare("hll_if", condition=1)(_hll)


def _merge(function: str) -> Any:
    def make(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
        del binder
        if value.type != "dynamic":
            raise Fault(f"{node.name}() takes a state, not a {value.type}", node.pos)
        return result(f"{function}({gathered(json_items(value, keep))})", "dynamic")

    return make


declare("hll_merge")(_merge("k_hll_merge"))
declare("tdigest_merge merge_tdigest")(_merge("k_tdigest_merge"))


def _tdigest(binder: Any, node: Call, scope: Any) -> Ex:
    value = binder.ex(node.args[0], scope)
    type_ = {"int": "long"}.get(value.type, value.type)
    if type_ == "decimal":
        raise refuse("tdigest() of a decimal", node.pos, "convert it: toreal(...)")
    if type_ not in ("long", "real", "datetime", "timespan"):
        raise Fault(f"tdigest() of a {value.type}", node.pos, hint="convert it: tolong(...) or toreal(...)")
    weight = "1"
    if len(node.args) > 1:
        weight = coerce(binder.ex(node.args[1], scope), "long", node.args[1].pos, "tdigest()")
    pairs = f"list({{'v': {value.sql}::VARCHAR, 'w': {weight}}}) FILTER (WHERE {value.sql} IS NOT NULL)"
    return result(f"k_tdigest(to_json({pairs})::VARCHAR, '{type_}')", "dynamic")


ONE["tdigest"] = _tdigest
