"""Equality, order, membership and the string operators, with Kusto's null rules.

`==` and `in` are false and `!=` true where one side is null (null where both are); `<` and its kin are null where
either side is (docs: scalar-data-types/null-values, quoted in specs b.1). Strings have no null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql import temporal
from seawall.kql.bind import regular
from seawall.kql.bind.values import (
    INTEGERS,
    NUMBERS,
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
from seawall.kql.errors import Fault, refuse
from seawall.kql.lexer import INVALID, typed_value

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRING_FORMS = {
    "contains": "contains({0}, {1})",
    "startswith": "starts_with({0}, {1})",
    "endswith": "ends_with({0}, {1})",
}
TERM_START, TERM_END = r"(?:^|[^\pL\pN])", r"(?:$|[^\pL\pN])"


def undefined(op: str, left: Ex, right: Ex, pos: int) -> Fault:
    """Make the error for operands that an operator does not take."""
    return Fault(f"the operator {op!r} is not defined for {left.type} and {right.type}", pos)


def align(left: Ex, right: Ex, op: str, pos: int) -> tuple[Ex, Ex]:
    """Bring two values to types that SQL compares as Kusto does."""
    lt, rt = left.type, right.type
    if lt == rt and lt != "dynamic":
        return left, right
    if lt == "dynamic" and rt == "dynamic":
        if right.known and right.const is None:
            return Ex(to_json(left), "string"), right
        raise Fault(
            f"the operator {op!r} does not compare two dynamic values",
            pos,
            hint="convert one of them: tostring(...), tolong(...), tobool(...)",
        )
    if lt == "dynamic":
        return dynamic_as(left, right, op, pos), right
    if rt == "dynamic":
        return left, dynamic_as(right, left, op, pos)
    if lt in NUMBERS and rt in NUMBERS:
        if "decimal" in (lt, rt):
            # A number's own digits: 2.5 is 2.5, as todecimal() has it.
            left, right = (
                each if each.type == "decimal" else Ex(f"k_todecimal(({each.sql})::VARCHAR)", "decimal")
                for each in (left, right)
            )
        return left, right
    for a, b, flip in ((left, right, False), (right, left, True)):
        if a.type == "bool" and b.type in INTEGERS | {"real"}:
            c = Ex(f"{a.sql}::BIGINT", "long")
            return (b, c) if flip else (c, b)
        if a.type == "string" and b.type != "string":
            c = _text_as(a, b.type, op, pos)
            return (b, c) if flip else (c, b)
    raise undefined(op, left, right, pos)


def _text_as(text: Ex, type_: str, op: str, pos: int) -> Ex:
    """Read a literal text as the other side's type; a text that is not known cannot be compared with a number."""
    if not text.known:
        raise refuse(
            f"{op!r} between a string that is not a literal and a {type_}", pos, f"convert it: to{type_}(...)"
        )
    value: object
    if type_ == "bool":
        value = {"true": True, "false": False}.get(str(text.const).lower(), INVALID)
    else:
        value = typed_value(type_, str(text.const))
    if value is INVALID:
        return literal(None, type_)
    return literal(value, type_)


def dynamic_as(value: Ex, other: Ex, op: str, pos: int) -> Ex:
    """Bring a dynamic to the other side's type for a comparison: a value of another kind never equals (R17)."""
    type_ = other.type
    if type_ == "string":
        return Ex(dynamic_text(value), "string:null")
    if type_ == "bool":
        if value.rep:
            return value if value.rep == "bool" else _mismatch(value, "bool")
        return Ex(f"CASE {value.sql} WHEN 'true' THEN true WHEN 'false' THEN false END", "bool")
    if type_ in ("int", "long", "real"):
        if value.rep:
            return value if value.rep in ("long", "real") else _mismatch(value, "real")
        return Ex(f"TRY_CAST({value.sql} AS DOUBLE)", "real")
    if type_ == "datetime":
        return Ex(f"k_todatetime({dynamic_text(value, '')})", "datetime")
    if type_ == "timespan":
        return Ex(to_timespan(value), "timespan")
    if type_ == "guid":
        return Ex(f"lower({dynamic_text(value)})", "guid")
    raise undefined(op, value, other, pos)


def _mismatch(value: Ex, type_: str) -> Ex:
    # A leaf of another kind: no value of it equals; its nulls stay nulls.
    sql = {"bool": "NULL::BOOLEAN", "real": "NULL::DOUBLE"}[type_]
    return Ex(f"CASE WHEN {value.sql} IS NULL THEN {sql} END", type_)


def dynamic_text(value: Ex, default: str | None = None) -> str:
    """Write a dynamic's text, NULL (or `default`) where it is null."""
    text = to_string(value)
    if text.startswith("coalesce(") and text.endswith(", '')"):
        text = text[9:-5]
    return text if default is None else f"coalesce({text}, {quote(default)})"


def nullable(ex: Ex) -> bool:
    """Tell whether a value may be NULL in SQL."""
    return ex.type == "string:null" or not ex.never_null


def equal(left: Ex, right: Ex, op: str, pos: int, *, filtering: bool) -> str:
    """Write `==` or `!=`. In a filter null and false are the same, which SQL can do without help."""
    a, b = align(left, right, op, pos)
    x, y = a.sql, b.sql
    if a.const is None or b.const is None:
        other, given = (y, right) if a.const is None else (x, left)
        # A dynamic of another kind is not null for that.
        both = f"({given.sql if given.type == 'dynamic' else other} IS NULL)"
        if filtering:
            return "false" if op == "==" else f"(NOT {both})"
        return f"CASE WHEN {both} THEN NULL ELSE {'false' if op == '==' else 'true'} END"
    loose_a, loose_b = nullable(a), nullable(b)
    if loose_a and loose_b and op == "!=" and "dynamic" in (left.type, right.type):
        nulls = [f"{(e if e.type == 'dynamic' else c).sql} IS NULL" for e, c in ((left, a), (right, b))]
        return f"CASE WHEN {nulls[0]} AND {nulls[1]} THEN NULL ELSE coalesce({x} <> {y}, true) END"
    if loose_a and loose_b and op == "==" and "dynamic" in (left.type, right.type) and not filtering:
        nulls = [f"{(e if e.type == 'dynamic' else c).sql} IS NULL" for e, c in ((left, a), (right, b))]
        return f"CASE WHEN {nulls[0]} AND {nulls[1]} THEN NULL ELSE coalesce({x} = {y}, false) END"
    if _may_be_nan(a) and _may_be_nan(b):
        # NaN equals nothing, itself neither.
        both = f"({x} = {y} AND {x} <= 'inf'::DOUBLE)"
        null = f"WHEN {x} IS NULL AND {y} IS NULL THEN NULL "
        return f"CASE {null}ELSE {'' if op == '==' else 'NOT '}coalesce({both}, false) END"
    if op == "==":
        if filtering or not (loose_a or loose_b):
            return f"({x} = {y})"
        if loose_a and loose_b:
            return f"CASE WHEN {x} IS NULL AND {y} IS NULL THEN NULL ELSE {x} IS NOT DISTINCT FROM {y} END"
        return f"coalesce({x} = {y}, false)"
    if not (loose_a or loose_b):
        return f"({x} <> {y})"
    if filtering or not (loose_a and loose_b):
        return f"({x} IS DISTINCT FROM {y})"
    return f"CASE WHEN {x} IS NULL AND {y} IS NULL THEN NULL ELSE {x} IS DISTINCT FROM {y} END"


def order(left: Ex, right: Ex, op: str, pos: int) -> str:
    """Write `<`, `<=`, `>`, `>=`. Kusto does not order strings or guids with these."""
    if "string" in (left.type, right.type) or "guid" in (left.type, right.type):
        raise undefined(op, left, right, pos)
    if left.type == "dynamic" and right.type == "dynamic":
        raise Fault(
            f"the operator {op!r} does not compare two dynamic values",
            pos,
            hint="convert them: tolong(...), todatetime(...)",
        )
    a, b = align(left, right, op, pos)
    if "decimal" in (a.type, b.type):
        return f"(k_decimal_compare({a.sql}, {b.sql}) {op} 0)"
    # NaN is neither above nor below anything (a real is .NET's double); DuckDB holds it above all.
    above = a if op[0] == ">" else b
    guard = f" AND {above.sql} <= 'inf'::DOUBLE" if _may_be_nan(above) else ""
    return f"({a.sql} {op} {b.sql}{guard})"


def _may_be_nan(ex: Ex) -> bool:
    return ex.type == "real" and not ex.rep and not (ex.known and ex.const == ex.const)


def text_operand(ex: Ex, op: str, pos: int) -> str:
    """Write the text of an operand of a string operator: strings and dynamics only (KS106)."""
    if ex.type == "string":
        return ex.sql
    if ex.type == "dynamic":
        return to_string(ex)
    raise Fault(f"the operator {op!r} is not defined for a {ex.type}", pos, hint="convert it: tostring(...)")


def folded(sql: str, ex: Ex) -> str:
    """Write a text without its case. A literal is folded by DuckDB too, so that both sides agree."""
    if ex.known and isinstance(ex.const, str) and ex.const.isascii():
        return quote(ex.const.lower())
    return f"lower({sql})"


def string_op(left: Ex, right: Ex, op: str, pos: int) -> str:
    """Write has, contains, startswith, endswith, =~ and their kin."""
    negated = op[0] == "!"
    word = op[1:] if negated and op != "!~" else op
    if op in ("=~", "!~"):
        x, y = text_operand(left, op, pos), text_operand(right, op, pos)
        return f"({folded(x, left)} {'<>' if op == '!~' else '='} {folded(y, right)})"
    if word == "matches regex":
        x, y = text_operand(left, op, pos), text_operand(right, op, pos)
        return regular.test(x, regular.matcher(right, y, pos))
    if word in ("like", "notlike", "likecs", "notlikecs"):
        raise refuse(f"the operator {word}", pos, "use contains, startswith, endswith or matches regex")
    exact = word.endswith("_cs")
    base = word[:-3] if exact else word
    x, y = text_operand(left, op, pos), text_operand(right, op, pos)
    if base in _STRING_FORMS:
        sql = (
            _STRING_FORMS[base].format(x, y)
            if exact
            else _STRING_FORMS[base].format(folded(x, left), folded(y, right))
        )
    else:
        sql = term(x, right, y, exact=exact, lead=base != "hassuffix", trail=base != "hasprefix")
    return f"(NOT {sql})" if negated else sql


def term(text: str, needle: Ex, sql: str, *, exact: bool, lead: bool, trail: bool) -> str:
    """Write `has` and its kin: the needle occurs, and those of its ends that are letters or digits lie on borders.

    A term is a run of Unicode letters and digits; everything else, the underscore too, separates (specs b.3,
    duckdb-kql's R3: measured on the Kusto emulator).
    """
    flag = "" if exact else "(?i)"
    if needle.known and isinstance(needle.const, str):
        value = needle.const
        if not value:
            return "true"
        start = TERM_START if lead and value[0].isalnum() else ""
        end = TERM_END if trail and value[-1].isalnum() else ""
        pattern = quote(f"{flag}{start}{_escape(value)}{end}")
        return f"regexp_matches({text}, {pattern})"
    return f"k_term({text}, {sql}, {str(exact).lower()}, {str(lead).lower()}, {str(trail).lower()})"


def known_terms(text: str, needles: Sequence[str], *, every: bool) -> list[str]:
    """Write tests for terms that are known: one expression for all of which any may occur.

    Each compiled expression with classes of all letters costs DuckDB four milliseconds before it reads a row.
    """
    if not every and len(needles) > 1 and all(n and n[0].isalnum() and n[-1].isalnum() for n in needles):
        any_of = "|".join(map(_escape, needles))
        return [f"regexp_matches({text}, {quote(f'(?i){TERM_START}(?:{any_of}){TERM_END}')})"]
    return [
        term(text, literal(needle, "string"), "", exact=False, lead=True, trail=True) for needle in needles
    ]


def _escape(text: str) -> str:
    return "".join(
        char if char.isalnum() or char == "_" or ord(char) > 127 else f"\\x{{{ord(char):x}}}" for char in text
    )


def member(value: Ex, items: Sequence[Ex], op: str, pos: int, *, filtering: bool) -> str:
    """Write `in`, `!in`, `in~`, `!in~` over given values."""
    negated = op[0] == "!"
    fold = op.endswith("~")
    flat: list[Ex] = []
    runtime: list[Ex] = []
    for item in items:
        if item.type == "dynamic" and item.known:
            values = item.const if isinstance(item.const, list) else [item.const]
            flat.extend(
                literal(v if not isinstance(v, dict | list) else None, _json_type(v))
                for v in values
                if v is not None
            )
        elif item.type == "dynamic":
            runtime.append(item)
        else:
            flat.append(item)
    parts: list[str] = []
    if flat:
        parts.append(_in_values(value, flat, op, pos, fold=fold, filtering=filtering))
    for item in runtime:
        text = text_operand(value, op, pos) if value.type in ("string", "dynamic") else to_string(value)
        parts.append(f"k_in({text}, {to_json(item)}, {str(fold).lower()})")
    if not parts:
        return "true" if negated else "false"
    sql = parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"
    return f"(NOT {sql})" if negated else sql


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "long"
    return "real" if isinstance(value, float) else "string" if isinstance(value, str) else "dynamic"


def _in_values(value: Ex, items: list[Ex], op: str, pos: int, *, fold: bool, filtering: bool) -> str:
    if fold:
        x = folded(text_operand(value, op, pos), value)
        return f"({x} IN ({', '.join(folded(to_string(item), item) for item in items)}))"
    kinds = {item.type for item in items}
    if value.type == "string":
        return f"({value.sql} IN ({', '.join(to_string(item) for item in items)}))"
    if value.type == "dynamic" and kinds == {"string"}:
        text = dynamic_text(value)
        sql = f"({text} IN ({', '.join(item.sql for item in items)}))"
        return sql if filtering else f"coalesce({sql}, false)"
    pairs: list[str] = []
    for item in items:
        if item.type == "string" and not item.known:
            raise refuse(f"{op!r} between a {value.type} and a string that is not a literal", pos)
        pairs.append(equal(value, item, "==", pos, filtering=True))
    sql = "(" + " OR ".join(pairs) + ")"
    return f"coalesce({sql}, false)"


def between(value: Ex, low: Ex, high: Ex, *, negated: bool, pos: int) -> str:
    """Write `between`; `datetime between (start .. timespan)` means up to start + timespan."""
    if value.type == "datetime" and low.type == "datetime" and high.type == "timespan":
        high = Ex(f"({low.sql} + {high.sql})", "datetime")
    sql = f"({order(value, low, '>=', pos)} AND {order(value, high, '<=', pos)})"
    return f"(NOT {sql})" if negated else sql


to_string_sql = to_string


__all__ = [
    "between",
    "equal",
    "member",
    "order",
    "string_op",
    "temporal",
    "term",
    "to_bool",
    "to_long",
    "to_real",
    "to_string_sql",
]
