"""One direction of a matrix, and which policies speak of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from seawall.network.rules import Direction, Policy


class Side:
    """One direction: `rows` and `columns` number each class as subject and as peer; `words[row, column]`.

    `isolated` tells of each row whether a union of policies isolates it; None where the direction is no union.
    """

    __slots__ = ("columns", "isolated", "rows", "words")

    def __init__(
        self, rows: np.ndarray, columns: np.ndarray, words: np.ndarray, isolated: np.ndarray | None
    ) -> None:
        self.rows = rows
        self.columns = columns
        self.words = words
        self.isolated = isolated


def speaks(policy: Policy, direction: Direction) -> bool:
    """Tell whether a policy says anything of a direction."""
    # Rules of a NetworkPolicy without its type do nothing (specs b1.1).
    return direction in policy.isolates or (policy.tier != "networkpolicy" and bool(policy.rules(direction)))
