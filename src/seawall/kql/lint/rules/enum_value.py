"""A comparison with a value that the property never has is always false (or, with !=, always true)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find literals outside an enum, with the operator's own view of case."""
    table = schema()
    for compared in flow.compared:
        known = table.find(compared.path)
        if known is None or not known.values:
            continue
        fold = compared.op.endswith("~")
        allowed = {value.lower() if fold else value for value in known.values}
        for value in compared.values:
            if isinstance(value, str) and value and (value.lower() if fold else value) not in allowed:
                yield Found(
                    compared.pos,
                    f"{dotted(compared.path)} is never {value!r}",
                    f"it is one of {', '.join(known.values)}",
                )
