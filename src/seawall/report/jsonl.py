"""One finding a line, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from seawall.core.report import Report


def render(report: Report) -> str:
    """Render the findings, each with the names of the JSON report."""
    return msgspec.json.Encoder().encode_lines(report.findings).decode()
