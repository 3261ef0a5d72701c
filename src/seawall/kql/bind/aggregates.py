"""Aggregates of summarize, with Kusto's answers for empty input: sums and counts 0, averages NaN, others null."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.kql.bind.names import derived
from seawall.kql.bind.values import INTEGERS, NUMBERS, Ex, to_json, to_real
from seawall.kql.errors import Fault, refuse
from seawall.kql.facts import builtins, near
from seawall.kql.functions.registry import result
from seawall.kql.tree import Call, Expr, Star

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.scope import Scope

Many = list[tuple[str, Ex]]
"""The columns of an aggregate that gives several: default names and values."""

MAX_LIST = 1_048_576


class Aggregates:
    """The part of the binder that reads aggregates."""

    ex: Callable[[Expr, Scope], Ex]
    test: Callable[..., str]
    constant: Callable[[Expr, Scope, str], Any]

    def aggregate(self, node: Call, scope: Scope) -> Ex:
        """Bind an aggregate that gives one value."""
        name = node.name
        inner = scope.inner()
        if name in MANY:
            many = self.aggregate_many(node, scope)
            if many is not None and len(many) == 1:
                return many[0][1]
            raise Fault(f"{name}() gives several columns: it cannot stand inside an expression", node.pos)
        maker = ONE.get(name)
        if maker is None:
            if name in builtins().aggregates:
                raise refuse(f"the aggregate {name}()", node.pos)
            raise Fault(f"there is no aggregate {name}()", node.pos, hint=near(name, builtins().aggregates))
        self.counted(node)
        return maker(self, node, inner)

    def aggregate_many(self, node: Call, scope: Scope) -> Many | None:
        """Bind an aggregate that gives several columns; None when `node` is not one."""
        maker = MANY.get(node.name)
        if maker is None:
            return None
        self.counted(node)
        return maker(self, node, scope.inner())

    def counted(self, node: Call) -> None:
        """Check how many arguments an aggregate is given."""
        known = builtins().aggregates[node.name]
        if not known.fewest <= len(node.args) <= known.most:
            raise Fault(
                f"{node.name}() takes {known.fewest} to {known.most} arguments, here are {len(node.args)}",
                node.pos,
            )


ONE: dict[str, Callable[[Any, Call, Any], Ex]] = {}
MANY: dict[str, Callable[[Any, Call, Any], Many]] = {}


def _filter(binder: Any, node: Call, scope: Any, index: int) -> str:
    return f" FILTER (WHERE {binder.test(node.args[index], scope, filtering=True)})"


def declare(
    name: str, *, condition: int | None = None
) -> Callable[[Callable[[Any, Call, Ex, str], Ex]], Callable[..., Ex]]:
    """Declare an aggregate of one value; `condition` is the index of the predicate of its `if` form."""

    def register(make: Callable[[Any, Call, Ex, str], Ex]) -> Callable[..., Ex]:
        def bound(binder: Any, node: Call, scope: Any) -> Ex:
            keep = _filter(binder, node, scope, condition) if condition is not None else ""
            return make(binder, node, binder.ex(node.args[0], scope), keep)

        for alias in name.split():
            ONE[alias] = bound
        return make

    return register


def _count(binder: Any, node: Call, scope: Any) -> Ex:
    if node.args and binder.ex(node.args[0], scope).type == "bool":
        raise refuse(
            "count() of a predicate", node.pos, "countif(...) counts where it holds, count() all rows"
        )
    return Ex("count(*)", "long")  # rows whose value is null count too (docs: summarize-operator, examples)


ONE["count"] = ONE["cnt"] = _count
ONE["countif"] = lambda binder, node, scope: Ex(f"count(*){_filter(binder, node, scope, 0)}", "long")


def _sum(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder
    if value.type in INTEGERS or value.type == "timespan":
        return Ex(
            f"coalesce(sum({value.sql}){keep}, 0)::BIGINT", "timespan" if value.type == "timespan" else "long"
        )
    if value.type == "real":
        return Ex(f"coalesce(sum({value.sql}){keep}, 0::DOUBLE)", "real")
    if value.type == "decimal":
        return Ex(f"coalesce(k_decimal_sum(to_json(list({value.sql}){keep})::VARCHAR), '0')", "decimal")
    if value.type == "datetime":
        raise refuse("sum() of a datetime", node.pos)
    raise Fault(f"{node.name}() of a {value.type}", node.pos, hint="convert it: tolong(...) or toreal(...)")


def _avg(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder
    if value.type in NUMBERS - {"decimal"}:
        return Ex(f"coalesce(avg({value.sql}){keep}, 'nan'::DOUBLE)", "real")
    if value.type in ("timespan", "datetime"):
        return Ex(f"(sum({value.sql}){keep} // nullif(count({value.sql}){keep}, 0))::BIGINT", value.type)
    if value.type == "decimal":
        return Ex(f"k_decimal_avg(to_json(list({value.sql}){keep})::VARCHAR)", "decimal")
    raise Fault(f"{node.name}() of a {value.type}", node.pos)


declare("sum")(_sum)
declare("sumif", condition=1)(_sum)
declare("avg")(_avg)
declare("avgif", condition=1)(_avg)


def _extreme(word: str) -> Callable[[Any, Call, Ex, str], Ex]:
    def make(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
        del binder
        if value.type in ("dynamic", "guid"):
            raise Fault(
                f"{node.name}() of a {value.type}", node.pos, hint="convert it: tostring(...) or toreal(...)"
            )
        if value.type == "decimal":
            return Ex(f"k_decimal_{word}(to_json(list({value.sql}){keep})::VARCHAR)", "decimal")
        if value.type == "string":
            return Ex(f"coalesce({word}({value.sql}){keep}, '')", "string")
        return Ex(f"{word}({value.sql}){keep}", value.type)

    return make


for _word in ("min", "max"):
    declare(_word)(_extreme(_word))
    declare(f"{_word}if", condition=1)(_extreme(_word))


def accuracy(binder: Any, node: Call, keep: str) -> None:
    """Check the accuracy of an estimate: 0 to 4 (docs: dcount, estimation accuracy); here all are exact."""
    at = 2 if keep else 1
    if len(node.args) > at:
        level = _constant(binder, node.args[at], "an accuracy")
        if type(level) is not int or not 0 <= level <= 4:
            raise Fault("an accuracy is 0, 1, 2, 3 or 4", node.args[at].pos)


def _dcount(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    if not node.name.startswith("count_"):
        accuracy(binder, node, keep)
    elif value.type == "dynamic":
        raise Fault(f"{node.name}() of a dynamic", node.pos, hint="convert it: tostring(...) or tolong(...)")
    return Ex(f"count(DISTINCT {value.sql}){keep}", "long")


declare("dcount count_distinct")(_dcount)
declare("dcountif count_distinctif", condition=1)(_dcount)


def _spread(function: str) -> Callable[[Any, Call, Ex, str], Ex]:
    def make(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
        del binder
        if value.type in (
            "timespan",
            "datetime",
        ):  # the analyser makes a real of it; in which unit, nobody says
            raise refuse(f"{node.name}() of a {value.type}", node.pos, "divide it by a timespan: t / 1s")
        if value.type not in NUMBERS:
            raise Fault(f"{node.name}() of a {value.type}", node.pos, hint="convert it: toreal(...)")
        return Ex(f"coalesce({function}({to_real(value)}){keep}, 0::DOUBLE)", "real")

    return make


for _word, _function in {
    "stdev": "stddev_samp",
    "stdevp": "stddev_pop",
    "variance": "var_samp",
    "variancep": "var_pop",
}.items():
    declare(_word)(_spread(_function))
    declare(f"{_word}if", condition=1)(_spread(_function))


def _covariance(function: str, condition: int | None) -> Callable[[Any, Call, Any], Ex]:
    def bound(binder: Any, node: Call, scope: Any) -> Ex:
        values = [binder.ex(arg, scope) for arg in node.args[:2]]
        for value in values:
            if value.type in ("datetime", "timespan"):
                raise refuse(f"{node.name}() of a {value.type}", node.pos, "divide it by a timespan: t / 1s")
            if value.type not in NUMBERS:
                raise Fault(f"{node.name}() of a {value.type}", node.pos, hint="convert it: toreal(...)")
        x, y = map(to_real, values)
        keep = _filter(binder, node, scope, condition) if condition is not None else ""
        return Ex(f"coalesce({function}({x}, {y}){keep}, 0::DOUBLE)", "real")

    return bound


ONE["covariance"] = _covariance("covar_samp", None)
ONE["covariancep"] = _covariance("covar_pop", None)
ONE["covarianceif"] = _covariance("covar_samp", 2)
ONE["covariancepif"] = _covariance("covar_pop", 2)


def _constant(binder: Any, arg: Expr, what: str) -> Any:
    from seawall.kql.bind.scope import Env, Scope

    return binder.constant(arg, Scope(None, Env()), what)


LEGACY = frozenset(("makelist", "makeset", "make_dictionary"))
LEGACY_LIMIT = 128
"""Elements that the old spellings give where no limit is given (docs: make_list, make_set, make_bag)."""


def _limit(binder: Any, node: Call, index: int) -> str:
    if len(node.args) <= index:
        return str(LEGACY_LIMIT if node.name in LEGACY else MAX_LIST)
    value = _constant(binder, node.args[index], "a size limit")
    if type(value) is not int:
        raise Fault("a size limit is a whole number", node.args[index].pos)
    return str(max(0, min(value, MAX_LIST)))


def json_items(value: Ex, keep: str, limit: str = "", *, nulls: bool = False) -> str:
    """Write the list of a group's values as JSON texts; NULL where there is none."""
    item = to_json(value)
    if nulls:
        item = f"coalesce({item}, 'null')"
    elif value.type != "string":
        drop = f"({item}) IS NOT NULL"
        keep = f"{keep[:-1]} AND {drop})" if keep else f" FILTER (WHERE {drop})"
    return f"list({item}){keep}" + (f"[1:{limit}]" if limit else "")


def joined(items: str) -> str:
    """Write a list of JSON texts as a JSON array; no list is an empty one."""
    return f"coalesce({gathered(items)}, '[]')"


def gathered(items: str) -> str:
    """Write a list of JSON texts as a JSON array; no list is null."""
    return f"('[' || array_to_string({items}, ',') || ']')"


def _make_list(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    return result(joined(json_items(value, keep, _limit(binder, node, 2 if keep else 1))), "dynamic")


def _make_set(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    limit = _limit(binder, node, 2 if keep else 1)
    return result(f"k_set({joined(json_items(value, keep))}, {limit})", "dynamic")


def _make_bag(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    if value.type != "dynamic":
        raise Fault(f"{node.name}() takes a dynamic, not a {value.type}", node.pos)
    limit = _limit(binder, node, 2 if keep else 1)
    return result(f"k_bag({joined(json_items(value, keep))}, {limit})", "dynamic")


declare("make_list makelist")(_make_list)
declare("make_list_if", condition=1)(_make_list)
declare("make_set makeset")(_make_set)
declare("make_set_if", condition=1)(_make_set)
declare("make_bag make_dictionary")(_make_bag)
declare("make_bag_if", condition=1)(_make_bag)
declare("make_list_with_nulls")(
    lambda _binder, _node, value, keep: result(
        joined(json_items(value, keep, str(MAX_LIST), nulls=True)), "dynamic"
    )
)


def _buildschema(binder: Any, node: Call, value: Ex, keep: str) -> Ex:
    del binder
    if value.type != "dynamic":
        raise Fault(
            f"buildschema() takes a dynamic, not a {value.type}", node.pos, hint="parse it: parse_json(...)"
        )
    return result(f"k_buildschema({gathered(json_items(value, keep))})", "dynamic")


declare("buildschema")(_buildschema)

for _word in ("and", "or", "xor"):

    def _bits(binder: Any, node: Call, value: Ex, keep: str, word: str = _word) -> Ex:
        del binder
        if value.type in ("real", "decimal", "datetime", "timespan"):
            raise refuse(f"{node.name}() of a {value.type}", node.pos, "it is documented for a long")
        if value.type not in INTEGERS:
            raise Fault(f"{node.name}() takes a long, not a {value.type}", node.pos)
        return Ex(f"bit_{word}({value.sql}){keep}", value.type)

    declare(f"binary_all_{_word}")(_bits)


# --- several columns ---------------------------------------------------------------------------------------


def _columns(
    binder: Any, args: tuple[Expr, ...], scope: Any, prefix: str, skip: str = "", first: int = 0
) -> list[tuple[str, Ex]]:
    """Bind what an aggregate returns besides: columns, expressions, or `*`.

    An expression without a name of its own is called by its place: `max_x_arg1` (measured on the analyser).
    """
    out: list[tuple[str, Ex]] = []
    for place, arg in enumerate(args, first):
        if isinstance(arg, Star):
            keys = getattr(binder, "group_names", ())
            out.extend(
                (col.name, col.ex) for col in scope.rel.visible if col.name != skip and col.name not in keys
            )
        else:
            out.append((derived(arg) or f"{prefix}_arg{place}", binder.ex(arg, scope)))
    return out


def _picked(struct: str, index: int, value: Ex) -> Ex:
    sql = f"({struct}).f{index}"
    if value.type == "string":
        sql = f"coalesce({sql}, '')"
    if value.type == "dynamic" and not value.rep:
        return Ex(sql, "dynamic", base=sql)
    return Ex(sql, value.type, value.rep)


def _struct(values: list[tuple[str, Ex]]) -> str:
    return "{" + ", ".join(f"'f{i}': {value.sql}" for i, (_, value) in enumerate(values)) + "}"


def _arg(word: str) -> Callable[[Any, Call, Any], Many]:
    def bound(binder: Any, node: Call, scope: Any) -> Many:
        if not node.args:
            raise Fault(f"{node.name}() takes at least one argument", node.pos)
        first = node.args[0]
        by = binder.ex(first, scope)
        if by.type in ("dynamic", "guid"):
            raise Fault(
                f"{node.name}() of a {by.type}", node.pos, hint="convert it: tostring(...) or toreal(...)"
            )
        name = derived(first)
        prefix = f"{word[4:]}_{name}"
        rest = _columns(binder, node.args[1:], scope, prefix, name, 1)
        values = [(name or prefix, by), *rest]
        if node.name == word.replace("_", ""):  # the old spelling names all its columns so (analyser)
            values = [
                (one if one.startswith(prefix) else f"{prefix}_{one}" if i else prefix, value)
                for i, (one, value) in enumerate(values)
            ]
        struct = _struct(values)
        order = f"k_decimal_key({by.sql})" if by.type == "decimal" else by.sql
        best = f"coalesce({word}({struct}, {order}), first({struct}))"
        if len(values) == 1 and by.type != "decimal":
            out = f"{word[4:]}({by.sql})"
            return [(values[0][0], Ex(f"coalesce({out}, '')" if by.type == "string" else out, by.type))]
        return [(one, _picked(best, i, value)) for i, (one, value) in enumerate(values)]

    return bound


for _name in ("arg_max", "argmax"):
    MANY[_name] = _arg("arg_max")
for _name in ("arg_min", "argmin"):
    MANY[_name] = _arg("arg_min")


def _named(prefix: str, name: str) -> str:
    return name if prefix == "any_" and re.fullmatch(r"any_arg\d+", name) else f"{prefix}{name}"


def _any(prefix: str, condition: bool) -> Callable[[Any, Call, Any], Many]:
    def bound(binder: Any, node: Call, scope: Any) -> Many:
        keep = _filter(binder, node, scope, len(node.args) - 1) if condition else ""
        args = node.args[:-1] if condition else node.args
        values = _columns(binder, args, scope, "any")
        if not values:
            raise Fault(f"{node.name}() takes at least one argument", node.pos)
        if len(values) == 1:
            name, value = values[0]
            if not derived(args[0]) and (condition or prefix):
                name = ""
            sql = (
                f"coalesce(any_value(nullif({value.sql}, '')){keep}, '')"
                if value.type == "string"
                else f"any_value({value.sql}){keep}"
            )
            return [
                (
                    _named(prefix, name),
                    Ex(
                        sql,
                        value.type,
                        value.rep,
                        base=sql if value.type == "dynamic" and not value.rep else "",
                    ),
                )
            ]
        struct = f"first({_struct(values)}){keep}"
        return [(_named(prefix, name), _picked(struct, i, value)) for i, (name, value) in enumerate(values)]

    return bound


MANY["any"] = _any("any_", condition=False)
MANY["take_any"] = _any("", condition=False)
MANY["anyif"] = _any("anyif_", condition=True)
MANY["take_anyif"] = _any("", condition=True)


__all__ = [
    "MANY",
    "MAX_LIST",
    "ONE",
    "Aggregates",
    "Many",
    "accuracy",
    "declare",
    "gathered",
    "joined",
    "json_items",
]
