"""`== false` does not find what has no value: absence compares as false with everything (docs: null-values)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "info"


def check(flow: Flow) -> Iterator[Found]:
    """Find comparisons of optional bools with false that no null test accompanies."""
    table = schema()
    tested = {one.path for one in flow.tested}
    for compared in flow.compared:
        known = table.near(compared.path)
        if (
            known is None
            or known.kind != "bool"
            or compared.path in tested
            or compared.op not in ("==", "=~")
        ):
            continue
        if any(
            value is False or (isinstance(value, str) and value.lower() == "false")
            for value in compared.values
        ):
            yield Found(
                compared.pos,
                f"clusters without {dotted(compared.path)} are not found by this",
                f"if absent means false, write {dotted(compared.path)} != true",
            )
