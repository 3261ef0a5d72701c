"""`isempty` of a switch: a switch that is set to false is not empty, so it counts as set (specs A2: dcaf8128)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find emptiness tests of bools whose value no predicate looks at."""
    table = schema()
    valued = {compared.path for compared in flow.compared}
    for tested in flow.tested:
        known = table.near(tested.path)
        if known is not None and known.kind == "bool" and tested.path not in valued:
            what = "isempty" if "empty" in tested.function else "isnull"
            yield Found(
                tested.pos,
                f"{dotted(tested.path)} is a bool: {what} says only that it is absent, and false counts as present",
                f"write {dotted(tested.path)} != true",
            )
