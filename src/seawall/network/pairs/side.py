"""One direction of a matrix, and which policies speak of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from seawall.network.rules import Direction, Policy


class Side:
    """One direction: `rows` and `columns` number each class as subject and as peer; `words[row, column]`."""

    __slots__ = ("columns", "rows", "words")

    def __init__(self, rows: np.ndarray, columns: np.ndarray, words: np.ndarray) -> None:
        self.rows = rows
        self.columns = columns
        self.words = words


def speaks(policy: Policy, direction: Direction) -> bool:
    """Tell whether a policy says anything of a direction."""
    # Rules of a NetworkPolicy without its type do nothing (specs b1.1).
    return direction in policy.isolates or (policy.tier != "networkpolicy" and bool(policy.rules(direction)))
