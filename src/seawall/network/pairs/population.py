"""Who there is: pods, pods of the host, nodes and the rest of the address space, grouped by what rules can see.

Two pods are in one group where no selector, block and port name of any policy could tell them apart. Reading a
hundred thousand pods is the largest part of the work, so it is one loop over the dicts that were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from seawall.network.expressions import (
    ACCOUNT_KEY,
    HAS,
    IN,
    NAMESPACE,
    SPACE,
    Every,
    Expression,
    Non,
    Term,
    space_labels,
)
from seawall.network.expressions import POD as POD_LABEL
from seawall.network.model import MISSHAPEN, Peer, Pod, Selector, account_of, misshapen
from seawall.network.pairs.addresses import AddressAtoms
from seawall.network.pairs.endpoint import EXTERNAL, HOST, NODE, POD, Endpoint, Vocabulary, texts_of
from seawall.network.rules import ALL, REMOTE, WORLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seawall.network.model import Address, Network
    from seawall.network.pairs.ports import Resolution
    from seawall.network.rules import PeerMatch
    from seawall.network.workloads import Workload

_EMPTY: dict[str, Any] = {}


class Population:
    """The endpoints of a world, their groups, and what each group looks like to rules."""

    def __init__(
        self,
        pods: Sequence[dict[str, Any]],
        workloads: Sequence[Workload],
        nodes: Sequence[tuple[Address, dict[str, Any]]],
        vocabulary: Vocabulary,
        blocks: Sequence[Network],
        node_selectors: Sequence[Selector],
        namespaces: Mapping[str, dict[str, str]],
    ) -> None:
        self.vocabulary = vocabulary
        self._labels_of_spaces = namespaces
        self.node_selectors = tuple(node_selectors)
        self._nodes = {address: _labels(raw) for address, raw in nodes}
        self.atoms = AddressAtoms(blocks)
        self.resolutions: list[Resolution] = [{}]
        self._signatures: dict[Any, int] = {(): 0}
        self._late: tuple[tuple[int, Pod], ...] = ()
        self._sources: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
            *((raw, None) for raw in pods),
            *((item.raw, item.template) for item in workloads),
        ]
        # Where no rule looks at addresses none is read, and no block can be asked about later.
        self.blocks_read = bool(blocks)
        identity, signature, first, second = self._read(bool(blocks or node_selectors))
        reduced, kinds = self._reduce(identity)
        self._hosts = np.array([item[0] for item in kinds], dtype=bool)[reduced]
        addresses = self._addresses(first, second, bool(blocks))
        self._node_list = nodes
        extra: list[tuple[str, Any, Any]] = [(NODE, address, None) for address, _ in nodes]
        extra += [(EXTERNAL, None, (version, index)) for version, index in self._external()]
        self._extra = extra
        self._group(reduced, kinds, signature, addresses, first, second, extra)

    @property
    def size(self) -> int:
        """The number of endpoints."""
        return len(self._sources) + len(self._extra)

    @property
    def outside(self) -> int:
        """The number of the first endpoint that is an atom of the address space outside."""
        return len(self._sources) + len(self._node_list)

    def endpoint(self, number: int) -> Endpoint:
        """Return an endpoint: pods and workloads first, then node addresses, then the atoms outside."""
        if number < len(self._sources):
            raw, template = self._sources[number]
            return Endpoint(HOST if self._hosts[number] else POD, raw, template)
        offset = number - len(self._sources)
        kind, address, span = self._extra[offset]
        return Endpoint(
            kind, self._node_list[offset][1] if kind == NODE else None, address=address, span=span
        )

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints in the order of their numbers."""
        return [self.endpoint(number) for number in range(self.size)]

    # --- reading ---------------------------------------------------------------------------------------------

    def _read(self, addressed: bool) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
        """Return the identity and port signature of each pod, and its addresses where a block may ask."""
        ids: dict[Any, int] = {}
        identity: list[int] = []
        signature: list[int] = []
        found: list[tuple[str, str]] = []
        named = bool(self.vocabulary.port_names)
        accounts = self.vocabulary.accounts
        for raw, template in self._sources:
            try:
                holder = raw if template is None else template
                spec = holder.get("spec") or _EMPTY
                host = spec.get("hostNetwork") is True
                metadata = raw.get("metadata") or _EMPTY
                labels = (metadata if template is None else holder.get("metadata") or _EMPTY).get(
                    "labels"
                ) or _EMPTY
                account = account_of(spec) if accounts else ""
                key = (metadata.get("namespace") or "default", host, account, *labels.items())
                try:
                    number = ids.get(key)
                except TypeError:
                    key = (str(key[0]), host, account, *((str(k), str(v)) for k, v in labels.items()))
                    number = ids.get(key)
                if number is None:
                    number = ids[key] = len(ids)
                identity.append(number)
                if named:
                    signature.append(0 if host else self._signature(spec))
                if addressed:
                    status = (raw.get("status") or _EMPTY) if template is None else _EMPTY
                    found.append(texts_of(status, host))
            except MISSHAPEN as error:
                raise misshapen(raw, error) from None
        self._identities = list(ids)
        numbers = np.array(identity, dtype=np.int64)
        if not addressed:
            found = [("", "")] * len(identity)
        return (
            numbers,
            np.array(signature, dtype=np.int64) if named else np.zeros(len(identity), dtype=np.int64),
            [item[0] for item in found],
            [item[1] for item in found],
        )

    def _signature(self, spec: dict[str, Any]) -> int:
        """Return the number of what the pod's containers give the port names that rules use."""
        names = self.vocabulary.port_names
        found = [
            (port["name"], port.get("protocol") or "TCP", port.get("containerPort"))
            for container in spec.get("containers") or ()
            for port in container.get("ports") or ()
            if port.get("name") in names
        ]
        # A sidecar (an init container that is always restarted) serves ports too (specs b1.6).
        found += [
            (port["name"], port.get("protocol") or "TCP", port.get("containerPort"))
            for container in spec.get("initContainers") or ()
            if container.get("restartPolicy") == "Always"
            for port in container.get("ports") or ()
            if port.get("name") in names
        ]
        if not found:
            return 0
        key = tuple(found)
        number = self._signatures.get(key)
        if number is None:
            number = self._signatures[key] = self._resolution(found)
        return number

    def _resolution(self, found: list[tuple[str, str, int]]) -> int:
        resolution: dict[tuple[str, str], set[int]] = {}
        for name, protocol, value in found:
            if isinstance(value, int):
                resolution.setdefault((str(name), str(protocol)), set()).add(value)
        frozen = {each: frozenset(values) for each, values in resolution.items()}
        if frozen in self.resolutions:
            return self.resolutions.index(frozen)
        self.resolutions.append(frozen)
        return len(self.resolutions) - 1

    def _reduce(self, identity: np.ndarray) -> tuple[np.ndarray, list[tuple[bool, str, str, Any]]]:
        """Turn identities into what selectors can see of them, in the order host, namespace, labels."""
        reduce = self.vocabulary.reduce
        cache: dict[tuple[bool, str, str, Any], int] = {}
        order = np.empty(len(self._identities), dtype=np.int64)
        for index, (namespace, host, account, *labels) in enumerate(self._identities):
            key = (True, "", "", frozenset()) if host else (False, str(namespace), account, reduce(labels))
            order[index] = cache.setdefault(key, len(cache))
        kinds = list(cache)
        ranked = sorted(range(len(kinds)), key=lambda item: (kinds[item][0], kinds[item][1]))
        rank = np.empty(len(kinds), dtype=np.int64)
        rank[ranked] = np.arange(len(kinds))
        ids: np.ndarray = rank[order][identity] if len(identity) else identity
        return ids, [kinds[item] for item in ranked]

    def _addresses(self, first: list[str], second: list[str], wanted: bool) -> np.ndarray:
        """Return one number per pod for the atoms that its addresses lie in: 0 where it has none."""
        if not wanted:
            return np.zeros(len(first), dtype=np.int64)
        width = len(self.atoms.starts[6]) + 1
        numbers: np.ndarray = (self.atoms.of_texts(first, 4) + 1) * width + self.atoms.of_texts(second, 6) + 1
        return numbers

    def _external(self) -> list[tuple[int, int]]:
        return [(version, index) for version in (4, 6) for index in range(len(self.atoms.starts[version]))]

    # --- grouping --------------------------------------------------------------------------------------------

    def _group(
        self,
        reduced: np.ndarray,
        kinds: list[tuple[bool, str, str, Any]],
        signature: np.ndarray,
        addresses: np.ndarray,
        first: list[str],
        second: list[str],
        extra: list[tuple[str, Any, Any]],
    ) -> None:
        width = len(self.atoms.starts[6]) + 1
        most = (len(self.atoms.starts[4]) + 1) * width
        node_sets = self._node_sets(first, second)
        key = ((reduced * len(self.resolutions) + signature) * most + addresses) * (
            len(self._node_keys)
        ) + node_sets
        values, representative, inverse = np.unique(key, return_index=True, return_inverse=True)
        pods = len(values)
        self.group = np.concatenate([inverse, np.arange(pods, pods + len(extra))]).astype(np.int64)
        self.count = pods + len(extra)
        kind_of = reduced[representative] if pods else np.zeros(0, dtype=np.int64)
        hosts = np.array([item[0] for item in kinds], dtype=bool)
        self.selectable = np.zeros(self.count, dtype=bool)
        self.selectable[:pods] = ~hosts[kind_of] if pods else False
        self.pods_end = int(self.selectable.sum())
        self.external = np.zeros(self.count, dtype=bool)
        self.external[self.count - sum(kind == EXTERNAL for kind, _, _ in extra) :] = True
        self.signature = np.zeros(self.count, dtype=np.int64)
        self.signature[:pods] = signature[representative]
        # Atoms of each group in each family, -1 for none.
        self.atom4 = np.full(self.count, -1, dtype=np.int64)
        self.atom6 = np.full(self.count, -1, dtype=np.int64)
        self.atom4[:pods] = addresses[representative] // width - 1
        self.atom6[:pods] = addresses[representative] % width - 1
        self.nodes_of: list[tuple[bool, ...]] = [
            self._node_keys[item] for item in (node_sets[representative] if pods else [])
        ]
        self.namespaces: list[str] = []
        self.slices: dict[str, tuple[int, int]] = {}
        spaces = [kinds[item][1] for item in kind_of[: self.pods_end]]
        for index, name in enumerate(spaces):
            if name not in self.slices:
                self.slices[name] = (index, index)
                self.namespaces.append(name)
            self.slices[name] = (self.slices[name][0], index + 1)
        place = {name: number for number, name in enumerate(self.namespaces)}
        self.space = np.array([place[name] for name in spaces], dtype=np.int64)
        self._accounts = [kinds[item][2] for item in kind_of[: self.pods_end]]
        self._index_labels([kinds[item][3] for item in kind_of[: self.pods_end]])
        for offset, (kind, address, atom) in enumerate(extra):
            at = pods + offset
            found = (False,) * len(self.node_selectors)
            if kind == NODE:
                version = address.version
                (self.atom4 if version == 4 else self.atom6)[at] = self.atoms.of(address)
                labels = self._nodes[address]
                found = tuple(item.matches(labels) for item in self.node_selectors)
            else:
                version, index = atom
                (self.atom4 if version == 4 else self.atom6)[at] = index
            self.nodes_of.append(found)

    def _node_sets(self, first: list[str], second: list[str]) -> np.ndarray:
        """Return for each pod which `nodes` selectors its addresses meet: only pods of the host have such."""
        none = (False,) * len(self.node_selectors)
        self._node_keys: list[tuple[bool, ...]] = [none]
        found = np.zeros(len(first), dtype=np.int64)
        if not self.node_selectors:
            return found
        by_text = {str(address): labels for address, labels in self._nodes.items()}
        numbers = {none: 0}
        for index, pair in enumerate(zip(first, second, strict=True)):
            labels = [by_text[text] for text in pair if text in by_text]
            if labels:
                key = tuple(any(item.matches(each) for each in labels) for item in self.node_selectors)
                if key not in numbers:
                    numbers[key] = len(numbers)
                    self._node_keys.append(key)
                found[index] = numbers[key]
        return found

    def _index_labels(self, labels: list[frozenset[tuple[str, str | None]]]) -> None:
        pairs: dict[Any, list[int]] = {}
        for index, items in enumerate(labels):
            for item in items:
                pairs.setdefault(item, []).append(index)
        keys: dict[str, list[np.ndarray]] = {}
        self._pairs: dict[Any, np.ndarray] = {}
        for item, found in pairs.items():
            array = np.array(found, dtype=np.int64)
            self._pairs[item] = array
            keys.setdefault(item[0], []).append(array)
        self._keys = {key: np.sort(np.concatenate(found)) for key, found in keys.items()}

    def signature_of(self, raw: dict[str, Any]) -> int | None:
        """Return the number of what a pod gives the port names; None where no pod gave that before."""
        known = len(self.resolutions)
        names, self._signatures = self._signatures, dict(self._signatures)
        found = self._signature(raw.get("spec") or _EMPTY)
        self._signatures = names
        if found >= known:
            self.resolutions.pop()
            return None
        return found

    def with_late(self, number: int, raw: dict[str, Any], pod: Pod, signature: int) -> Population:
        """Return the population with one pod exchanged; it is a group of its own, asked one by one."""
        made: Population = object.__new__(Population)
        made.__dict__.update(self.__dict__)
        made._late = (*self._late, (self.count, pod))
        made._sources = list(self._sources)
        made._sources[number] = (raw, None)
        made._hosts = self._hosts.copy()
        made._hosts[number] = False
        made.group = self.group.copy()
        made.group[number] = self.count
        made.count = self.count + 1
        made.selectable = np.append(self.selectable, True)
        made.signature = np.append(self.signature, signature)
        made.external = np.append(self.external, False)
        return made

    # --- asking ----------------------------------------------------------------------------------------------

    def matched(self, match: PeerMatch, spaces: Iterable[str] | None) -> np.ndarray:
        """Return the groups that a peer match means, ascending.

        `spaces` are the namespaces that its namespace selector matches, None where it has none.
        """
        found = self._matched(match, spaces)
        if not self._late:
            return found
        names = None if spaces is None else frozenset(spaces)
        alone = msgspec.structs.replace(match, namespaces=None)
        late = [
            group
            for group, pod in self._late
            if (names is None or pod.namespace in names)
            and alone.matches(Peer(pod=pod), self._labels_of_spaces)
        ]
        return np.append(found, np.array(late, dtype=np.int64))

    def _matched(self, match: PeerMatch, spaces: Iterable[str] | None) -> np.ndarray:
        found = self._plain(match, spaces)
        for clause in match.also:
            flags = np.zeros(len(self.atom4), dtype=bool)
            for item in clause.alternatives:
                flags[self._matched(item, None)] = True
            found = found[flags[found] != clause.negated]
        return found

    def _entity(self, entity: str) -> np.ndarray:
        """Return the groups of an entity; a pod and its own node are not asked here (see `engine`)."""
        count = len(self.atom4)
        if entity == ALL:
            return np.arange(count)
        outside: np.ndarray = self.external[:count]
        if entity == WORLD:
            return np.flatnonzero(outside)
        return np.flatnonzero(~outside & ~self.selectable[:count]) if entity == REMOTE else _none()

    def _plain(self, match: PeerMatch, spaces: Iterable[str] | None) -> np.ndarray:
        """Return the groups that a match means, its further conditions left aside."""
        if not match.known:
            return _none()
        if match.entity:
            return self._entity(match.entity)
        if match.where is not None:
            held = self._holds(match.where)
            low, high = (0, self.pods_end)
            if match.namespace is not None:
                low, high = self.slices.get(match.namespace, (0, 0))
            return np.flatnonzero(held[low:high]) + low
        if match.block is not None:
            inside4 = np.append(self.atoms.within(4, match.block, match.excepted), False)
            inside6 = np.append(self.atoms.within(6, match.block, match.excepted), False)
            inside: np.ndarray = inside4[self.atom4] | inside6[self.atom6]
            if match.outside:
                inside = inside & self.external[: len(inside)]
            return np.flatnonzero(inside)
        if match.nodes is not None:
            place = self.node_selectors.index(match.nodes)
            return np.array([at for at, found in enumerate(self.nodes_of) if found[place]], dtype=np.int64)
        pods = match.pods or Selector()
        if match.namespace is not None:
            low, high = self.slices.get(match.namespace, (0, 0))
            return self._select(pods, low, high)
        if spaces is None:
            return self._select(pods, 0, self.pods_end)
        wanted = [self.slices[name] for name in spaces if name in self.slices]
        if len(wanted) == len(self.slices):
            return self._select(pods, 0, self.pods_end)
        if len(wanted) < 8 or not (pods.labels or pods.expressions):
            parts = [self._select(pods, low, high) for low, high in sorted(wanted)]
            return np.concatenate(parts) if parts else _none()
        flags = np.zeros(len(self.namespaces), dtype=bool)
        for low, _ in wanted:
            flags[self.space[low]] = True
        found = self._select(pods, 0, self.pods_end)
        part: np.ndarray = found[flags[self.space[found]]]
        return part

    def _holds(self, expression: Expression) -> np.ndarray:
        """Return for each group of pods whether an expression holds of it."""
        if isinstance(expression, Term):
            return self._term(expression)
        if isinstance(expression, Non):
            return ~self._holds(expression.part)
        every = isinstance(expression, Every)
        found = np.full(self.pods_end, every)
        for part in expression.parts:
            found = found & self._holds(part) if every else found | self._holds(part)
        return found

    def _term(self, term: Term) -> np.ndarray:
        found = np.zeros(self.pods_end, dtype=bool)
        if term.source == POD_LABEL:
            if term.operator == HAS:
                found[self._keys.get(term.key, _none())] = True
            elif term.operator == IN:
                for value in term.values:
                    found[self._pairs.get((term.key, value), _none())] = True
            else:
                for (key, value), groups in self._pairs.items():
                    if key == term.key and term.holds(value):
                        found[groups] = True
        elif term.source in {SPACE, NAMESPACE}:
            flags = [
                term.holds(
                    name
                    if term.source == NAMESPACE
                    else space_labels(self._labels_of_spaces, name).get(term.key)
                )
                for name in self.namespaces
            ]
            found = np.array(flags, dtype=bool)[self.space] if flags else found
        else:
            keyed = term.source == ACCOUNT_KEY
            for group, account in enumerate(self._accounts):
                name = f"{self.namespaces[self.space[group]]}/{account}" if keyed else account
                found[group] = term.holds(name)
        return found

    def _select(self, selector: Selector, low: int, high: int) -> np.ndarray:
        if low >= high:
            return _none()
        found: np.ndarray | None = None
        for pair in selector.labels:
            found = _both(found, _cut(self._pairs.get(pair), low, high))
        for key, operator, values in selector.expressions:
            if operator in {"In", "NotIn"}:
                parts = [_cut(self._pairs.get((key, value)), low, high) for value in values]
                some = np.sort(np.concatenate(parts)) if parts else _none()
            else:
                some = _cut(self._keys.get(key), low, high)
            if operator in {"NotIn", "DoesNotExist"}:
                flags = np.ones(high - low, dtype=bool)
                flags[some - low] = False
                some = np.flatnonzero(flags) + low
            found = _both(found, some)
        return np.arange(low, high) if found is None else found


def _none() -> np.ndarray:
    return np.zeros(0, dtype=np.int64)


def _cut(array: np.ndarray | None, low: int, high: int) -> np.ndarray:
    if array is None:
        return _none()
    first, past = np.searchsorted(array, (low, high))
    part: np.ndarray = array[first:past]
    return part


def _both(left: np.ndarray | None, right: np.ndarray) -> np.ndarray:
    """Return what two ascending arrays share; None stands for everything."""
    if left is None or not len(right):
        return right
    if not len(left):
        return left
    places = np.searchsorted(right, left)
    places[places == len(right)] = 0
    shared: np.ndarray = left[right[places] == left]
    return shared


def _labels(raw: dict[str, Any]) -> dict[str, str]:
    return {str(k): str(v) for k, v in ((raw.get("metadata") or {}).get("labels") or {}).items()}
