"""Null traps with texts: `tostring` makes the empty string of an absent property, which `isnull` never sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find isnull and isnotnull of a property that was made a string before."""
    for tested in flow.tested:
        if tested.text and "null" in tested.function:
            always = "false" if tested.function == "isnull" else "true"
            yield Found(
                tested.pos,
                f"{tested.function} of a string is always {always}: {dotted(tested.path)} was made one by tostring()",
                "test it with isempty(), or test the property itself",
            )
