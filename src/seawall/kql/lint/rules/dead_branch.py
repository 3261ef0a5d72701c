"""Predicates that are never true: Resource Graph gives `type` in lower case; two different types exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find comparisons of type that no row passes."""
    first: str | None = None
    for op, value, pos in flow.types:
        if op == "==" and value != value.lower():
            yield Found(
                pos,
                f"type is in lower case: it never equals {value!r}",
                "write it in lower case, or use =~",
            )
        if op in ("==", "=~"):
            if first is not None and value.lower() != first:
                yield Found(pos, f"type cannot be {value!r} and {first!r}")
            first = first or value.lower()
