"""All pairs at once: classes of endpoints, what each direction allows between them, and both together.

The same answers as `seawall.network.policies`, for everybody: endpoints are joined into classes that no rule tells
apart, ports into atoms that no rule cuts, and a direction is a matrix of bit sets over coarser classes still
(those that only this direction's policies can tell). A test over random clusters holds the two engines equal.

What a pair of pods adds to its classes, and the matrix does not hold: a pod always lets its own node in
(specs b1.10), and what a pod says to itself is nobody's to filter.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np

from seawall.network.expressions import terms as terms_of
from seawall.network.model import Peer, read_pod
from seawall.network.pairs.change import Classes, changed_side, memberships, with_class
from seawall.network.pairs.endpoint import Vocabulary
from seawall.network.pairs.partition import Partition, rows_alike
from seawall.network.pairs.population import Population
from seawall.network.pairs.ports import PortAtoms, flat
from seawall.network.pairs.side import Side, speaks
from seawall.network.pairs.tiers import Tiers
from seawall.network.rules import Direction, PeerMatch, Policy, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seawall.network.estate import NetworkEstate
    from seawall.network.model import Network, Selector
    from seawall.network.pairs.endpoint import Endpoint
    from seawall.network.pairs.ports import Resolution
    from seawall.network.rules import Rule


class Matrix:
    """Who can talk to whom: ask it by class, or by endpoint through `class_of`.

    `cuts` are blocks that must be classes of their own beyond what the policies cut; `port_cuts` are policies
    whose ports and blocks are cut too, so that two matrices can be compared; `resolutions` are numbers that
    named ports have elsewhere, cut for the same reason.
    """

    def __init__(
        self,
        estate: NetworkEstate,
        cuts: Iterable[Network] = (),
        port_cuts: Iterable[Policy] = (),
        resolutions: Iterable[Resolution] = (),
    ) -> None:
        self._estate = estate
        self._cuts = tuple(cuts)
        self._port_cuts = tuple(port_cuts)
        self.policies = list(estate.policies)
        self._spaces: dict[Selector, list[str]] = {}
        policies = [*self.policies, *self._port_cuts]
        matches = [port for rule in _rules(policies) for port in flat(rule.ports)]
        peers = [each for item in _peers(policies) for each in deep(item)]
        vocabulary = Vocabulary(
            (item.pods for item in peers if item.pods is not None),
            (port.name for port in matches if port.name is not None),
            (term for item in peers if item.where is not None for term in terms_of(item.where)),
        )
        blocks = [
            network for item in peers if item.block is not None for network in (item.block, *item.excepted)
        ]
        self.people = Population(
            estate.pods,
            estate.standing(),
            estate.nodes,
            vocabulary,
            [*blocks, *self._cuts],
            list(dict.fromkeys(item.nodes for item in peers if item.nodes is not None)),
            estate.namespaces,
        )
        self._named = bool(vocabulary.port_names)
        self.ports = PortAtoms(matches, [*self.people.resolutions, *resolutions])
        self._partition = Partition()
        self._base = self._base_of()
        self._hashes = np.zeros(self.people.count, dtype=np.uint64)
        # A matcher that several rules share has one slot; rules are looked up by the identity of their parts,
        # because hashing thousands of selectors would be most of the cost of a change.
        self._slots: dict[PeerMatch, int] = {}
        self._slot_of: dict[int, int] = {}
        self._port_slots: dict[Any, int] = {None: 0}
        self._port_slot_of: dict[int, int] = {id(None): 0}
        self._members: dict[int, np.ndarray] = {}
        self._weights: dict[int, np.uint64] = {}
        self._uses: dict[int, int] = {}
        for policy in self.policies:
            self._count(policy)
        self._finish()

    # --- classes ---------------------------------------------------------------------------------------------

    def _base_of(self) -> np.ndarray:
        """Return what tells groups apart without any policy: may selectors match, and the port names."""
        people = self.people
        base = people.signature * 4 + people.selectable
        if not self._cuts:
            return base
        # Cuts that the caller asked for stay classes of their own.
        marks = np.zeros(people.count, dtype=np.int64)
        for number, network in enumerate(self._cuts):
            inside = people.matched(PeerMatch(block=network), None)
            marks[inside] += 1 << (number % 40)
        _, marks = np.unique(marks, return_inverse=True)
        return base + marks.reshape(-1) * (int(base.max(initial=0)) + 1)

    def _count(self, policy: Policy) -> None:
        for match in _peers([policy]):
            slot = self._slots.setdefault(match, len(self._slots))
            self._slot_of[id(match)] = slot
            uses = self._uses.get(slot, 0)
            self._uses[slot] = uses + 1
            if not uses:
                found = self.people.matched(match, self._spaces_of(match.namespaces))
                self._members[slot] = found
                self._weights[slot] = np.uint64(self._partition.weight())
                self._hashes[found] += self._weights[slot]
        for rule in _rules([policy]):
            slot = self._port_slots.setdefault(rule.ports, len(self._port_slots))
            self._port_slot_of[id(rule.ports)] = slot

    def _discount(self, policy: Policy) -> None:
        for match in _peers([policy]):
            slot = self._slots[match]
            self._uses[slot] -= 1
            if not self._uses[slot]:
                self._hashes[self._members.pop(slot)] -= self._weights.pop(slot)

    def _spaces_of(self, selector: Selector | None) -> list[str] | None:
        if selector is None:
            return None
        found = self._spaces.get(selector)
        if found is None:
            namespaces = self._estate.namespaces
            found = [name for name in self.people.namespaces if selector.matches(labels_of(namespaces, name))]
            self._spaces[selector] = found
        return found

    def _finish(self) -> None:
        """Make classes and sides."""
        self.class_of_group, representative, membership = self._partition.split(
            self._base, self._hashes, list(self._members.values())
        )
        self.representative = representative
        self.classes = len(representative)
        self._place = {slot: number for number, slot in enumerate(self._members)}
        self.membership = membership
        self.signature = self.people.signature[representative]
        self.selectable = self.people.selectable[representative]
        self.egress, self.ingress = (self._side(item) for item in (Direction.EGRESS, Direction.INGRESS))
        self._class_of: np.ndarray | None = None
        self._sizes: np.ndarray | None = None

    @property
    def class_of(self) -> np.ndarray:
        """The class of each endpoint."""
        if self._class_of is None:
            self._class_of = self.class_of_group[self.people.group]
        return self._class_of

    @property
    def sizes(self) -> np.ndarray:
        """The number of endpoints of each class."""
        if self._sizes is None:
            self._sizes = np.bincount(self.class_of, minlength=self.classes)
        return self._sizes

    def place(self, match: PeerMatch) -> int:
        """Return the row of a policy's matcher in the membership matrix."""
        return self._place[self._slot_of[id(match)]]

    def port_slot(self, rule: Rule) -> int:
        """Return the number of a rule's ports: equal ports have one number."""
        return self._port_slot_of[id(rule.ports)]

    # --- directions ------------------------------------------------------------------------------------------

    def _side(self, direction: Direction) -> Side:
        policies = [item for item in self.policies if speaks(item, direction)]
        subjects = {self.place(item.subject) for item in policies}
        subjects |= {
            self.place(rule.here)
            for item in policies
            for rule in item.rules(direction)
            if rule.here is not None
        }
        row_bits = self.membership[sorted(subjects)]
        peers = {
            self.place(match)
            for item in policies
            for rule in item.rules(direction)
            for match in rule.peers or ()
        }
        column_bits: list[np.ndarray] = [self.membership[sorted(peers)], self.selectable[None, :]]
        names = [
            (self.signature == value)[None, :] for value in (np.unique(self.signature) if self._named else ())
        ]
        # The destination's names decide a named port: the peer of egress, the subject of ingress (b1.6).
        if direction is Direction.EGRESS:
            column_bits += names
        else:
            row_bits = np.concatenate([row_bits, *names]) if names else row_bits
        rows, row_of = rows_alike(row_bits)
        columns, column_of = rows_alike(np.concatenate(column_bits))
        tiers = Tiers(self, direction, policies, row_of, column_of)
        words = tiers.words()
        return Side(rows, columns, words, tiers.isolated)

    # --- answers ---------------------------------------------------------------------------------------------

    def mask(self, source: int, target: int) -> int:
        """Return the ports that class `source` may reach on class `target`, as a mask of `ports`."""
        out = self.egress.words[self.egress.rows[source], self.egress.columns[target]]
        into = self.ingress.words[self.ingress.rows[target], self.ingress.columns[source]]
        return self.ports.from_words(out & into)

    def rows(self, step: int = 256) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (first source class, words[source, target, word]) block by block, all pairs in the end."""
        turned = np.ascontiguousarray(self.ingress.words.transpose(1, 0, 2))
        for low in range(0, self.classes, step):
            span = slice(low, min(low + step, self.classes))
            out = _spread(self.egress.words, self.egress.rows[span], self.egress.columns)
            np.bitwise_and(out, _spread(turned, self.ingress.columns[span], self.ingress.rows), out=out)
            yield low, out

    def connected(self) -> int:
        """Count the ordered pairs of classes that any port connects."""
        found = 0
        for _, words in self.rows():
            any_word = words[..., 0]
            for word in range(1, words.shape[2]):
                any_word = any_word | words[..., word]
            found += int(np.count_nonzero(any_word))
        return found

    def endpoint(self, number: int) -> Endpoint:
        """Return an endpoint."""
        return self.people.endpoint(number)

    # --- changes ---------------------------------------------------------------------------------------------

    def replace(self, old: Policy | None, new: Policy | None) -> Matrix:
        """Return the matrix with one policy taken out, put in, or exchanged.

        Only what the policy touches is worked out again, as long as it names no label, port or block that
        no policy named before; else everything is.
        """
        policies = [item for item in self.policies if item is not old] + ([new] if new is not None else [])
        estate = self._estate.with_policies(policies)
        policies = estate.policies
        if new is not None and not self._knows(new):
            return Matrix(estate, self._cuts, self._port_cuts)
        made: Matrix = object.__new__(Matrix)
        made.__dict__.update(self.__dict__)
        made._estate = estate
        made.policies = policies
        made._hashes = self._hashes.copy()
        made._members = dict(self._members)
        made._slots = dict(self._slots)
        made._slot_of = dict(self._slot_of)
        made._port_slots = dict(self._port_slots)
        made._port_slot_of = dict(self._port_slot_of)
        made._weights = dict(self._weights)
        made._uses = dict(self._uses)
        if old is not None:
            made._discount(old)
        if new is not None:
            made._count(new)
        made._change(self, old, new)
        return made

    def _change(self, before: Matrix, old: Policy | None, new: Policy | None) -> None:
        """Work out what exchanging one policy touches; all else is taken from the matrix before."""
        gone = [slot for slot in before._members if slot not in self._members]
        fresh = [slot for slot in self._members if slot not in before._members]
        classes = Classes(before.class_of_group, before.classes, before.representative)
        for slot in fresh:
            classes.split(self._members[slot])
        free = [before._place[slot] for slot in gone]
        self._place = {slot: row for slot, row in before._place.items() if slot in self._members}
        free += range(len(before.membership), len(before.membership) + len(fresh))
        for slot, row in zip(fresh, free, strict=False):
            self._place[slot] = row
        self.membership = memberships(
            before.membership,
            classes,
            [before._place[slot] for slot in gone],
            {self._place[slot]: self._members[slot] for slot in fresh},
        )
        self.class_of_group, self.representative = classes.of_group, classes.representative
        self.classes = classes.count
        self.signature = self.people.signature[self.representative]
        self.selectable = self.people.selectable[self.representative]
        self._class_of = self._sizes = None
        touched = np.zeros(self.classes, dtype=bool)
        if old is not None:
            touched |= before.membership[before.place(old.subject)][classes.origin]
        if new is not None:
            touched |= self.membership[self.place(new.subject)]
        sides = {}
        for direction, side in ((Direction.EGRESS, before.egress), (Direction.INGRESS, before.ingress)):
            if any(item is not None and speaks(item, direction) for item in (old, new)):
                sides[direction] = changed_side(self, direction, side, classes.origin, touched, new)
            else:
                origin = classes.origin
                sides[direction] = Side(side.rows[origin], side.columns[origin], side.words, side.isolated)
        self.egress, self.ingress = sides[Direction.EGRESS], sides[Direction.INGRESS]

    def with_pod(self, number: int, raw: dict[str, Any]) -> Matrix:
        """Return the matrix with the pod at an endpoint's number exchanged for another, labels and all."""
        pods = list(self._estate.pods)
        if number >= len(pods):
            raise IndexError(number)
        pods[number] = raw
        estate = self._estate.with_pods(pods)
        pod = read_pod(raw)
        signature = self.people.signature_of(raw)
        if pod.host or self._cuts or signature is None or pod.namespace not in self.people.slices:
            return Matrix(estate, self._cuts, self._port_cuts)
        peer = Peer(pod=pod)
        inside = [
            slot
            for match, slot in self._slots.items()
            if slot in self._members and match.matches(peer, self._estate.namespaces)
        ]
        column = np.zeros(len(self.membership), dtype=bool)
        column[[self._place[slot] for slot in inside]] = True
        made: Matrix = object.__new__(Matrix)
        made.__dict__.update(self.__dict__)
        made._estate = estate
        made._class_of = made._sizes = None
        made.people = self.people.with_late(number, raw, pod, signature)
        group = made.people.count - 1
        made._base = np.append(self._base, signature * 4 + 1)
        weights = [self._weights[slot] for slot in inside]
        made._hashes = np.append(self._hashes, np.sum(np.array(weights, dtype=np.uint64), dtype=np.uint64))
        made._members = dict(self._members)
        for slot in inside:
            made._members[slot] = np.append(self._members[slot], group)
        alike = np.flatnonzero((self.membership == column[:, None]).all(axis=0))
        for found in alike:
            if self._base[self.representative[found]] == made._base[-1]:
                # No new class: the matrices stay as they are.
                made.class_of_group = np.append(self.class_of_group, found)
                return made
        if not made._grow(column):
            made._finish()
        return made

    def _grow(self, column: np.ndarray) -> bool:
        """Add the class of the last group, which is in the matchers of `column`; False where all must be worked out."""
        group = self.people.count - 1
        sides = self.egress, self.ingress
        self.membership = np.concatenate([self.membership, column[:, None]], axis=1)
        self.class_of_group = np.append(self.class_of_group, self.classes)
        self.representative = np.append(self.representative, group)
        self.classes += 1
        self.signature = self.people.signature[self.representative]
        self.selectable = self.people.selectable[self.representative]
        made = [
            with_class(self, direction, side, column)
            for direction, side in zip((Direction.EGRESS, Direction.INGRESS), sides, strict=True)
        ]
        if made[0] is None or made[1] is None:
            return False
        self.egress, self.ingress = made[0], made[1]
        return True

    def _knows(self, policy: Policy) -> bool:
        values = self.people.vocabulary.values
        for match in (each for item in _peers([policy]) for each in deep(item)):
            if match.where is not None and not all(map(self.people.vocabulary.knows, terms_of(match.where))):
                return False
            if match.nodes is not None and match.nodes not in self.people.node_selectors:
                return False
            if match.block is not None:
                if not self.people.blocks_read:
                    return False
                for network in (match.block, *match.excepted):
                    starts = self.people.atoms.starts[network.version]
                    low = int(network.network_address)
                    past = low + network.num_addresses
                    if not _in(starts, low) or not (_in(starts, past) or past >> network.max_prefixlen):
                        return False
            if match.pods is not None:
                terms: list[tuple[str, tuple[str, ...]]] = [
                    (key, (value,)) for key, value in match.pods.labels
                ]
                terms += [(key, tuple(found)) for key, _, found in match.pods.expressions]
                if any(key not in values or not values[key].issuperset(found) for key, found in terms):
                    return False
        for rule in _rules([policy]):
            for port in flat(rule.ports):
                if port.protocol is not None and port.protocol not in self.ports.starts:
                    return False
                if port.name is not None:
                    if port.name not in self.people.vocabulary.port_names:
                        return False
                elif port.low is not None and port.protocol is not None:
                    starts = self.ports.starts[port.protocol]
                    if not _in(starts, port.low) or not _in(
                        starts, (port.low if port.high is None else port.high) + 1
                    ):
                        return False
        return True


def _spread(words: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return words[row, column] for every row and column: distinct rows are spread once (they repeat)."""
    distinct, back = np.unique(rows, return_inverse=True)
    if 2 * len(distinct) > len(rows):
        return np.take(words[rows], columns, axis=1)
    return np.take(words[distinct], columns, axis=1)[back]


def _rules(policies: Iterable[Policy]) -> Iterator[Rule]:
    for policy in policies:
        yield from policy.ingress
        yield from policy.egress


def _peers(policies: Iterable[Policy]) -> Iterator[PeerMatch]:
    for policy in policies:
        yield policy.subject
    for rule in _rules(policies):
        yield from rule.peers or ()
        if rule.here is not None:
            yield rule.here


def deep(match: PeerMatch) -> Iterator[PeerMatch]:
    """Yield a match and those in its further conditions."""
    yield match
    for clause in match.also:
        for item in clause.alternatives:
            yield from deep(item)


def _in(starts: Sequence[int], value: int) -> bool:
    place = bisect_left(starts, value)
    return place < len(starts) and starts[place] == value
