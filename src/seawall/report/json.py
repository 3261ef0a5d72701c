"""The whole report as JSON, and its schema."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.core.report import Report


def render(report: Report) -> str:
    """Render the report; the names are the contract of the design."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def parse(text: str | bytes) -> Report:
    """Read a report back, with its types checked.

    Raises:
        msgspec.DecodeError: the text is not a report.
    """
    return msgspec.json.decode(text, type=Report)


def schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of the report."""
    (root,), components = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://seawall.dev/schemas/report-1.json",
        "title": "Seawall report",
        **root,
        "$defs": components,
    }
