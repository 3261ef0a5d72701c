"""The aggregates that gather states: hll, tdigest and their merges, and those of decimals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.aggregates import MAX_LIST, ONE, declare, joined, json_items
from seawall.kql.bind.values import NUMBERS, Ex, to_json, to_real
from seawall.kql.errors import Fault
from seawall.kql.functions.registry import result

if TYPE_CHECKING:
    from seawall.kql.tree import Call


def _hll(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder, node
    if value.type == "dynamic":
        value = Ex(to_json(value), "dynamic")
    return result(f"k_hll_merge('[' || {joined(json_items(value, keep, str(MAX_LIST)))} || ']')", "dynamic")


declare("hll")(_hll)
declare("hll_if", condition=1)(_hll)


def _merge(function: str) -> Any:
    def make(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
        del binder
        if value.type != "dynamic":
            raise Fault(f"{node.name}() takes a state, not a {value.type}", node.pos)
        return result(f"{function}({joined(json_items(value, keep, str(MAX_LIST)))})", "dynamic")

    return make


declare("hll_merge")(_merge("k_hll_merge"))
declare("tdigest_merge merge_tdigest")(_merge("k_tdigest_merge"))


def _tdigest(binder: Any, node: Call, scope: Any) -> Ex:
    value = binder.ex(node.args[0], scope)
    if value.type not in NUMBERS - {"decimal"} | {"datetime", "timespan"}:
        raise Fault(f"tdigest() of a {value.type}", node.pos)
    weight = to_real(binder.ex(node.args[1], scope)) if len(node.args) > 1 else "1"
    pairs = f"list([{value.sql}::DOUBLE, {weight}::DOUBLE]) FILTER (WHERE {value.sql} IS NOT NULL)"
    return result(f"k_tdigest(coalesce(to_json({pairs})::VARCHAR, '[]'))", "dynamic")


ONE["tdigest"] = _tdigest
