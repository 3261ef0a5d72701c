"""A comparison with a value that the property never has is always false (or, with a negation, always true)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Compared, Flow

SEVERITY = "error"
_PARTS = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    # The rest is a search inside of the value: none of them can hold where `contains` does not.
    "hasprefix": str.__contains__,
    "hassuffix": str.__contains__,
    "contains": str.__contains__,
    "has": str.__contains__,
}


def check(flow: Flow) -> Iterator[Found]:
    """Find literals outside an enum, with the operator's own view of case."""
    table = schema()
    for compared in flow.compared:
        known = table.find(compared.path)
        if known is None:
            continue
        values = known.values
        if known.kind == "bool" and compared.text:
            values = ("true", "false")
        if not values:
            continue
        if compared.case:
            values = tuple(value.lower() if compared.case == "lower" else value.upper() for value in values)
        for value in compared.values:
            if isinstance(value, str) and value and not any(_holds(compared, one, value) for one in values):
                yield Found(
                    compared.pos,
                    f"{dotted(compared.path)} is never {value!r}"
                    if compared.op.lstrip("!") in ("==", "=", "=~", "~", "in", "in~")
                    else f"{dotted(compared.path)} never {compared.op.lstrip('!')} {value!r}",
                    f"it is one of {', '.join(values)}",
                )


def _holds(compared: Compared, value: str, literal: str) -> bool:
    """Tell whether a value of the enum can meet the literal; a negation turns round what is always so."""
    word = compared.op.lstrip("!").removesuffix("_cs")
    search = _PARTS.get(word)
    if search is None:
        return value.lower() == literal.lower() if compared.op.endswith("~") else value == literal
    if compared.op.endswith("_cs"):
        return search(value, literal)
    return search(value.lower(), literal.lower())
