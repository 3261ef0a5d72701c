"""Functions on numbers (docs: query/mathematical functions); decimals as .NET's SqlDecimal keeps them."""

from __future__ import annotations

import decimal
import math
from typing import Any

from seawall.kql.bind.values import INTEGERS, NUMBERS, Ex, to_long, to_real
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.registry import coerce, python, special, sql, udf
from seawall.kql.tree import Call

_REALS = {
    # null below zero (docs: sqrt, log, log2, log10)
    "sqrt": "CASE WHEN {0} >= 0 THEN sqrt({0}) END",
    "exp": "exp({0})",
    "exp2": "pow(2::DOUBLE, {0})",
    "exp10": "pow(10::DOUBLE, {0})",
    "log": "CASE WHEN {0} > 0 THEN ln({0}) WHEN {0} = 0 THEN '-inf'::DOUBLE END",
    "log2": "CASE WHEN {0} > 0 THEN log2({0}) WHEN {0} = 0 THEN '-inf'::DOUBLE END",
    "log10": "CASE WHEN {0} > 0 THEN log10({0}) WHEN {0} = 0 THEN '-inf'::DOUBLE END",
    "sin": "sin({0})",
    "cos": "cos({0})",
    "tan": "tan({0})",
    "cot": "(1 / tan({0}))",
    "atan": "atan({0})",
    "degrees": "degrees({0})",
    "radians": "radians({0})",
    # null outside [-1, 1], NaN for NaN (duckdb-kql, measured on the emulator)
    "asin": "CASE WHEN isnan({0}) THEN {0} WHEN {0} BETWEEN -1 AND 1 THEN asin({0}) END",
    "acos": "CASE WHEN isnan({0}) THEN {0} WHEN {0} BETWEEN -1 AND 1 THEN acos({0}) END",
}
for _name, _template in _REALS.items():
    sql(_name, "real", "real", _template)
sql("pow", "real real", "real", "pow({0}, {1})")
sql("atan2", "real real", "real", "atan2({0}, {1})")
sql("pi", "", "real", "pi()")
# 0 for a null and for NaN (duckdb-kql, measured on the emulator)
sql("sign", "real", "real", "coalesce(sign({0}), 0)::DOUBLE")
sql("isnan", "real", "bool", "isnan({0})")
sql("isinf", "real", "bool", "isinf({0})")
sql("isfinite", "real", "bool", "isfinite({0})")
sql("rand", "long?", "real", "random()", "floor(random() * {0})")
sql("binary_and", "long long", "long", "({0} & {1})")
sql("binary_or", "long long", "long", "({0} | {1})")
sql("binary_xor", "long long", "long", "xor({0}, {1})")
sql("binary_not", "long", "long", "(~{0})")
sql("bitset_count_ones", "long", "long", "bit_count({0})::BIGINT")


@python("binary_shift_left", "long long", "long")
def shift_left(value: int, count: int) -> int | None:
    """`binary_shift_left(value, count)`: the count is taken modulo 64, a negative one gives null."""
    if count < 0:
        return None
    out = (value << (count % 64)) & 0xFFFFFFFFFFFFFFFF
    return out - (1 << 64) if out >= 1 << 63 else out


@python("binary_shift_right", "long long", "long")
def shift_right(value: int, count: int) -> int | None:
    """`binary_shift_right(value, count)`."""
    return None if count < 0 else value >> (count % 64)


def _number(binder: Any, node: Any, scope: Any, index: int = 0) -> Ex:
    value: Ex = binder.ex(node.args[index], scope)
    if value.type == "dynamic":
        return Ex(to_real(value), "real")
    if value.type not in NUMBERS and value.type != "timespan":
        raise Fault(f"{node.name}() takes a number, not a {value.type}", node.pos)
    return value


@special("abs")
def absolute(binder: Any, node: Any, scope: Any) -> Ex:
    """`abs(x)` of a number or timespan."""
    value = _number(binder, node, scope)
    if value.type == "decimal":
        return Ex(f"ltrim({value.sql}, '-')", "decimal")
    return Ex(f"abs({value.sql})", "long" if value.type == "int" else value.type)


@special("ceiling")
def ceiling(binder: Any, node: Any, scope: Any) -> Ex:
    """`ceiling(x)`."""
    value = _number(binder, node, scope)
    if value.type == "decimal":
        return Ex(f"k_decimal_round({value.sql}, NULL, 'ceiling')", "decimal")
    return Ex(f"ceil({value.sql})", "real") if value.type == "real" else value


@special("round")
def rounded(binder: Any, node: Any, scope: Any) -> Ex:
    """`round(x [, digits])`: half away from zero, on the double as it is."""
    value = _number(binder, node, scope)
    digits = (
        coerce(binder.ex(node.args[1], scope), "long", node.args[1].pos, "round()")
        if len(node.args) > 1
        else ""
    )
    if value.type == "decimal":
        return Ex(f"k_decimal_round({value.sql}, {digits or 'NULL'}, 'half')", "decimal")
    if value.type in INTEGERS and not digits:
        return value
    type_ = "real" if value.type == "real" else "long"
    out = (
        f"round({value.sql}::DOUBLE, least(greatest({digits}, -400), 400)::INTEGER)"
        if digits
        else f"round({value.sql}::DOUBLE)"
    )
    return Ex(out if type_ == "real" else f"{out}::BIGINT", type_)


@special("bin floor")
def binned(binder: Any, node: Any, scope: Any) -> Ex:
    """`bin(value, size)`: down to a multiple of size, counted from zero (a datetime's zero is 0001-01-01)."""
    if len(node.args) == 1 and node.name == "floor":
        value = _number(binder, node, scope)
        return Ex(f"floor({value.sql})", "real") if value.type == "real" else value
    if len(node.args) != 2:
        raise Fault(f"{node.name}() takes 2 arguments, here are {len(node.args)}", node.pos)
    return bin_of(binder.ex(node.args[0], scope), binder.ex(node.args[1], scope), node.pos)


def bin_of(value: Ex, size: Ex, pos: int) -> Ex:
    """Bind `bin`."""
    if value.type == "dynamic":
        value = Ex(to_long(value), "long") if size.type in INTEGERS else Ex(to_real(value), "real")
    if size.type == "dynamic":
        size = Ex(to_real(size), "real")
    a, b = value.sql, size.sql
    if value.type in ("datetime", "timespan"):
        if size.type != "timespan":
            raise Fault(f"bin() of a {value.type} takes a timespan, not a {size.type}", pos)
        return Ex(_whole_bin(a, b, size), value.type)
    if value.type in INTEGERS and size.type in INTEGERS:
        return Ex(_whole_bin(a, b, size), "long")
    if value.type in NUMBERS and size.type in NUMBERS and "decimal" in (value.type, size.type):
        return Ex(f"k_decimal_bin({decimal_sql(value)}, {decimal_sql(size)})", "decimal")
    if value.type in NUMBERS and size.type in NUMBERS:
        # A size of zero gives NaN for reals, null for whole numbers (duckdb-kql, measured); a negative one null (docs).
        return Ex(
            f"CASE WHEN {b} > 0 THEN floor({a}::DOUBLE / {b}) * {b} WHEN {b} = 0 AND {a} IS NOT NULL THEN 'nan'::DOUBLE END",
            "real",
        )
    raise Fault(f"bin() does not take a {value.type} and a {size.type}", pos)


def _whole_bin(a: str, b: str, size: Ex) -> str:
    if size.known and isinstance(size.const, int) and size.const > 0:
        return f"({a} - ((({a} % {b}) + {b}) % {b}))"
    return f"CASE WHEN {b} > 0 THEN {a} - ((({a} % nullif({b}, 0)) + {b}) % nullif({b}, 0)) END"


@special("bin_at")
def bin_at(binder: Any, node: Any, scope: Any) -> Ex:
    """`bin_at(value, size, fixed)`: down to a multiple of size, counted from `fixed`."""
    value, size, fixed = binder.args(node, scope)
    if value.type in ("datetime", "timespan") or (value.type in INTEGERS and size.type in INTEGERS):
        if value.type in ("datetime", "timespan") and (size.type != "timespan" or fixed.type != value.type):
            raise Fault("bin_at() takes a value, a timespan and a fixed point of the value's type", node.pos)
        a, b, c = value.sql, size.sql, fixed.sql
        return Ex(
            f"CASE WHEN {b} > 0 THEN {a} - (((({a} - {c}) % nullif({b}, 0)) + {b}) % nullif({b}, 0)) END",
            value.type,
        )
    a, b, c = to_real(value), to_real(size), to_real(fixed)
    return Ex(f"CASE WHEN {b} > 0 THEN floor(({a} - {c}) / {b}) * {b} + {c} END", "real")


@special("tohex")
def tohex(binder: Any, node: Any, scope: Any) -> Ex:
    """`tohex(value [, least length])`: a negative int has 8 digits, a negative long 16 (its page)."""
    value = _number(binder, node, scope)
    size = to_long(binder.ex(node.args[1], scope)) if len(node.args) > 1 else "NULL"
    return Ex(f"k_tohex({to_long(value)}, {32 if value.type == 'int' else 64}, {size})", "string")


def _tohex(value: int, bits: int, size: int | None) -> str:
    return format(value & ((1 << bits) - 1), "x").zfill(min(size or 0, 16))


udf("tohex", "long long long?", "string", _tohex)


# DuckDB's own: a Python function cannot hand back NaN. Whole numbers up to zero have no finite value.
sql(
    "gamma",
    "real",
    "real",
    "CASE WHEN {0} = 0 THEN 'inf'::DOUBLE WHEN {0} < 0 AND {0} = trunc({0}) THEN 'nan'::DOUBLE ELSE gamma({0}) END",
)
sql(
    "loggamma",
    "real",
    "real",
    "CASE WHEN {0} <= 0 AND {0} = trunc({0}) THEN 'inf'::DOUBLE ELSE lgamma({0}) END",
)


@python("erf", "real", "real")
def erf(x: float) -> float:
    """`erf(x)`."""
    return math.erf(x)


@python("erfc", "real", "real")
def erfc(x: float) -> float:
    """`erfc(x)`."""
    return math.erfc(x)


@special("around")
def around_any(binder: Any, node: Any, scope: Any) -> Ex:
    """`around(value, centre, delta)` for numbers, datetimes and timespans."""
    value, centre, delta = binder.args(node, scope)
    if value.type in ("datetime", "timespan"):
        if centre.type != value.type or delta.type != "timespan":
            raise Fault("around() takes a value, a centre of its type and a timespan", node.pos)
        return Ex(f"({value.sql} BETWEEN {centre.sql} - {delta.sql} AND {centre.sql} + {delta.sql})", "bool")
    a, b, c = to_real(value), to_real(centre), to_real(delta)
    return Ex(f"({a} BETWEEN {b} - {c} AND {b} + {c})", "bool")


@special("bin_auto")
def bin_auto(binder: Any, node: Any, scope: Any) -> Ex:
    """`bin_auto(value)`: `bin_at` with the size and the fixed point of two `set` statements."""
    given = [binder.settings.get(name) for name in ("query_bin_auto_size", "query_bin_auto_at")]
    if len(node.args) != 1 or None in given:
        raise refuse(
            "bin_auto() without set query_bin_auto_size and query_bin_auto_at",
            node.pos,
            "use bin(value, size)",
        )
    return bin_at(binder, Call(node.pos, "bin_at", (node.args[0], *given)), scope)


@python("format_bytes", "real long? text?", "string")
def format_bytes(value: float, precision: int | None, units: str | None) -> str:
    """`format_bytes(value [, precision [, units]])`."""
    names = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"]
    power = 0
    if units:
        if units not in names:
            return ""
        power = names.index(units)
    else:
        while abs(value) / 1024**power >= 1024 and power < len(names) - 1:
            power += 1
    digits = min(max(precision or 0, 0), 15)
    number = round(value / 1024**power, digits)
    text = f"{number:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {names[power]}"


# --- decimals ----------------------------------------------------------------------------------------------

CONTEXT = decimal.Context(prec=34, rounding=decimal.ROUND_HALF_UP, Emin=-6143, Emax=6144)


def decimal_of(text: str) -> str | None:
    """Read a decimal; None where it is none."""
    try:
        value = decimal.Decimal(text.strip())
    except (decimal.InvalidOperation, ValueError):
        return None
    return plain(CONTEXT.plus(value)) if value.is_finite() and abs(value.adjusted()) < 40 else None


def plain(value: decimal.Decimal) -> str:
    """Write a decimal without an exponent and without trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _decimal(op: str, left: str, right: str) -> str | None:
    a, b = decimal.Decimal(left), decimal.Decimal(right)
    try:
        if op == "+":
            out = CONTEXT.add(a, b)
        elif op == "-":
            out = CONTEXT.subtract(a, b)
        elif op == "*":
            out = CONTEXT.multiply(a, b)
        elif op == "/":
            out = CONTEXT.divide(a, b)
        else:
            out = CONTEXT.remainder(a, b)
            out = CONTEXT.add(out, abs(b)) if out < 0 else out  # never negative (docs: numerical-operators)
    except (decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow):
        return None
    return plain(out) if out.is_finite() else None


def _decimal_round(text: str, digits: int | None, how: str) -> str | None:
    value = decimal.Decimal(text)
    mode = decimal.ROUND_CEILING if how == "ceiling" else decimal.ROUND_HALF_UP
    return plain(value.quantize(decimal.Decimal(1).scaleb(-(digits or 0)), rounding=mode, context=CONTEXT))


def decimal_sql(value: Ex) -> str:
    """Write a number as a decimal."""
    return value.sql if value.type == "decimal" else f"k_todecimal(({value.sql})::VARCHAR)"


def _decimal_bin(text: str, size: str) -> str | None:
    value, width = decimal.Decimal(text), decimal.Decimal(size)
    if width <= 0:
        return None
    count = CONTEXT.divide(value, width).to_integral_value(decimal.ROUND_FLOOR)
    return plain(CONTEXT.multiply(count, width))


udf("decimal_bin", "decimal decimal", "decimal", _decimal_bin)


def _compare(left: str, right: str) -> int:
    a, b = decimal.Decimal(left), decimal.Decimal(right)
    return (a > b) - (a < b)


udf("todecimal", "string", "decimal", decimal_of)
udf("decimal", "string decimal decimal", "decimal", _decimal)
udf("decimal_round", "decimal long? string?", "decimal", _decimal_round)


def _key(text: str) -> str:
    """Write a decimal so that texts order as the numbers do: sign, exponent, digits (complements below zero)."""
    value = decimal.Decimal(text)
    if not value:
        return "1"
    digits = "".join(map(str, value.as_tuple().digits)).rstrip("0")
    if value > 0:
        return f"2{500 + value.adjusted():03d}{digits}"
    return f"0{500 - value.adjusted():03d}{digits.translate(_COMPLEMENT)}~"


_COMPLEMENT = str.maketrans("0123456789", "9876543210")
udf("decimal_key", "decimal", "string", _key)
udf("decimal_compare", "decimal decimal", "long", _compare)
