"""Groups joined into classes: two groups are one class where every rule of every policy treats them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEED = 20_261_121


class Partition:
    """Classes of groups by membership, found by hashing and then proven.

    Each matcher has a random word of 64 bits; a group's hash is the sum over the matchers that it is in. Equal
    hashes make a class, and then every matcher's members are counted against its classes: a collision, by
    chance or by design, would show there and the memberships themselves are compared instead.
    """

    def __init__(self) -> None:
        self._random = np.random.default_rng(_SEED)
        self._weights: list[int] = []

    def weight(self) -> int:
        """Draw the word of one more matcher."""
        return int(self._random.integers(1, 1 << 63, dtype=np.uint64)) | 1

    def split(
        self, base: np.ndarray, hashes: np.ndarray, members: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the class of each group, one group of each class, and membership[matcher, class].

        `base` is what tells groups apart whatever the policies say (their kind, their port names).
        """
        mixed = hashes ^ (base.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        _, representative, classes = np.unique(mixed, return_index=True, return_inverse=True)
        membership = _membership(members, classes, len(representative))
        if not _proven(base, classes, representative, membership, members):
            rows = np.zeros((len(members) + 1, len(base)), dtype=np.int64)
            rows[-1] = base
            for index, found in enumerate(members):
                rows[index, found] = 1
            _, representative, classes = np.unique(rows, axis=1, return_index=True, return_inverse=True)
            classes = classes.reshape(-1)
            membership = _membership(members, classes, len(representative))
        return classes, representative, membership


def _membership(members: Sequence[np.ndarray], classes: np.ndarray, count: int) -> np.ndarray:
    membership = np.zeros((len(members), count), dtype=bool)
    for index, found in enumerate(members):
        membership[index, classes[found]] = True
    return membership


def _proven(
    base: np.ndarray,
    classes: np.ndarray,
    representative: np.ndarray,
    membership: np.ndarray,
    members: Sequence[np.ndarray],
) -> bool:
    if not bool((base == base[representative][classes]).all()):
        return False
    sizes = np.bincount(classes, minlength=len(representative)).astype(np.float64)
    # A class is in a matcher whole or not at all exactly when the sizes of its classes sum to its members.
    wanted = np.array([len(found) for found in members], dtype=np.float64)
    where, which = np.nonzero(membership)
    return bool((np.bincount(where, weights=sizes[which], minlength=len(members)) == wanted).all())


def rows_alike(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct columns of a boolean matrix: (number of each column, one column of each number)."""
    if not columns.shape[0]:
        return np.zeros(columns.shape[1], dtype=np.int64), np.zeros(min(1, columns.shape[1]), dtype=np.int64)
    packed = np.ascontiguousarray(np.packbits(columns, axis=0).T)
    flat = packed.view([("", f"V{packed.shape[1]}")]).reshape(-1)
    _, representative, numbers = np.unique(flat, return_index=True, return_inverse=True)
    return numbers.reshape(-1), representative
