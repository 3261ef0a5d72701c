"""What a rule gives back."""

from __future__ import annotations

import msgspec


class Found(msgspec.Struct, frozen=True):
    """A remark at an offset of the text."""

    pos: int
    message: str
    hint: str = ""


def dotted(path: tuple[str, ...]) -> str:
    """Write a path for a person."""
    out = ""
    for step in path:
        out += step if step == "[]" else ("." if out else "") + step
    return out
