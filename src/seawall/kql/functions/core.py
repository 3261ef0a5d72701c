"""Conversions, conditions, nulls: the functions that every query uses."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.kql.bind.scope import Scope
from seawall.kql.bind.values import (
    INTEGERS,
    NUMBERS,
    SQL_TYPES,
    Ex,
    literal,
    quote,
    to_bool,
    to_json,
    to_long,
    to_real,
    to_string,
    to_timespan,
)
from seawall.kql.errors import Fault, Whole, refuse
from seawall.kql.functions.registry import result, special, sql, udf
from seawall.kql.temporal import MAX_DATETIME, format_timespan, parse_datetime, parse_timespan
from seawall.kql.tree import Lit, Name, Star, TypeOf


def _one(binder: Any, node: Any, scope: Any) -> Ex:
    if len(node.args) != 1:
        raise Fault(f"{node.name}() takes one argument, here are {len(node.args)}", node.pos)
    value: Ex = binder.ex(node.args[0], scope)
    return value


# --- conversions -------------------------------------------------------------------------------------------


@special("tostring")
def tostring(binder: Any, node: Any, scope: Any) -> Ex:
    """`tostring(value)`."""
    value = _one(binder, node, scope)
    return value if value.type == "string" else Ex(to_string(value), "string")


@special("tolong")
def tolong(binder: Any, node: Any, scope: Any) -> Ex:
    """`tolong(value)`."""
    return Ex(to_long(_one(binder, node, scope)), "long")


@special("toint")
def toint(binder: Any, node: Any, scope: Any) -> Ex:
    """`toint(value)`."""
    return Ex(to_long(_one(binder, node, scope), 32), "int")


@special("todouble toreal")
def toreal(binder: Any, node: Any, scope: Any) -> Ex:
    """`toreal(value)`."""
    return Ex(to_real(_one(binder, node, scope)), "real")


@special("tobool toboolean")
def tobool(binder: Any, node: Any, scope: Any) -> Ex:
    """`tobool(value)`."""
    return Ex(to_bool(_one(binder, node, scope)), "bool")


@special("todatetime")
def todatetime(binder: Any, node: Any, scope: Any) -> Ex:
    """`todatetime(value)`."""
    value = _one(binder, node, scope)
    if value.type == "datetime":
        return value
    if value.type == "string" and value.known:
        return literal(parse_datetime(value.const), "datetime")
    if value.type in ("string", "dynamic"):
        return Ex(f"k_todatetime({to_string(value)})", "datetime")
    if value.type in INTEGERS:
        # A whole number counts ticks, as .NET does.
        return Ex(f"CASE WHEN {value.sql} BETWEEN 0 AND {MAX_DATETIME} THEN {value.sql} END", "datetime")
    raise Fault(f"todatetime() takes no {value.type}", node.pos)


@special("totimespan totime")
def totimespan(binder: Any, node: Any, scope: Any) -> Ex:
    """`totimespan(value)`."""
    value = _one(binder, node, scope)
    if value.type == "timespan":
        return value
    if value.type == "guid":
        raise Fault("totimespan() takes no guid", node.pos)
    return Ex(to_timespan(value), "timespan")


@special("toguid")
def toguid(binder: Any, node: Any, scope: Any) -> Ex:
    """`toguid(value)`."""
    value = _one(binder, node, scope)
    if value.type not in ("string", "dynamic", "guid"):
        raise Fault(f"toguid() takes a string or a dynamic, not a {value.type}", node.pos)
    return Ex(f"TRY_CAST({to_string(value)} AS UUID)::VARCHAR", "guid")


@special("todynamic toobject parse_json parsejson")
def parse_json(binder: Any, node: Any, scope: Any) -> Ex:
    """`parse_json(text)`: a text that is no JSON becomes a dynamic string (R19)."""
    value = _one(binder, node, scope)
    if value.type == "dynamic":
        if value.rep in ("", "bool", "long", "real"):
            return value
        text = value.sql
        return result(f"k_parse_json({text})", "dynamic")
    if value.type != "string":
        return result(to_json(value), "dynamic")
    if value.known:
        return literal(loads(value.const), "dynamic")
    return result(f"k_parse_json({value.sql})", "dynamic")


def loads(text: str) -> Any:
    """Read JSON as parse_json does."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return text


udf("parse_json", "string", "dynamic", loads)
udf("todatetime", "string", "datetime", parse_datetime)
udf("totimespan", "string", "timespan", parse_timespan)
udf("timespan_text", "timespan", "string", format_timespan)


@special("todecimal")
def todecimal(binder: Any, node: Any, scope: Any) -> Ex:
    """`todecimal(value)`."""
    value = _one(binder, node, scope)
    if value.type == "decimal":
        return value
    return Ex(f"k_todecimal({to_string(value)})", "decimal")


@special("gettype")
def gettype(binder: Any, node: Any, scope: Any) -> Ex:
    """`gettype(value)`: known from the type, except below dynamic values (docs: gettype)."""
    value = _one(binder, node, scope)
    if value.type != "dynamic":
        return literal(value.type, "string")
    if value.rep:
        return Ex(
            f"CASE WHEN {value.sql} IS NULL THEN 'null' ELSE {quote({'real': 'double'}.get(value.rep, value.rep))} END",
            "string",
        )
    return Ex(
        f"CASE json_type({value.sql}) WHEN 'VARCHAR' THEN 'string' WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' "
        "WHEN 'BOOLEAN' THEN 'bool' WHEN 'DOUBLE' THEN 'double' WHEN 'UBIGINT' THEN 'long' WHEN 'BIGINT' THEN 'long' ELSE 'null' END",
        "string",
    )


# --- nulls -------------------------------------------------------------------------------------------------


def _empty(value: Ex) -> str:
    if value.type == "string":
        return f"({value.sql} = '')"
    if value.type == "dynamic" and value.rep in ("", "string"):
        return f"({to_string(value)} = '')"
    return f"({value.sql} IS NULL)"


@special("isnull")
def isnull(binder: Any, node: Any, scope: Any) -> Ex:
    """`isnull(value)`: a string has no null."""
    value = _one(binder, node, scope)
    return literal(False, "bool") if value.type == "string" else Ex(f"({value.sql} IS NULL)", "bool")


@special("isnotnull notnull")
def isnotnull(binder: Any, node: Any, scope: Any) -> Ex:
    """`isnotnull(value)`."""
    value = _one(binder, node, scope)
    return literal(True, "bool") if value.type == "string" else Ex(f"({value.sql} IS NOT NULL)", "bool")


@special("isempty")
def isempty(binder: Any, node: Any, scope: Any) -> Ex:
    """`isempty(value)`: null or the empty string."""
    return Ex(_empty(_one(binder, node, scope)), "bool")


@special("isnotempty notempty")
def isnotempty(binder: Any, node: Any, scope: Any) -> Ex:
    """`isnotempty(value)`."""
    return Ex(f"(NOT {_empty(_one(binder, node, scope))})", "bool")


# --- conditions --------------------------------------------------------------------------------------------


def common(values: list[Ex], pos: int, what: str) -> str:
    """Find the type that several results share, as the analyser does: the widest number, else the one type.

    A dynamic yields to the other type; strings and numbers together become dynamic.
    """
    types = {value.type for value in values}
    plain = types - {"dynamic"}
    if not plain:
        return "dynamic"
    if len(plain) == 1:
        return plain.pop()
    if plain <= NUMBERS:
        return next(t for t in ("decimal", "real", "long", "int") if t in plain)
    del pos, what
    return "dynamic"


def convert(value: Ex, type_: str, pos: int) -> str:
    """Write a result in the type that was found."""
    if value.known and value.const is None:
        return "''" if type_ == "string" else f"NULL::{SQL_TYPES[type_]}"
    if value.type == type_:
        return to_json(value) if type_ == "dynamic" else value.sql
    if type_ == "dynamic":
        return to_json(value)
    if type_ == "string":
        return to_string(value)
    if type_ in ("long", "int"):
        return to_long(value)
    if type_ == "real":
        return to_real(value)
    if type_ == "bool":
        return to_bool(value)
    if type_ == "decimal":
        return f"k_todecimal({to_string(value)})"
    if type_ == "timespan":
        return to_timespan(value)
    if type_ == "datetime":
        return f"k_todatetime({to_string(value)})"
    if type_ == "guid":
        return f"TRY_CAST({to_string(value)} AS UUID)::VARCHAR"
    raise Fault(f"a {value.type} and a {type_} do not go together here", pos)


@special("iff iif")
def iff(binder: Any, node: Any, scope: Any) -> Ex:
    """`iff(if, then, else)`."""
    if len(node.args) != 3:
        raise Fault(f"{node.name}() takes 3 arguments, here are {len(node.args)}", node.pos)
    test = binder.test(node.args[0], scope, filtering=True)
    then, other = binder.ex(node.args[1], scope), binder.ex(node.args[2], scope)
    type_ = common([then, other], node.pos, node.name)
    return result(
        f"CASE WHEN {test} THEN {convert(then, type_, node.pos)} ELSE {convert(other, type_, node.pos)} END",
        type_,
    )


@special("case")
def case(binder: Any, node: Any, scope: Any) -> Ex:
    """`case(if, then, ..., else)`."""
    if len(node.args) % 2 == 0 or len(node.args) < 3:
        raise Fault("case() takes pairs of a predicate and a value, and one value at the end", node.pos)
    tests = [binder.test(arg, scope, filtering=True) for arg in node.args[:-1:2]]
    values = [binder.ex(arg, scope) for arg in (*node.args[1:-1:2], node.args[-1])]
    type_ = common(values, node.pos, "case")
    branches = " ".join(
        f"WHEN {test} THEN {convert(value, type_, node.pos)}"
        for test, value in zip(tests, values[:-1], strict=True)
    )
    return result(f"CASE {branches} ELSE {convert(values[-1], type_, node.pos)} END", type_)


@special("coalesce")
def coalesce(binder: Any, node: Any, scope: Any) -> Ex:
    """`coalesce(a, b, ...)`: the first that is not null, for strings the first that is not empty."""
    values = binder.args(node, scope)
    if len(values) < 2:
        raise Fault("coalesce() takes at least 2 arguments", node.pos)
    type_ = common(values, node.pos, "coalesce")
    if type_ == "dynamic" and any(value.type != "dynamic" for value in values):
        raise Fault("coalesce() finds no type that its arguments share", node.pos, hint="convert them alike")
    if type_ == "string":
        inner = ", ".join(f"nullif({convert(value, type_, node.pos)}, '')" for value in values)
        return Ex(f"coalesce({inner}, '')", type_)
    return result(f"coalesce({', '.join(convert(value, type_, node.pos) for value in values)})", type_)


@special("not")
def negate(binder: Any, node: Any, scope: Any) -> Ex:
    """`not(predicate)`."""
    if len(node.args) != 1:
        raise Fault("not() takes one argument", node.pos)
    return Ex(f"(NOT {binder.test(node.args[0], scope, filtering=False)})", "bool")


def _extreme(word: str, decimals: str) -> Any:
    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        values = binder.args(node, scope)
        if any(value.type == "dynamic" for value in values):  # KS206
            raise Fault(
                f"{node.name}() takes no dynamic", node.pos, hint="convert it: tolong(...), tostring(...)"
            )
        type_ = common(values, node.pos, node.name)
        if type_ in ("dynamic", "guid"):
            raise Fault(f"{node.name}() finds no type that its arguments share", node.pos)
        parts = [convert(value, type_, node.pos) for value in values]
        if type_ == "decimal":
            texts = " || ',' || ".join(f"coalesce('\"' || {part} || '\"', 'null')" for part in parts)
            return Ex(f"{decimals}('[' || {texts} || ']')", type_)
        return Ex(f"{word}({', '.join(parts)})", type_)

    return bound


special("min_of")(_extreme("least", "k_decimal_min"))
special("max_of")(_extreme("greatest", "k_decimal_max"))


# --- columns and types -------------------------------------------------------------------------------------


@special("column_ifexists columnifexists")
def column_ifexists(binder: Any, node: Any, scope: Any) -> Ex:
    """`column_ifexists(name, default)`."""
    if len(node.args) != 2 or not isinstance(node.args[0], Lit) or not isinstance(node.args[0].value, str):
        raise Fault("column_ifexists() takes a column's name in quotes and a value", node.pos)
    name = node.args[0].value
    if scope.rel is not None and name in scope.rel.names:
        out: Ex = binder.name(Name(node.pos, name), scope)
        return out
    default: Ex = binder.ex(node.args[1], scope)
    return default


@special("iscolumnexists")
def iscolumnexists(binder: Any, node: Any, scope: Any) -> Ex:
    """`iscolumnexists(name)`."""
    del binder
    name = getattr(node.args[0], "value", getattr(node.args[0], "name", "")) if len(node.args) == 1 else None
    if not isinstance(name, str):
        raise Fault("iscolumnexists() takes a column's name", node.pos)
    return literal(scope.rel is not None and name in scope.rel.names, "bool")


_SIZES = {"bool": 1, "int": 4, "long": 8, "real": 8, "datetime": 8, "timespan": 8, "guid": 16}
"""Bytes of a value (docs: data types; estimate_data_size, estimate-table-size)."""


@special("estimate_data_size")
def estimate_data_size(binder: Any, node: Any, scope: Any) -> Ex:
    """`estimate_data_size(*)` or of columns: bytes by type, a text by its length."""
    values = [
        value
        for arg in node.args
        for value in (
            [col.ex for col in scope.rel.visible]
            if isinstance(arg, Star) and scope.rel is not None
            else [binder.ex(arg, scope)]
        )
    ]
    for value in values:
        if value.type not in _SIZES and value.type != "string":
            raise refuse(f"estimate_data_size() of a {value.type}", node.pos)
    parts = [f"strlen({one.sql})" if one.type == "string" else str(_SIZES[one.type]) for one in values]
    return Ex(f"({' + '.join(parts) or '0'})::BIGINT", "long")


@special("pack_all bag_pack_columns")
def pack_all(binder: Any, node: Any, scope: Any) -> Ex:
    """`pack_all([ignore null and empty])` and `bag_pack_columns(a, b)`."""
    if scope.rel is None:
        raise Fault(f"{node.name}() needs a table", node.pos)
    if node.name == "bag_pack_columns":
        pairs = [(arg.name, binder.ex(arg, scope)) for arg in node.args if isinstance(arg, Name)]
        skip = False
    else:
        pairs = [(col.name, col.ex) for col in scope.rel.visible]
        skip = (
            bool(node.args)
            and not isinstance(node.args[0], Star)
            and bool(binder.constant(node.args[0], scope, "an argument"))
        )
    parts: list[str] = []
    for name, value in pairs:
        key = quote(f'"{name}":' if name.isidentifier() else msgspec.json.encode(name).decode() + ":")
        text = f"{key} || coalesce({to_json(value)}, 'null')"
        parts.append(f"CASE WHEN {_empty(value)} THEN NULL ELSE {text} END" if skip else text)
    return result(f"('{{' || concat_ws(',', {', '.join(parts)}) || '}}')" if parts else "'{}'", "dynamic")


def type_argument(node: Any) -> str:
    """Read the type in `typeof(T)`."""
    if isinstance(node, TypeOf) and len(node.columns) == 1:
        return node.columns[0][1]
    raise Fault("typeof(...) with one type is expected here", node.pos)


@special("toscalar")
def toscalar(binder: Any, node: Any, scope: Any) -> Ex:
    """`toscalar(table)`: the first cell."""
    if len(node.args) != 1:
        raise Fault("toscalar() takes one query", node.pos)
    arg = node.args[0]
    if not binder.is_tabular(arg, scope.env):
        value: Ex = binder.ex(arg, Scope(None, scope.env))
        value = Ex(to_json(value), "dynamic", const=value.const) if value.rep else value
        return value if value.known else result(binder.fixed(value.sql, node, scope.env), value.type)
    rel = binder.table_of(arg, scope.env)
    if not rel.cols:
        raise Fault("this table has no columns", node.pos)
    if binder.part_columns(rel):
        raise Whole("toscalar() of what is inside mv-apply or partition", node.pos)
    one = rel.replace([rel.cols[0]])
    type_ = one.cols[0].ex.type
    if one.cols[0].ex.rep:
        one = one.replace([type(one.cols[0])(one.cols[0].name, Ex(to_json(one.cols[0].ex), "dynamic"))])
    text, seen = one.select()
    inner = f"(SELECT {seen[0].name} FROM ({text}) LIMIT 1)"
    if type_ == "string":
        inner = f"coalesce({inner}, '')"
    return result(binder.fixed(inner, node, scope.env), type_)


@special("assert")
def check(binder: Any, node: Any, scope: Any) -> Ex:
    """`assert(condition, message)`: true, or the query fails with the message."""
    if len(node.args) != 2:
        raise Fault("assert() takes a condition and a message", node.pos)
    test = binder.test(node.args[0], scope, filtering=False)
    message = to_string(binder.ex(node.args[1], scope))
    return Ex(
        f"CASE WHEN {test} THEN true ELSE error('assert() has failed with message: ''' || {message} || '''') END",
        "bool",
    )


sql("new_guid", "", "guid", "uuid()::VARCHAR")


@special("column_names_of")
def column_names_of(binder: Any, node: Any, scope: Any) -> Ex:
    """`column_names_of(table)`: an array of its columns' names."""
    if len(node.args) != 1:
        raise Fault("column_names_of() takes a table", node.pos)
    return literal([col.name for col in binder.table_of(node.args[0], scope.env).visible], "dynamic")
