"""One policy exchanged in a matrix: only the rows of the pods that it is about are worked out again.

Classes are split where the new policy tells apart what no policy told apart before; they are never joined, for finer
classes give the same answers. What else is kept is shared with the matrix before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from seawall.network.pairs.side import Side, speaks
from seawall.network.pairs.tiers import Tiers
from seawall.network.rules import Action, Direction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.pairs.engine import Matrix
    from seawall.network.rules import PeerMatch, Policy


_TRIES = 16
"""How many coarse classes are compared whole before a class gets its own."""


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
    isolated = None if side.isolated is None else np.append(side.isolated, side.isolated[row_from])
    if len(affected):
        row_reps = np.unique(rows, return_index=True)[1][affected]
        column_reps = np.unique(columns, return_index=True)[1]
        about = [item for item in matrix.policies if speaks(item, direction)]
        bits = matrix.membership[np.ix_([matrix.place(item.subject) for item in about], row_reps)]
        chosen = [about[number] for number in np.flatnonzero(bits.any(axis=1)).tolist()]
        tiers = Tiers(matrix, direction, chosen, row_reps, column_reps)
        words[affected] = tiers.words()
        if isolated is not None and tiers.isolated is not None:
            isolated[affected] = tiers.isolated
        else:
            isolated = None
    return Side(rows, columns, words, isolated)


def with_class(matrix: Matrix, direction: Direction, side: Side, column: np.ndarray) -> Side | None:
    """Return one direction with one more class, the last one of the matrix; None where it is no union of policies.

    `column` are the matchers that the class is in. It shares row and column with a class that this direction's policies
    cannot tell it from, and has its own otherwise.
    """
    about = [item for item in matrix.policies if speaks(item, direction)]
    if side.isolated is None or not all(_allows_only(item, direction) for item in about):
        return None
    row_reps = np.unique(side.rows, return_index=True)[1]
    column_reps = np.unique(side.columns, return_index=True)[1]
    subjects = np.array([matrix.place(item.subject) for item in about], dtype=np.int64)
    naming, peers = _naming(matrix, about, direction, column.tolist())
    named_by_row = direction is Direction.INGRESS
    row = _alike(matrix, subjects, row_reps, column, named=named_by_row)
    own = _alike(matrix, peers, column_reps, column, named=not named_by_row)
    rows = np.append(side.rows, len(row_reps) if row is None else row)
    columns = np.append(side.columns, len(column_reps) if own is None else own)
    if row is not None and own is not None:
        return Side(rows, columns, side.words, side.isolated)
    last_class = np.array([len(rows) - 1], dtype=np.int64)
    row_reps = np.append(row_reps, last_class) if row is None else row_reps
    column_reps = np.append(column_reps, last_class) if own is None else column_reps
    words = np.empty((len(row_reps), len(column_reps), side.words.shape[2]), dtype=side.words.dtype)
    words[: side.words.shape[0], : side.words.shape[1]] = side.words
    isolated = side.isolated
    if row is None:
        mine = [item for item in about if column[matrix.place(item.subject)]]
        tiers = Tiers(matrix, direction, mine, last_class, column_reps)
        words[-1] = tiers.words()[0]
        isolated = np.append(isolated, bool(mine))
    if own is None:
        # The rules that name it let it in; to who is isolated by others alone it is closed.
        tiers = Tiers(matrix, direction, naming, row_reps, last_class)
        last = tiers.words()
        last[isolated & ~_about(matrix, naming, row_reps)] = 0
        last[~isolated] = tiers.full
        words[:, -1] = last[:, 0]
    return Side(rows, columns, words, isolated)


def _naming(
    matrix: Matrix, policies: list[Policy], direction: Direction, inside: list[bool]
) -> tuple[list[Policy], np.ndarray]:
    """Return the policies with those of their rules alone that name a class, and the places of all their peers."""
    place = matrix.place
    found: list[Policy] = []
    places: set[int] = set()
    for policy in policies:
        rules = []
        for rule in policy.rules(direction):
            if rule.peers is None:
                rules.append(rule)
                continue
            at = list(map(place, rule.peers))
            places.update(at)
            for item in at:
                if inside[item]:
                    rules.append(rule)
                    break
        if rules:
            found.append(msgspec.structs.replace(policy, **{direction.value: tuple(rules)}))
    return found, np.array(sorted(places), dtype=np.int64)


def _alike(
    matrix: Matrix, places: np.ndarray, reps: np.ndarray, column: np.ndarray, *, named: bool
) -> int | None:
    """Return a coarse class in just the matchers of `column`, as far as these places go; None where there is none."""
    good = matrix.selectable[reps] == matrix.selectable[-1]
    if named:
        good &= matrix.signature[reps] == matrix.signature[-1]
    for place in places[column[places]].tolist():
        good &= matrix.membership[place, reps]
    for candidate in np.flatnonzero(good)[:_TRIES].tolist():
        if bool((matrix.membership[places, reps[candidate]] == column[places]).all()):
            return int(candidate)
    return None


def _allows_only(policy: Policy, direction: Direction) -> bool:
    return policy.tier == "networkpolicy" or (
        direction in policy.isolates and all(rule.action is Action.ALLOW for rule in policy.rules(direction))
    )


def _about(matrix: Matrix, policies: list[Policy], row_reps: np.ndarray) -> np.ndarray:
    places = np.array([matrix.place(item.subject) for item in policies], dtype=np.int64)
    bits: np.ndarray = matrix.membership[places[:, None], row_reps[None, :]]
    found: np.ndarray = np.any(bits, axis=0)
    return found


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
