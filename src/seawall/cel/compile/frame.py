"""The state of one evaluation, and what a compiled node is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CostExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

CALL_LIMIT = 1_000_000  # PerCallLimit (pkg/apis/cel/config.go)


class Frame:
    """The state of one evaluation: variables, the slots of comprehensions, the cost so far."""

    __slots__ = ("cost", "slots", "variables")

    def __init__(self, variables: dict[str, Any], slots: int) -> None:
        self.variables = variables
        self.slots: list[Any] = [None] * slots
        self.cost = 0

    def spend(self) -> None:
        """Stop when one call has cost too much."""
        if self.cost > CALL_LIMIT:
            raise CostExceededError("operation cancelled: actual cost limit exceeded", self.cost)


if TYPE_CHECKING:
    Step = Callable[[Frame], Any]
