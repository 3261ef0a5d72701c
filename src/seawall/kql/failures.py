"""What DuckDB says when a query cannot be planned or fails, in the words of this chapter's error."""

from __future__ import annotations

import re

from seawall.kql.errors import KqlError, Unanswered

_UDF_RAISED = re.compile(r"Python exception occurred while executing the UDF: \w+: ")


def first_line(error: Exception) -> str:
    """Return what an error says first; DuckDB goes on with the SQL that it ran."""
    return str(error).split("\n", 1)[0]


def of_duckdb(error: Exception) -> KqlError:
    """Turn an error of DuckDB into one that speaks of the query: refused by name, or failed while it ran."""
    text = first_line(error)
    _, known, refused = text.partition(f"{Unanswered.__name__}: ")
    if known:
        return KqlError(refused, kind="unsupported")
    text = _UDF_RAISED.sub("", text)
    for mark in ("Invalid Input Error: ", "Out of Range Error: ", "Conversion Error: "):
        text = text.replace(mark, "")
    if "INTERNAL Error" in text:
        return KqlError(
            "DuckDB cannot plan this combination of operators",
            kind="unsupported",
            hint="write a part of it as a query of its own",
        )
    if "Binder Error" in text or "Parser Error" in text or "Catalog Error" in text:
        return KqlError(f"this query cannot be run here: {text}", kind="unsupported")
    return KqlError(f"the query failed: {text}", kind="runtime")
