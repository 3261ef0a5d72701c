"""Arithmetic of numbers, datetimes and timespans (docs: numerical-operators, datetime-timespan-arithmetic)."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind import compare
from seawall.kql.bind.values import (
    INTEGERS,
    NUMBERS,
    UNKNOWN,
    Ex,
    literal,
    quote,
    to_long,
    to_real,
    to_timespan,
)
from seawall.kql.errors import Fault

ARITHMETIC = frozenset("+-*/%")


def arithmetic(op: str, left: Ex, right: Ex, pos: int) -> Ex:
    """Bind `+ - * / %` (docs: numerical-operators, datetime-timespan-arithmetic; types as the analyser has them)."""
    lt, rt = left.type, right.type
    if lt == "dynamic" or rt == "dynamic":
        if lt == rt:
            raise Fault(
                f"the operator {op!r} of two dynamic values",
                pos,
                hint="convert them: tolong(...) or toreal(...)",
            )
        return arithmetic(
            op, _dynamic_number(left, right, op, pos), _dynamic_number(right, left, op, pos), pos
        )
    if lt in NUMBERS and rt in NUMBERS:
        return _numbers(op, left, right)
    a, b = left.sql, right.sql
    pair = (lt, op, rt)
    out: tuple[str, str] | None = None
    if pair == ("datetime", "-", "datetime"):
        out = f"({a} - {b})", "timespan"
    elif lt == "datetime" and rt == "timespan" and op in "+-":
        out = f"({a} {op} {b})", "datetime"
    elif pair == ("timespan", "+", "datetime"):
        out = f"({a} + {b})", "datetime"
    elif lt == "timespan" and rt == "timespan":
        if op in "+-":
            out = f"({a} {op} {b})", "timespan"
        elif op == "/":
            out = f"({a}::DOUBLE / {b}::DOUBLE)", "real"
        elif op == "%":
            out = _modulo(a, b), "timespan"
    elif lt == "timespan" and rt in NUMBERS and rt != "decimal":
        if op == "*":
            out = (f"({a} * {b})" if rt in INTEGERS else f"trunc({a} * {b})::BIGINT"), "timespan"
        elif op == "/":
            out = (
                (f"({a} // nullif({b}, 0))" if rt in INTEGERS else f"TRY_CAST(trunc({a} / {b}) AS BIGINT)"),
                "timespan",
            )
    elif rt == "timespan" and lt in NUMBERS and lt != "decimal" and op == "*":
        out = (f"({a} * {b})" if lt in INTEGERS else f"trunc({a} * {b})::BIGINT"), "timespan"
    if out is None:
        raise compare.undefined(op, left, right, pos)
    const = UNKNOWN
    if left.known and right.known:
        const = _fold(op, left, right, out[1])
        if const is not UNKNOWN:
            return literal(const, out[1])
    return Ex(out[0], out[1])


def _dynamic_number(value: Ex, other: Ex, op: str, pos: int) -> Ex:
    if value.type != "dynamic":
        return value
    if other.type in INTEGERS:
        return Ex(to_long(value), "long")
    if other.type == "real":
        return Ex(to_real(value), "real")
    if other.type == "datetime":
        return Ex(f"k_todatetime({compare.dynamic_text(value, '')})", "datetime")
    if other.type == "timespan":
        return Ex(to_timespan(value), "timespan")
    raise compare.undefined(op, value, other, pos)


def _modulo(a: str, b: str) -> str:
    # Kusto's result is never negative: 0 <= a % b < |b| (docs: numerical-operators).
    return f"((({a} % nullif({b}, 0)) + abs({b})) % nullif(abs({b}), 0))"


def _numbers(op: str, left: Ex, right: Ex) -> Ex:
    a, b = left.sql, right.sql
    if "decimal" in (left.type, right.type):
        x = a if left.type == "decimal" else f"k_todecimal({_text(left)})"
        y = b if right.type == "decimal" else f"k_todecimal({_text(right)})"
        return Ex(f"k_decimal({quote(op)}, {x}, {y})", "decimal")
    type_ = "real" if "real" in (left.type, right.type) else "long"
    if left.known and right.known:
        const = _fold(op, left, right, type_)
        if const is not UNKNOWN:
            return literal(const, type_)
    if op == "/":
        return Ex(f"({a} / {b})" if type_ == "real" else f"({a} // nullif({b}, 0))", type_)
    if op == "%":
        if type_ == "real":
            # From 0 up to, not including, the size of the divisor (docs: numerical-operators).
            size = f"abs({b}::DOUBLE)"
            return Ex(f"((({a}::DOUBLE % {size}) + {size}) % {size})", type_)
        return Ex(_modulo(a, b), type_)
    return Ex(f"({a} {op} {b})", type_)


def wrapped(op: str, left: Ex, right: Ex) -> Ex:
    """Write `+ - *` of whole numbers that keeps the low 64 bits, as Kusto does, where DuckDB's own fails.

    Ten times as slow: a query is written so only after it has overflowed.
    """
    a, b = (to_long(one) if one.type == "dynamic" else one.sql for one in (left, right))
    exact = f"({a}::HUGEINT {op} {b}::HUGEINT)"
    return Ex(
        f"((({exact} + 9223372036854775808) % 18446744073709551616 + 18446744073709551616)"
        " % 18446744073709551616 - 9223372036854775808)::BIGINT",
        "long",
    )


def _text(ex: Ex) -> str:
    return f"{ex.sql}::VARCHAR"


def _fold(op: str, left: Ex, right: Ex, type_: str) -> Any:
    """Work out `+ - *` of literals, so that `ago(2 * 7d)` and limits are known; UNKNOWN where it is left to DuckDB."""
    if left.const is None or right.const is None:
        return None
    if op not in "+-*":
        return UNKNOWN
    value = (
        left.const + right.const
        if op == "+"
        else left.const - right.const
        if op == "-"
        else left.const * right.const
    )
    if type_ == "real":
        return float(value)
    if isinstance(value, float):
        return UNKNOWN
    return value if -(1 << 63) <= value < (1 << 63) else UNKNOWN
