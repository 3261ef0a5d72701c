"""Paths below an object, as steps and as people and KQL write them: `spec.containers[0].image`, `labels['a.b/c']`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.snapshot.model import Path

_STEP: Final = re.compile(r"""\[(-?\d+)\]|\['([^']*)'\]|\["([^"]*)"\]|\[([^\]]*)\]?|\.?([^.\[\]]+)""")


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """Read a dotted path: the opposite of `dotted`. A key in brackets may stand in either quotes, or in none."""
    found: list[str | int] = []
    for match in _STEP.finditer(text):
        if match[1] is not None:
            found.append(int(match[1]))
        else:
            found.append(next(part for part in match.groups()[1:] if part is not None))
    return tuple(found)


def dotted(path: Iterable[str | int]) -> str:
    """Write steps as a dotted path; a key with a dot or a bracket of its own stands in brackets and quotes."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif "." in step or "[" in step or "]" in step:
            parts.append(f"['{step}']")
        else:
            parts.append(("." if parts else "") + step)
    return "".join(parts)
