"""An absent property is null, not an empty text: `== ''` does not find it, `!= ''` is true of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "warning"


def check(flow: Flow) -> Iterator[Found]:
    """Find comparisons of a property itself with the empty text that no test of absence accompanies."""
    tested = {one.path for one in flow.tested}
    for compared in flow.compared:
        if compared.text or compared.path in tested or compared.op not in ("==", "!=", "=~", "!~"):
            continue
        if any(value == "" for value in compared.values):
            finds = "is not found by" if compared.op[0] == "=" else "counts as filled by"
            yield Found(
                compared.pos,
                f"a cluster without {dotted(compared.path)} {finds} this: what is absent is null, not empty",
                f"write isempty({dotted(compared.path)}) or compare tostring() of it",
            )
