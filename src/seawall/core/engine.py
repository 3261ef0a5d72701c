"""The face that an engine shows to `seawall decide` and to `POST /v1/decide/ENGINE`."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class EngineOptions(msgspec.Struct, frozen=True):
    """Options of the command line that some engines read; the others ignore them."""

    kubernetes_version: str = "1.34"
    rules: str = ""


class Engine(Protocol):
    """Answers request lines against a world that a world line may replace.

    Both methods raise `SeawallError` for a bad line: the caller turns it into
    `{"error": {"code", "message"}}` and goes on.
    """

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Replace the world. `world` has `objects` (a list of dicts) and maybe more; answer `{"objects": N}`."""
        ...

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer one request line."""
        ...
