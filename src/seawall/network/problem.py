"""What is said of a policy that counts for nothing, or not for all that it says."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """A policy that counts for nothing, and that is said.

    `refused` is True where the API server would not take it, False where it is of a kind or has a field that is not
    decided here. `idle` is one that the engine at hand does not read: that is certain, and no answer is less for it.
    """

    kind: str
    namespace: str
    name: str
    reason: str
    refused: bool = True
    idle: bool = False
