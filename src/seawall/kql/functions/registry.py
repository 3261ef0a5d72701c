"""How built-in functions are declared: as SQL templates, or as Python that DuckDB calls row by row.

Parameters are written as words: `string` (strings and dynamics), `text` (anything, by its text), `long`, `real`,
`number`, `bool`, `datetime`, `timespan`, `guid`, `dynamic`, `json` (anything, as JSON), `any`; `?` marks optional
ones and a final `*` repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from seawall.kql.bind.values import (
    INTEGERS,
    NUMBERS,
    SQL_TYPES,
    Ex,
    json_text,
    to_bool,
    to_json,
    to_long,
    to_real,
    to_string,
    to_timespan,
)
from seawall.kql.errors import Fault

Bound = Callable[[Any, Any, Any], Ex]
"""(binder, call node, scope) -> bound expression."""

FUNCTIONS: dict[str, Bound] = {}
"""KQL name -> how it is bound."""


class Udf(msgspec.Struct, frozen=True):
    """A Python function as DuckDB sees it: SQL types of its parameters and result."""

    name: str
    params: tuple[str, ...]
    result: str
    call: Callable[..., Any]


UDFS: dict[str, Udf] = {}
"""SQL name (`k_...`) -> the Python behind it. Registered on a connection only when a query uses it."""


def coerce(ex: Ex, type_: str, pos: int, what: str) -> str:
    """Bring an argument to a parameter's type; raises where Kusto's analyser refuses it."""
    have = ex.type
    if type_ in ("text", "guid") and have != "dynamic":
        return to_string(ex)
    if type_ in ("string", "text"):
        if have in ("string", "dynamic"):
            return to_string(ex)
    elif type_ == "json":
        return to_json(ex)
    elif type_ == "any":
        return ex.sql
    elif type_ == "dynamic":
        if have == "dynamic":
            return to_json(ex)
    elif type_ == "long":
        if have in INTEGERS or have == "dynamic":  # KS134: a real is not cut to a whole number here
            return to_long(ex)
    elif type_ == "real":
        if have in NUMBERS or have == "dynamic":
            return to_real(ex)
    elif type_ == "number":
        if have in INTEGERS or have == "real":
            return ex.sql
        if have == "dynamic":
            return to_real(ex)
    elif type_ == "bool":
        if have in ("bool", "dynamic") or have in INTEGERS:
            return to_bool(ex)
    elif type_ == "decimal":
        if have == "decimal":
            return ex.sql
        if have in NUMBERS:
            return f"k_todecimal({ex.sql}::VARCHAR)"
    elif type_ in ("datetime", "timespan"):
        if have == type_:
            return ex.sql
        if have == "dynamic":
            return to_timespan(ex) if type_ == "timespan" else f"k_todatetime({to_string(ex)})"
    elif type_ == "guid" and have in ("guid", "string", "dynamic"):
        return to_string(ex)
    raise Fault(f"{what} takes a {type_} here, not a {have}", pos)


def result(sql: str, type_: str) -> Ex:
    """Make the expression of a call's result."""
    return Ex(sql, type_, base=sql if type_ == "dynamic" else "")


def _shape(params: str) -> tuple[list[str], int, bool]:
    words = params.split()
    endless = bool(words) and words[-1].endswith("*")
    fewest = sum(1 for word in words if not word.endswith(("?", "*")))
    return [word.rstrip("?*") for word in words], fewest, endless


def bind_args(binder: Any, node: Any, scope: Any, params: str) -> list[str]:
    """Bind and coerce the arguments of a call; absent optional ones are left out."""
    types, fewest, endless = _shape(params)
    name = node.name.lstrip("\0")
    given = [binder.ex(arg, scope) for arg in node.args]
    if len(given) < fewest or (len(given) > len(types) and not endless):
        count = (
            f"at least {fewest}"
            if endless
            else str(fewest)
            if fewest == len(types)
            else f"{fewest} to {len(types)}"
        )
        raise Fault(f"{name}() takes {count} arguments, here are {len(given)}", node.pos)
    return [
        coerce(ex, types[min(i, len(types) - 1)], arg.pos, f"{name}()")
        for i, (ex, arg) in enumerate(zip(given, node.args, strict=True))
    ]


def sql(name: str, params: str, type_: str, *templates: str) -> None:
    """Declare a function as SQL; of several templates the one for the count of arguments is taken."""
    fewest = _shape(params)[1]

    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        args = bind_args(binder, node, scope, params)
        template = templates[min(len(args) - fewest, len(templates) - 1)]
        return result(template.format(*args, all=", ".join(args)), type_)

    for one in name.split():
        FUNCTIONS[one] = bound


_PASS = object()


def _adapt(
    call: Callable[..., Any], types: tuple[str, ...], type_: str, required: int, *, loose: bool
) -> Callable[..., Any]:
    """Wrap a Python function: JSON is decoded and encoded, a null among the required arguments gives null."""
    decode = msgspec.json.decode
    at_json = tuple(i for i, t in enumerate(types) if t in ("dynamic", "json"))
    empty = "" if type_ == "string" else None

    def run(*args: Any) -> Any:
        values = list(args)
        if not loose:
            for i in range(required):
                if values[i] is None:
                    return empty
        for i in at_json:
            if values[i] is not None:
                values[i] = decode(values[i])
        out = call(*values)
        if out is None:
            return empty
        if type_ == "dynamic":
            return json_text(out)
        if type_ in ("long", "int", "datetime", "timespan") and not -(1 << 63) <= out < (1 << 63):
            return None
        return out

    return of_arity(len(types), run)


def of_arity(count: int, run: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function as many parameters as DuckDB shall see."""
    fixed: Callable[..., Any] = _ARITY[count](run)
    return fixed


_ARITY: dict[int, Callable[[Any], Any]] = {
    0: lambda run: lambda: run(),
    1: lambda run: lambda a: run(a),
    2: lambda run: lambda a, b: run(a, b),
    3: lambda run: lambda a, b, c: run(a, b, c),
    4: lambda run: lambda a, b, c, d: run(a, b, c, d),
    5: lambda run: lambda a, b, c, d, e: run(a, b, c, d, e),
    6: lambda run: lambda a, b, c, d, e, f: run(a, b, c, d, e, f),
    7: lambda run: lambda a, b, c, d, e, f, g: run(a, b, c, d, e, f, g),
}


def udf(name: str, params: str, type_: str, call: Callable[..., Any], *, loose: bool = False) -> None:
    """Register Python under an SQL name (without its `k_`)."""
    types, required, _ = _shape(params)
    UDFS[f"k_{name}"] = Udf(
        f"k_{name}",
        tuple(
            {"text": "VARCHAR", "json": "VARCHAR", "number": "DOUBLE"}.get(t) or SQL_TYPES[t] for t in types
        ),
        SQL_TYPES[type_],
        _adapt(call, tuple(types), type_, required, loose=loose),
    )


def _told(value: float | None) -> str | None:
    return None if value is None else repr(float(value))


def python(
    name: str, params: str, type_: str, *, loose: bool = False, sql_name: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare KQL functions (names in one text) as Python; with `loose` the function sees nulls itself."""
    names = name.split()
    inner = sql_name or names[0]
    types, _, _ = _shape(params)

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        if type_ == "real":  # DuckDB takes a NaN that Python gives for NULL: reals come as their texts
            udf(inner, params, "guid", lambda *given: _told(call(*given)), loose=loose)
        else:
            udf(inner, params, type_, call, loose=loose)

        def bound(binder: Any, node: Any, scope: Any) -> Ex:
            args = bind_args(binder, node, scope, params)
            args += ["NULL"] * (len(types) - len(args))
            return result(f"k_{inner}({', '.join(args)})" + ("::DOUBLE" if type_ == "real" else ""), type_)

        for one in names:
            FUNCTIONS[one] = bound
        return call

    return register


def special(name: str) -> Callable[[Bound], Bound]:
    """Declare functions that bind their call themselves."""

    def register(bound: Bound) -> Bound:
        for one in name.split():
            FUNCTIONS[one] = bound
        return bound

    return register


__all__ = [
    "FUNCTIONS",
    "UDFS",
    "Udf",
    "bind_args",
    "coerce",
    "of_arity",
    "partial",
    "python",
    "result",
    "special",
    "sql",
    "udf",
]
