"""One policy exchanged in a matrix: only the rows of the pods that it is about are worked out again.

Classes are split where the new policy tells apart what no policy told apart before; they are never joined, for finer
classes give the same answers. What else is kept is shared with the matrix before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seawall.network.pairs.side import Side, speaks
from seawall.network.pairs.tiers import Tiers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.pairs.engine import Matrix
    from seawall.network.rules import Direction, PeerMatch, Policy


class Classes:
    """The classes after a change: `origin` is the old class of each, `of_group` the class of each group."""

    def __init__(self, of_group: np.ndarray, count: int, representative: np.ndarray) -> None:
        self.of_group = of_group
        self.representative = representative
        self.origin = np.arange(count)
        self._own = False

    @property
    def count(self) -> int:
        """The number of classes."""
        return len(self.origin)

    def split(self, members: np.ndarray) -> None:
        """Split the classes that only some of these groups are of."""
        mine = self.of_group[members]
        inside = np.bincount(mine, minlength=self.count)
        partial = np.flatnonzero((inside > 0) & (inside < np.bincount(self.of_group, minlength=self.count)))
        if not len(partial):
            return
        if not self._own:
            self.of_group, self.representative = self.of_group.copy(), self.representative.copy()
            self._own = True
        fresh = np.full(self.count, -1, dtype=np.int64)
        fresh[partial] = np.arange(self.count, self.count + len(partial))
        moved = members[fresh[mine] >= 0]
        self.of_group[moved] = fresh[self.of_group[moved]]
        self.origin = np.concatenate([self.origin, self.origin[partial]])
        touched = np.concatenate([partial, fresh[partial]])
        self.representative = np.append(self.representative, np.zeros(len(partial), dtype=np.int64))
        self.representative[touched] = [int(np.argmax(self.of_group == item)) for item in touched]


def memberships(
    before: np.ndarray, classes: Classes, gone: Iterable[int], fresh: dict[int, np.ndarray]
) -> np.ndarray:
    """Return which class is in which matcher: rows that went are empty, `fresh` are the groups of new rows."""
    rows = max(len(before), max(fresh, default=-1) + 1)
    found = np.zeros((rows, classes.count), dtype=bool)
    old = before.shape[1]
    found[: len(before), :old] = before
    if classes.count > old:
        found[: len(before), old:] = before[:, classes.origin[old:]]
    found[list(gone)] = False
    for row, members in fresh.items():
        found[row] = False
        found[row, classes.of_group[members]] = True
    return found


def changed_side(
    matrix: Matrix,
    direction: Direction,
    side: Side,
    origin: np.ndarray,
    touched: np.ndarray,
    new: Policy | None,
) -> Side:
    """Return one direction after a change; `touched` are the classes that the old or the new policy is about."""
    rows, columns = side.rows[origin], side.columns[origin]
    split_rows: list[np.ndarray] = []
    split_columns: list[np.ndarray] = []
    if new is not None and speaks(new, direction):
        membership = matrix.membership
        subjects: list[PeerMatch] = [new.subject]
        peers: list[PeerMatch] = []
        for rule in new.rules(direction):
            subjects += [] if rule.here is None else [rule.here]
            peers += rule.peers or ()
        split_rows = [membership[matrix.place(match)] for match in subjects]
        split_columns = [membership[matrix.place(match)] for match in peers]
    rows, row_from = _split(rows, split_rows, side.words.shape[0])
    columns, column_from = _split(columns, split_columns, side.words.shape[1])
    affected = np.unique(rows[touched])
    words = _grown(side.words, row_from, column_from)
    if len(affected):
        row_reps = np.unique(rows, return_index=True)[1][affected]
        column_reps = np.unique(columns, return_index=True)[1]
        about = [item for item in matrix.policies if speaks(item, direction)]
        bits = matrix.membership[np.ix_([matrix.place(item.subject) for item in about], row_reps)]
        chosen = [about[number] for number in np.flatnonzero(bits.any(axis=1)).tolist()]
        words[affected] = Tiers(matrix, direction, chosen, row_reps, column_reps).words()
    return Side(rows, columns, words)


def _split(numbers: np.ndarray, vectors: list[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Split coarse classes by vectors over the classes; returns the numbers, and where each new one comes from."""
    numbers = numbers.copy()
    source = np.arange(count)
    for vector in vectors:
        total = np.bincount(numbers, minlength=len(source))
        inside = np.bincount(numbers[vector], minlength=len(source))
        mixed = np.flatnonzero((inside > 0) & (inside < total))
        if not len(mixed):
            continue
        fresh = np.full(len(source), -1, dtype=np.int64)
        fresh[mixed] = np.arange(len(source), len(source) + len(mixed))
        moved = vector & (fresh[numbers] >= 0)
        numbers[moved] = fresh[numbers[moved]]
        source = np.concatenate([source, source[mixed]])
    return numbers, source[count:]


def _grown(words: np.ndarray, row_from: np.ndarray, column_from: np.ndarray) -> np.ndarray:
    """Return a copy of the words with rows and columns repeated at the end."""
    if not len(row_from) and not len(column_from):
        return words.copy()
    rows, columns, width = words.shape
    found = np.empty((rows + len(row_from), columns + len(column_from), width), dtype=words.dtype)
    found[:rows, :columns] = words
    found[rows:, :columns] = words[row_from]
    found[:, columns:] = found[:, column_from]
    return found
