"""The linter: what runs and is still wrong. Each rule is one module in `rules`, named by its id."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from seawall.kql.compiler import read
from seawall.kql.errors import Fault, KqlError, locate
from seawall.kql.lint import rules
from seawall.kql.lint.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seawall.kql.lint.flow import Flow
    from seawall.kql.lint.model import Found

__all__ = ["Lint", "lint", "rule_ids"]


class Lint(msgspec.Struct, frozen=True, order=True):
    """One remark. `severity` is error (the answer is wrong), warning (likely wrong) or info (know it)."""

    line: int
    column: int
    rule: str
    severity: str
    message: str
    excerpt: str = ""
    hint: str = ""


@cache
def _rules() -> dict[str, tuple[str, Callable[[Flow], Iterator[Found]]]]:
    out: dict[str, tuple[str, Callable[[Flow], Iterator[Found]]]] = {}
    for info in sorted(pkgutil.iter_modules(rules.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{rules.__name__}.{info.name}")
        out[info.name.replace("_", "-")] = (module.SEVERITY, module.check)
    return out


def rule_ids() -> tuple[str, ...]:
    """Return the ids of all rules."""
    return tuple(_rules())


def lint(text: str) -> list[Lint]:
    """Read a query and return what is wrong with it, by place.

    Only pipelines that are restricted to managed clusters are judged by the property table.

    Raises:
        KqlError: the query cannot be parsed, or is nested too deeply.
    """
    query = read(text)
    out: set[Lint] = set()
    try:
        flows = trace(query)
    except RecursionError:
        raise KqlError("the query is nested too deeply", kind="limit") from None
    for flow in flows:
        for name, (severity, check) in _rules().items():
            for found in check(flow):
                place = locate(Fault(found.message, found.pos), text)
                out.add(
                    Lint(place.line, place.column, name, severity, found.message, place.excerpt, found.hint),
                )
    return sorted(out)
