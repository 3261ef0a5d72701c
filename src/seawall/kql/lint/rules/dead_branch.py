"""Predicates that are never true: two values that exclude each other, a condition that was taken before.

Resource Graph gives `type` in lower case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.lint.model import Found, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Compared, Flow, Path

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find what no row passes."""
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
    yield from _exclusive(flow)
    for pos in flow.repeated:
        yield Found(pos, "this condition stands in the same case() before: its value is never given")


def _exclusive(flow: Flow) -> Iterator[Found]:
    """Find properties of which two things are asked that cannot both be so."""
    allowed: dict[Path, set[Any]] = {}
    absent = {
        one.path for one in flow.tested if one.sure and one.function in ("isnull", "isempty") and not one.text
    }
    for compared in flow.compared:
        values = _values(compared)
        if values is None:
            continue
        if compared.path in absent:
            yield Found(compared.pos, f"{dotted(compared.path)} is absent here: it equals nothing")
        before = allowed.get(compared.path)
        if before is not None and not before & values:
            shown = " or ".join(sorted(str(value) for value in before))
            yield Found(compared.pos, f"{dotted(compared.path)} was asked to be {shown} before")
        allowed[compared.path] = values if before is None else before & values or values


def _values(compared: Compared) -> set[Any] | None:
    """Return what a property must be one of, as texts without case; None where nothing follows."""
    if not compared.sure or compared.op not in ("==", "=~", "in", "in~"):
        return None
    return {str(value).lower() for value in compared.values}
