"""One direction over coarse classes: admin rules in order, the union of NetworkPolicies, baseline in order."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from seawall.network.pairs.ports import flat
from seawall.network.rules import Action, Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.pairs.engine import Matrix
    from seawall.network.rules import PeerMatch, Policy, Rule


class Tiers:
    """The tiers of one direction over coarse classes: admin in order, the union, baseline in order."""

    def __init__(
        self,
        matrix: Matrix,
        direction: Direction,
        policies: list[Policy],
        row_of: np.ndarray,
        column_of: np.ndarray,
    ) -> None:
        self.direction = direction
        self.policies = policies
        self.ports = matrix.ports
        self.full = self.ports.as_words(self.ports.all)
        self.resolutions = matrix.people.resolutions
        # The destination's names decide a named port: the peer of egress, the subject of ingress (b1.6).
        self.named_at = matrix.signature[column_of if direction is Direction.EGRESS else row_of]
        self.shape = (len(row_of), len(column_of), self.ports.words)
        # Only the matchers of these policies are looked at, each by the number of its row here.
        matchers = [match for policy in policies for match in _matchers(policy, direction)]
        places = [matrix.place(match) for match in matchers]
        number = {place: at for at, place in enumerate(dict.fromkeys(places))}
        self._at = {id(match): number[place] for match, place in zip(matchers, places, strict=True)}
        rows = np.array(list(number), dtype=np.int64)
        self.row_bits = matrix.membership[rows[:, None], row_of[None, :]]
        self.column_bits = matrix.membership[rows[:, None], column_of[None, :]]
        self.selectable = matrix.selectable[column_of]
        self.port_slot = matrix.port_slot
        self._masks: dict[int, np.ndarray] = {}
        self.isolated: np.ndarray | None = None

    def place(self, match: PeerMatch) -> int:
        """Return the row of a matcher in the memberships."""
        return self._at[id(match)]

    def words(self) -> np.ndarray:
        """Return what the direction allows: stages from the last to the first, each over what follows it."""
        found: np.ndarray | None = None
        stages = [list(items) for _, items in groupby(self.policies, key=lambda item: item.stage)]
        if not stages:
            self.isolated = np.zeros(self.shape[0], dtype=bool)
        for stage in reversed(stages):
            ask = self._union if self.is_union(stage) else self._ordered
            found = ask(stage, found)
        if len(stages) > 1:
            self.isolated = None
        return np.broadcast_to(self.full, self.shape).copy() if found is None else found

    def is_union(self, stage: list[Policy]) -> bool:
        """Tell whether order means nothing: every policy isolates, and every rule allows."""
        return all(
            self.direction in item.isolates
            and all(rule.action is Action.ALLOW for rule in item.rules(self.direction))
            for item in stage
        )

    def _union(self, stage: list[Policy], after: np.ndarray | None) -> np.ndarray:
        found = np.zeros(self.shape, dtype=np.uint64)
        isolated = np.zeros(self.shape[0], dtype=bool)
        for policy in stage:
            rows = np.flatnonzero(self.row_bits[self.place(policy.subject)])
            isolated[rows] = True
            for rule in policy.rules(self.direction):
                self._allow(found, self._rows(rows, rule), rule)
        found[~isolated] = self.full if after is None else after[~isolated]
        self.isolated = isolated
        return found

    def _rows(self, rows: np.ndarray, rule: Rule) -> np.ndarray:
        """Return the subjects that a rule is about."""
        if rule.here is None:
            return rows
        kept: np.ndarray = rows[self.row_bits[self.place(rule.here)][rows]]
        return kept

    def _allow(self, found: np.ndarray, rows: np.ndarray, rule: Rule) -> None:
        columns = self._columns(rule)
        if not len(rows) or not len(columns):
            return
        masks = self.mask(rule)
        if masks.ndim == 1:
            found[rows[:, None], columns] |= masks
        elif self.direction is Direction.EGRESS:
            found[rows[:, None], columns] |= masks[columns][None, :, :]
        else:
            found[rows[:, None], columns] |= masks[rows][:, None, :]

    def _ordered(self, policies: list[Policy], after: np.ndarray | None) -> np.ndarray:
        """Return a tier over what follows it: the first rule that matches (specs b2), else a denial where it isolates."""
        allowed = np.zeros(self.shape, dtype=np.uint64)
        settled = np.zeros(self.shape, dtype=np.uint64)
        passed = np.zeros(self.shape, dtype=np.uint64)
        isolated = np.zeros(self.shape[0], dtype=bool)
        for policy in policies:
            rows = np.flatnonzero(self.row_bits[self.place(policy.subject)])
            if self.direction in policy.isolates:
                isolated[rows] = True
            for rule in policy.rules(self.direction):
                self._settle(policy, rule, self._rows(rows, rule), (allowed, settled, passed))
        found: np.ndarray = ~settled if after is None else after & ~settled
        found[isolated] = 0
        # What a rule passes on goes to the next tier also where this one isolates.
        found |= passed & (self.full if after is None else after)
        if after is None:
            found &= self.full
        found |= allowed
        return found

    def _settle(
        self,
        policy: Policy,
        rule: Rule,
        rows: np.ndarray,
        cells: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Let a rule decide what no rule before it decided."""
        allowed, settled, passed = cells
        columns = self._columns(rule)
        if (
            self.direction is Direction.INGRESS
            and rule.peers is not None
            and policy.tier in {"admin", "baseline"}
        ):
            # Nothing outside the cluster is an ingress peer of these policies (specs b2).
            columns = columns[self.selectable[columns]]
        if not len(rows) or not len(columns):
            return
        where = (rows[:, None], columns)
        masks = self.mask(rule)
        if masks.ndim == 2:
            masks = (
                masks[columns][None, :, :] if self.direction is Direction.EGRESS else masks[rows][:, None, :]
            )
        fresh = masks & ~settled[where]
        settled[where] |= fresh
        if rule.action is Action.ALLOW:
            allowed[where] |= fresh
        elif rule.action is Action.PASS:
            passed[where] |= fresh

    def _columns(self, rule: Rule) -> np.ndarray:
        """Return the coarse classes that a rule's peers mean."""
        if rule.peers is None:
            return np.arange(self.shape[1])
        flags = self.column_bits[[self.place(match) for match in rule.peers]]
        return np.flatnonzero(flags[0] if len(flags) == 1 else flags.any(axis=0))

    def mask(self, rule: Rule) -> np.ndarray:
        """Return a rule's ports as words: [word], or [destination class, word] where it names ports."""
        found = self._masks.get(self.port_slot(rule))
        if found is None:
            if not any(port.name is not None for port in flat(rule.ports)):
                found = self.ports.as_words(self.ports.mask(rule.ports, {}))
            else:
                per_name = [
                    self.ports.as_words(self.ports.mask(rule.ports, each)) for each in self.resolutions
                ]
                found = np.array(per_name, dtype=np.uint64)[self.named_at]
            self._masks[self.port_slot(rule)] = found
        return found


def _matchers(policy: Policy, direction: Direction) -> Iterator[PeerMatch]:
    yield policy.subject
    for rule in policy.rules(direction):
        yield from rule.peers or ()
        if rule.here is not None:
            yield rule.here
