"""What tolower() gives never equals a text with capitals, nor what toupper() gives one with small letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"
_IGNORE_CASE = ("=~", "!~", "in~", "!in~")


def check(flow: Flow) -> Iterator[Found]:
    """Find literals in the case that the other side cannot have."""
    for folded in flow.folded:
        exact = folded.op in ("==", "!=", "in", "!in") or folded.op.endswith("_cs")
        right = folded.value.lower() if folded.function == "tolower" else folded.value.upper()
        if exact and folded.op not in _IGNORE_CASE and folded.value != right:
            yield Found(
                folded.pos,
                f"{folded.function}() never gives {folded.value!r}",
                f"write {right!r}, or compare without the function and with =~",
            )
