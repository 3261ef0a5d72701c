"""Rows into DuckDB: Python values, or JSON lines, become typed columns; dynamic cells become compact JSON text."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.bind.values import SQL_TYPES, text_of
from seawall.kql.catalog import Column
from seawall.kql.errors import KqlError
from seawall.kql.lexer import INVALID, TYPE_NAMES, typed_value
from seawall.kql.temporal import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
CHUNK = 20_000
"""Rows that are handed to DuckDB at once."""


def columns_of(columns: Sequence[Sequence[str]], table: str) -> tuple[Column, ...]:
    """Check and name the columns of a table.

    Raises:
        KqlError: an unknown type, or a name that is there twice.
    """
    out: list[Column] = []
    seen: set[str] = set()
    for index, pair in enumerate(columns):
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise KqlError(f"table {table!r}: a column is [name, type]", kind="semantic")
        name, type_ = pair
        kind = TYPE_NAMES.get(type_)
        if kind is None:
            raise KqlError(
                f"table {table!r}: {type_!r} is no type",
                kind="semantic",
                expected="string, long, int, real, bool, datetime, timespan, guid, decimal, dynamic",
            )
        if name in seen or not name:
            raise KqlError(
                f"table {table!r}: the column {name!r} is there twice or has no name", kind="semantic"
            )
        seen.add(name)
        out.append(Column(name, kind, f"c{index}"))
    return tuple(out)


def _ticks_of(value: Any, type_: str) -> int | None:
    if isinstance(value, datetime) and type_ == "datetime":
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        delta = moment.astimezone(UTC) - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 10_000_000 + delta.microseconds * 10
    if isinstance(value, date) and type_ == "datetime":
        return (value.toordinal() - 1) * DAY
    if isinstance(value, timedelta):
        return (value.days * 86_400 + value.seconds) * 10_000_000 + value.microseconds * 10
    if isinstance(value, str):
        read = typed_value(type_, value)
        if read is not INVALID:
            return read  # type: ignore[return-value]
    if isinstance(value, int) and not isinstance(value, bool) and type_ == "timespan":
        return value
    raise ValueError


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError  # noqa: TRY004 - one error for every value that does not fit
    number = int(value)
    if (isinstance(value, float) and number != value) or not -(1 << 63) <= number < 1 << 63:
        raise ValueError
    return number


def _real(value: Any) -> float:
    if isinstance(value, str):
        read = {
            "nan": math.nan,
            "infinity": math.inf,
            "-infinity": -math.inf,
            "inf": math.inf,
            "-inf": -math.inf,
        }.get(value.lower())
        return float(value) if read is None else read
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one error for every value that does not fit
    return float(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    raise ValueError


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return text_of(value, "bool")
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return str(value)


def _typed(type_: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        out = typed_value(type_, str(value))
        if out is INVALID:
            raise ValueError
        return out

    return read


_READERS: dict[str, Callable[[Any], Any]] = {
    "int": _number,
    "long": _number,
    "real": _real,
    "bool": _bool,
    "datetime": lambda value: _ticks_of(value, "datetime"),
    "timespan": lambda value: _ticks_of(value, "timespan"),
    "guid": lambda value: _typed("guid")(str(value)),
    "decimal": _typed("decimal"),
}


def cells(values: list[Any], column: Column, table: str) -> list[Any]:
    """Turn the values of a column into what DuckDB holds.

    Raises:
        KqlError: a value that is not of the column's type, with its row.
    """
    type_ = column.type
    if type_ == "dynamic":
        if values and any(type(value) is msgspec.Raw for value in values):
            return [
                _compact(value)
                if type(value) is msgspec.Raw
                else None
                if value is None
                else msgspec.json.encode(value).decode()
                for value in values
            ]
        encode = msgspec.json.Encoder().encode
        try:
            return [None if value is None else encode(value).decode() for value in values]
        except (TypeError, UnicodeEncodeError, RecursionError) as error:
            raise KqlError(f"table {table!r}, column {column.name!r}: {error}", kind="semantic") from None
    if type_ == "string":
        return [value if type(value) is str else "" if value is None else _text(value) for value in values]
    reader = _READERS[type_]
    out: list[Any] = []
    for index, value in enumerate(values):
        if value is None:
            out.append(None)
            continue
        try:
            out.append(reader(value))
        except (ValueError, TypeError, OverflowError):
            raise KqlError(
                f"table {table!r}, row {index + 1}: {value!r} is not a {type_} (column {column.name!r})",
                kind="semantic",
            ) from None
    return out


def _compact(raw: msgspec.Raw) -> str | None:
    """Write JSON as it was read, without the blanks between its parts."""
    data = bytes(raw)
    if data == b"null":
        return None
    if b'": ' in data or b", " in data or b"\n" in data or b"\\/" in data:
        return msgspec.json.encode(msgspec.json.decode(data)).decode()
    return data.decode()


def jsonl_rows(data: bytes, columns: tuple[Column, ...], table: str) -> Iterable[Sequence[Any]]:
    """Read JSON lines as rows; dynamic members stay bytes."""
    fields = [
        (f"f{i}", msgspec.Raw if column.type == "dynamic" else Any, None) for i, column in enumerate(columns)
    ]
    names = {f"f{i}": column.name for i, column in enumerate(columns)}
    line_type = msgspec.defstruct("Line", fields, rename=names)
    decode = msgspec.json.Decoder(line_type).decode
    astuple = msgspec.structs.astuple
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield astuple(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise KqlError(f"table {table!r}, line {number}: {error}", kind="semantic") from None


def load(
    connection: Any, physical: str, columns: tuple[Column, ...], rows: Iterable[Sequence[Any]], table: str
) -> int:
    """Create the table and fill it; returns the count of rows."""
    width = len(columns)
    names = ", ".join(f"{column.id} {SQL_TYPES[column.type]}" for column in columns)
    connection.execute(f"CREATE TABLE {physical} ({names or 'c0 BOOLEAN'})")
    count = 0
    batch: list[Sequence[Any]] = []

    def flush() -> None:
        if not batch:
            return
        arrays = (
            [
                cells(list(values), column, table)
                for values, column in zip(zip(*batch, strict=True), columns, strict=True)
            ]
            if width
            else [[None] * len(batch)]
        )
        types = [SQL_TYPES[column.type] for column in columns] or ["BOOLEAN"]
        items = ", ".join(f"unnest(${i + 1}::{type_}[])" for i, type_ in enumerate(types))
        connection.execute(f"INSERT INTO {physical} SELECT {items}", arrays)
        batch.clear()

    for row in rows:
        if len(row) != width:
            raise KqlError(
                f"table {table!r}, row {count + 1}: {len(row)} values for {width} columns", kind="semantic"
            )
        batch.append(row)
        count += 1
        if len(batch) >= CHUNK:
            flush()
    flush()
    return count
