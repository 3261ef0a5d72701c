"""Bound expressions: a piece of SQL, its KQL type, and what is known of it; and the conversions between types.

How KQL's types lie in DuckDB: bool BOOLEAN; int and long BIGINT; real DOUBLE; string VARCHAR that is never NULL;
datetime and timespan BIGINT ticks of 100 ns; guid VARCHAR in lower case; decimal VARCHAR in plain notation;
dynamic VARCHAR that holds compact JSON text, NULL for null. A dynamic whose values are all of one kind
(a shredded leaf) is held as that kind instead: `rep` says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.kql.errors import Fault
from seawall.kql.temporal import MAX_DATETIME, format_datetime, format_timespan

if TYPE_CHECKING:
    from collections.abc import Callable


class _Unknown:
    """Marks an expression whose value is not known when the query is compiled."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()

Origin = tuple[int, str, tuple[str | int, ...]]
"""Where a dynamic value comes from: scan number, column, path below it."""

SQL_TYPES = {
    "bool": "BOOLEAN", "int": "BIGINT", "long": "BIGINT", "real": "DOUBLE", "string": "VARCHAR",
    "datetime": "BIGINT", "timespan": "BIGINT", "guid": "VARCHAR", "decimal": "VARCHAR", "dynamic": "VARCHAR",
}  # fmt: skip
NUMBERS = frozenset(("int", "long", "real", "decimal"))
INTEGERS = frozenset(("int", "long"))


class Ex:
    """A bound expression.

    `sql` may be repeated in the output; `const` holds the value of a literal (a JSON value for dynamic).
    `base` and `path` describe a dynamic that is a path into another one, so that steps are joined into one
    extraction; `origin` leads to the table's column it stems from.
    """

    __slots__ = ("_sql", "base", "const", "origin", "path", "rep", "type")

    def __init__(
        self,
        sql: str | None,
        type_: str,
        rep: str = "",
        const: Any = UNKNOWN,
        base: str = "",
        path: tuple[str | int, ...] = (),
        origin: Origin | None = None,
    ) -> None:
        self._sql = sql
        self.type = type_
        self.rep = rep
        self.const = const
        self.base = base
        self.path = path
        self.origin = origin

    @property
    def sql(self) -> str:
        """The SQL; paths are rendered when they are first asked for."""
        if self._sql is None:
            self._sql = extract(self.base, self.path)
        return self._sql

    @property
    def known(self) -> bool:
        """Whether the value is known at compile time."""
        return self.const is not UNKNOWN

    @property
    def never_null(self) -> bool:
        """Whether the value is known not to be null."""
        return self.type == "string" or (self.const is not UNKNOWN and self.const is not None)

    def __repr__(self) -> str:
        return f"Ex({self.sql!r}, {self.type}{':' + self.rep if self.rep else ''})"


def quote(text: str) -> str:
    """Write a text as an SQL literal. A NUL cannot stand in one."""
    if "\0" in text:
        return (
            "("
            + " || chr(0) || ".join("'" + part.replace("'", "''") + "'" for part in text.split("\0"))
            + ")"
        )
    return "'" + text.replace("'", "''") + "'"


def json_text(value: Any) -> str:
    """Write a JSON value compactly, as it is held."""
    try:
        return msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise Fault(f"this dynamic value cannot be held: {error}") from None


def literal(value: Any, type_: str) -> Ex:
    """Make a constant."""
    if value is None:
        if type_ == "string":
            return Ex("''", "string", const="")
        return Ex(f"NULL::{SQL_TYPES[type_]}", type_, const=None)
    if type_ == "bool":
        sql = "true" if value else "false"
    elif type_ in ("int", "long", "datetime", "timespan"):
        sql = f"{value}::BIGINT" if value >= 0 else f"({value})::BIGINT"
        if value == -(1 << 63):
            sql = "(-9223372036854775807-1)::BIGINT"
    elif type_ == "real":
        sql = (
            f"'{value!r}'::DOUBLE"
            if value != value or value in (float("inf"), -float("inf"))
            else f"({value!r})::DOUBLE"
        )
    elif type_ == "dynamic":
        return Ex(quote(json_text(value)), "dynamic", const=value)
    else:
        sql = quote(value)
    return Ex(sql, type_, const=value)


def _plain_key(key: str) -> bool:
    return '"' not in key and "*" not in key and "\\" not in key and "'" not in key


def extract(base: str, path: tuple[str | int, ...]) -> str:
    """Write the extraction of a path; JSON null and absence are both NULL."""
    if not path:
        return base
    text = json_path(path)
    if text is not None:
        return f"nullif(json_extract({base}, {quote(text)})::VARCHAR, 'null')"
    # JSON Pointer for keys that a JSONPath cannot name.
    index = next(i for i, step in enumerate(path) if not isinstance(step, int) and not _plain_key(step))
    pointer = "/" + str(path[index]).replace("~", "~0").replace("/", "~1")
    inner = f"nullif(json_extract({extract(base, path[:index])}, {quote(pointer)})::VARCHAR, 'null')"
    return extract(inner, path[index + 1 :])


def json_path(path: tuple[str | int, ...]) -> str | None:
    """Write a path as DuckDB's JSONPath, None where a key cannot be named in one."""
    text = "$"
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]" if step >= 0 else f"[#{step}]"
        elif _plain_key(step):
            text += f'."{step}"'
        else:
            return None
    return text


# --- conversions that never fail: tostring, JSON text -------------------------------------------------------


def to_string(ex: Ex) -> str:
    """Write the value's text as `tostring()` gives it; never NULL (docs: tostring; duckdb-kql's R17, R20)."""
    if ex.known and ex.type != "dynamic":
        return quote(text_of(ex.const, ex.type))
    sql, type_ = ex.sql, ex.type
    if type_ == "string":
        return sql
    if type_ == "dynamic":
        if ex.rep == "string":
            return f"coalesce({sql}, '')"
        if ex.rep == "bool":
            return f"coalesce({sql}::VARCHAR, '')"
        if ex.rep:
            return f"coalesce({real_text(sql) if ex.rep == 'real' else sql + '::VARCHAR'}, '')"
        if ex.base and ex.path:
            direct = _path_text(ex.base, ex.path)
            if direct:
                return f"coalesce({direct}, '')"
        return f"coalesce(json_extract_string({sql}, '$'), '')"
    if type_ == "bool":
        return f"CASE {sql} WHEN true THEN 'True' WHEN false THEN 'False' ELSE '' END"
    if type_ == "real":
        return f"coalesce({real_text(sql)}, '')"
    if type_ == "datetime":
        return f"coalesce({datetime_text(sql)}, '')"
    if type_ == "timespan":
        return f"coalesce(k_timespan_text({sql}), '')"
    return f"coalesce({sql}::VARCHAR, '')"


def _path_text(base: str, path: tuple[str | int, ...]) -> str:
    text = "$"
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]" if step >= 0 else f"[#{step}]"
        elif _plain_key(step):
            text += f'."{step}"'
        else:
            return ""
    return f"json_extract_string({base}, {quote(text)})"


def real_text(sql: str) -> str:
    """Write a double's text."""
    return f"CASE WHEN isnan({sql}) THEN 'NaN' WHEN isinf({sql}) THEN CASE WHEN {sql} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE {sql}::VARCHAR END"


def datetime_text(sql: str) -> str:
    """Write `2016-06-30T23:30:00.1234567Z` in SQL: microseconds by DuckDB, the last digit by arithmetic."""
    return (
        f"(CASE WHEN {sql} NOT BETWEEN 0 AND {MAX_DATETIME} THEN error('a datetime lies outside the years 1 to 9999') "
        f"ELSE strftime(make_timestamp(({sql} - 621355968000000000) // 10), '%Y-%m-%dT%H:%M:%S.%f') || ({sql} % 10)::VARCHAR || 'Z' END)"
    )


def text_of(value: Any, type_: str) -> str:
    """Give the text of a constant as `tostring()` does."""
    if value is None:
        return ""
    if type_ == "bool":
        return "True" if value else "False"
    if type_ == "datetime":
        return format_datetime(value)
    if type_ == "timespan":
        return format_timespan(value)
    if type_ == "real":
        return python_real(value)
    return str(value)


def python_real(value: float) -> str:
    """Give a double's text as DuckDB gives it: the shortest that reads back, exponents as `1e+21`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), -float("inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def to_json(ex: Ex) -> str:
    """Write the value as JSON text, for use inside a dynamic; NULL for null."""
    if ex.known:
        return "NULL::VARCHAR" if ex.const is None else quote(json_text(json_value(ex.const, ex.type)))
    sql, type_ = ex.sql, ex.type
    if type_ == "dynamic":
        if not ex.rep:
            return sql
        type_ = ex.rep
    if type_ in ("string", "guid"):
        return f"to_json({sql})::VARCHAR"
    if type_ == "bool":
        return f"{sql}::VARCHAR"
    if type_ == "real":
        return f"CASE WHEN isfinite({sql}) THEN to_json({sql})::VARCHAR ELSE to_json({real_text(sql)})::VARCHAR END"
    if type_ == "datetime":
        return f"('\"' || {datetime_text(sql)} || '\"')"
    if type_ == "timespan":
        return f"CASE WHEN {sql} IS NOT NULL THEN '\"' || k_timespan_text({sql}) || '\"' END"
    if type_ == "decimal":
        return f"('\"' || {sql} || '\"')"
    return f"{sql}::VARCHAR"


def json_value(value: Any, type_: str) -> Any:
    """Give a constant as it stands inside a dynamic value."""
    if value is None:
        return None
    if type_ == "datetime":
        return format_datetime(value)
    if type_ == "timespan":
        return format_timespan(value)
    if type_ == "real" and (value != value or value in (float("inf"), -float("inf"))):
        return python_real(value)
    return value


# --- conversions of KQL's to...() functions: null where the value is none ------------------------------------

_WHOLE = r"'^\s*[+-]?(?:\d+|0[xX][0-9a-fA-F]+)\s*$'"


def to_long(ex: Ex, bits: int = 64) -> str:
    """Write `tolong()` or `toint()`, each kind by its own rule (duckdb-kql, measured on the Kusto emulator).

    A real is cut toward zero and stops at the type's ends (NaN and infinity are null); a long wraps into an int;
    a text is a whole number or null; a dynamic converts as what it holds.
    """
    sql, type_ = ex.sql, ex.rep or ex.type
    if type_ == "real":
        return _stopping(sql, bits)
    if type_ == "dynamic":
        real = f"TRY_CAST({sql} AS DOUBLE)"
        text = f"json_extract_string({sql}, '$')"
        whole = f"TRY_CAST({sql} AS BIGINT)"
        return (
            f"CASE json_type({sql}) WHEN 'UBIGINT' THEN {_wrapped(whole, bits)} WHEN 'BIGINT' THEN {_wrapped(whole, bits)} "
            f"WHEN 'DOUBLE' THEN {_stopping(real, bits)} WHEN 'BOOLEAN' THEN ({sql} = 'true')::BIGINT "
            f"WHEN 'VARCHAR' THEN {_within(_whole_of_text(text), bits)} END"
        )
    if type_ in ("long", "datetime", "timespan"):
        return _wrapped(sql, bits)
    out = _to_long(ex)
    return out if type_ in ("int", "bool") else _within(out, bits)


def _stopping(sql: str, bits: int) -> str:
    last, past = (1 << (bits - 1)) - 1, float(1 << (bits - 1))
    low = "-2147483648" if bits == 32 else "(-9223372036854775807-1)"
    return (
        f"CASE WHEN NOT isfinite({sql}) THEN NULL WHEN {sql} >= {past!r} THEN {last} "
        f"WHEN {sql} <= {-past!r} THEN {low} ELSE trunc({sql})::BIGINT END"
    )


def _wrapped(sql: str, bits: int) -> str:
    return sql if bits == 64 else f"(xor({sql} & 4294967295, 2147483648) - 2147483648)"


def _within(sql: str, bits: int) -> str:
    return sql if bits == 64 else f"CASE WHEN {sql} BETWEEN -2147483648 AND 2147483647 THEN {sql} END"


def _whole_of_text(sql: str) -> str:
    return f"CASE WHEN regexp_matches({sql}, {_WHOLE}) THEN TRY_CAST({_trimmed(sql)} AS BIGINT) END"


def _trimmed(sql: str) -> str:
    # DuckDB's trim() takes spaces only; Kusto reads tabs and line ends as space too.
    return f"trim({sql}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))"


def _to_long(ex: Ex) -> str:
    sql, type_ = ex.sql, ex.rep or ex.type
    if type_ == "int":
        return sql
    if type_ == "bool":
        return f"{sql}::BIGINT"
    if type_ == "string":
        return _whole_of_text(sql)
    if type_ == "decimal":
        return f"TRY_CAST(trunc(TRY_CAST({sql} AS DECIMAL(38,10))) AS BIGINT)"
    raise Fault(f"a {type_} cannot be read as a long")


def to_real(ex: Ex) -> str:
    """Write `todouble()`."""
    return _read(ex, "real", _REALS, _real_of_text)


def to_bool(ex: Ex) -> str:
    """Write `tobool()`."""
    return _read(ex, "bool", _BOOLS, _bool_of_text)


_REALS = {
    "real": "{}", **dict.fromkeys(("int", "long", "bool", "decimal", "datetime", "timespan"), "TRY_CAST({} AS DOUBLE)"),
    "BOOLEAN": "({} = 'true')::DOUBLE", "else": "TRY_CAST({} AS DOUBLE)",
}  # fmt: skip
_BOOLS = {
    "bool": "{}", **dict.fromkeys(("int", "long", "real"), "({} <> 0)"),
    "BOOLEAN": "{} = 'true'", "else": "TRY_CAST({} AS DOUBLE) <> 0",
}  # fmt: skip
"""KQL type, or kind of JSON inside a dynamic -> how it is read."""


def _read(ex: Ex, wanted: str, forms: dict[str, str], of_text: Callable[[str], str]) -> str:
    sql, type_ = ex.sql, ex.rep or ex.type
    if type_ == "string":
        return of_text(sql)
    if type_ == "dynamic":
        text = of_text(f"json_extract_string({sql}, '$')")
        whether, other = forms["BOOLEAN"].replace("{}", sql), forms["else"].replace("{}", sql)
        return (
            f"CASE json_type({sql}) WHEN 'VARCHAR' THEN {text} WHEN 'BOOLEAN' THEN {whether} ELSE {other} END"
        )
    if type_ not in forms:
        raise Fault(f"a {type_} cannot be read as a {wanted}")
    return forms[type_].replace("{}", sql)


def _real_of_text(sql: str) -> str:
    return f"CASE WHEN regexp_matches({sql}, '^\\s*[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?\\s*$|^(?i)\\s*(?:nan|[+-]?inf(?:inity)?)\\s*$') THEN TRY_CAST({_trimmed(sql)} AS DOUBLE) END"


def _bool_of_text(sql: str) -> str:
    text = f"lower({_trimmed(sql)})"
    return f"CASE WHEN {text} = 'true' THEN true WHEN {text} = 'false' THEN false WHEN regexp_matches({sql}, {_WHOLE}) THEN TRY_CAST({text} AS BIGINT) <> 0 END"


def to_timespan(ex: Ex) -> str:
    """Write `totimespan()`: a number counts ticks, a text is read, a dynamic converts as what it holds.

    Measured on the Kusto emulator by duckdb-kql.
    """
    type_ = ex.rep or ex.type
    if type_ == "timespan":
        return ex.sql
    if type_ == "string":
        return f"k_totimespan({ex.sql})"
    if type_ == "dynamic":
        text = f"json_extract_string({ex.sql}, '$')"
        return f"CASE json_type({ex.sql}) WHEN 'VARCHAR' THEN k_totimespan({text}) ELSE {to_long(ex)} END"
    return to_long(ex)
