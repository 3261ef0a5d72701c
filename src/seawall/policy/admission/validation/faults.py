"""What is wrong with an object, field by field, as the API server lists it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_WORDS = {
    "Invalid": "Invalid value", "Required": "Required value", "NotSupported": "Unsupported value",
    "Duplicate": "Duplicate value", "Forbidden": "Forbidden", "TooMany": "Too many", "TooLong": "Too long",
}  # fmt: skip


class Faults:
    """The faults found, each with its field."""

    def __init__(self) -> None:
        self.found: list[Json] = []

    def add(self, field: str, why: str, kind: str = "Invalid") -> None:
        """Add a fault; `kind` is the reason without `FieldValue`."""
        text = f"{_WORDS[kind]}: {why}" if why else _WORDS[kind]
        self.found.append({"reason": f"FieldValue{kind}", "message": text, "field": field})
