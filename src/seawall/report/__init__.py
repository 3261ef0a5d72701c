"""One finding list, many renderers. A renderer shows the report it gets: it never filters."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from seawall.core import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.core.report import Report

FORMATS: dict[str, str] = {
    "table": "for people: grouped by subject, the worst first",
    "json": "the whole report (schema: docs/reference/report.schema.json)",
    "jsonl": "one finding a line",
    "sarif": "SARIF 2.1.0, for code scanning",
    "junit": "JUnit XML, for CI systems",
    "markdown": "for a pull request's comment",
    "csv": "one finding a row",
    "github": "GitHub Actions annotations",
    "html": "one self-contained page",
}
"""Format name -> what it is for; each is a module of its name with `render(report) -> str`."""


def render(report: Report, name: str, *, colour: bool = False, width: int = 0) -> str:
    """Render a report in a format.

    `colour` and `width` (0: as wide as it needs) matter to the table only.

    Raises:
        UsageError: no format of that name.
    """
    check_format(name)
    if name == "table":
        from seawall.report.table import render_table  # noqa: PLC0415 - rich is wanted here only

        return render_table(report, colour=colour, width=width)
    renderer: Callable[[Report], str] = importlib.import_module(f"seawall.report.{name}").render
    return renderer(report)


def check_format(name: str) -> None:
    """Raise a UsageError, with the nearest right name, for a format that is not there."""
    if name not in FORMATS:
        import difflib  # noqa: PLC0415 - only a mistake needs it

        near = difflib.get_close_matches(name, FORMATS, n=1)
        raise UsageError(
            f"no format is called {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"formats: {', '.join(FORMATS)}",
        )


__all__ = ["FORMATS", "check_format", "render"]
