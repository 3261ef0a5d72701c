"""The proof: the estate as namespaces, an allow-all baseline, then the policies; every probe against the model."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import UsageError
from seawall.network.model import PROTOCOLS, Pod, read_pod
from seawall.network.pairs import Matrix
from seawall.network.policies import PolicyWorld
from seawall.network.prove.probe import NUMBERS, arrivals, packet
from seawall.network.prove.ruleset import allow_all, compile_rules
from seawall.network.prove.wire import Namespaces, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.network.model import Address

MOST_PODS = 200
_OWN = {4: ipaddress.ip_network("100.64.0.0/16"), 6: ipaddress.ip_network("fd5e:a0::/64")}
_TRIES = 4
Question = tuple[int, int, str, int]


class Wrong(msgspec.Struct, frozen=True):
    """A probe that did not do what the model says."""

    source: str
    target: str
    protocol: str
    port: int
    expected: bool


class Proof(msgspec.Struct, frozen=True):
    """What was asked of the kernel and what it said. `left` counts ends that could not take part, by reason."""

    ends: int
    probes: int
    allowed: int
    wrong: tuple[Wrong, ...]
    baseline_lost: int
    seconds: float
    left: dict[str, int]


def prove(estate: NetworkEstate, versions: tuple[int, ...] = (4, 6)) -> Proof:
    """Build the pods, send every probe between them and from the outside, and compare with the model.

    Raises:
        UsageError: this machine cannot, or there are more than 200 pods.
    """
    reason = obstacle()
    if reason:
        raise UsageError(f"packets cannot be sent: {reason}")
    started = time.monotonic()
    total = Proof(0, 0, 0, (), 0, 0.0, {})
    for version in versions:
        part = _Family(estate, version).run()
        total = Proof(
            max(total.ends, part.ends),
            total.probes + part.probes,
            total.allowed + part.allowed,
            total.wrong + part.wrong,
            total.baseline_lost + part.baseline_lost,
            0.0,
            {key: max(total.left.get(key, 0), part.left.get(key, 0)) for key in total.left | part.left},
        )
    return msgspec.structs.replace(total, seconds=time.monotonic() - started)


class _Family:
    """The proof in one family of addresses: every pod has one address of it and the model knows no other."""

    def __init__(self, estate: NetworkEstate, version: int) -> None:
        self.version = version
        self.left: dict[str, int] = {}
        raws: list[tuple[dict[str, Any], dict[str, Any] | None]] = [(raw, None) for raw in estate.pods]
        raws += [(item.raw, item.template) for item in estate.standing()]
        chosen: list[dict[str, Any]] = []
        for number, (raw, template) in enumerate(raws):
            pod = read_pod(raw, template)
            if pod.host:
                self._leave("pods in the host's network")
                continue
            given = next((item for item in pod.addresses if item.version == version), None)
            chosen.append(_with_address(raw, template, given or _OWN[version][number + 10]))
        if len(chosen) > MOST_PODS:
            raise UsageError(
                f"{len(chosen)} pods: at most {MOST_PODS} are proven", hint="give a part of the estate"
            )
        bare = estate.with_pods(chosen)
        bare.workloads, bare.nodes = [], []
        self.estate = bare
        self.world = PolicyWorld(bare)
        self.matrix = Matrix(bare)
        self.pods: list[tuple[Pod, Address]] = []
        self.addresses: list[Address] = []
        self.names: list[str] = []
        self.classes: list[int] = []
        for number in range(len(chosen)):
            pod = read_pod(chosen[number])
            self._join(pod.key, pod.addresses[0], number)
            self.pods.append((pod, pod.addresses[0]))
        seen = {int(self.matrix.class_of[number]) for number in range(len(chosen))}
        for number in range(self.matrix.people.outside, self.matrix.people.size):
            span = self.matrix.people.endpoint(number).span
            cls = int(self.matrix.class_of[number])
            if span is None or span[0] != version or cls in seen:
                continue
            address = self._somewhere(span)
            if address is None:
                self._leave("ranges of addresses that no host may have")
                continue
            seen.add(cls)
            self._join(str(address), address, number)

    def _leave(self, reason: str) -> None:
        self.left[reason] = self.left.get(reason, 0) + 1

    def _join(self, name: str, address: Address, number: int) -> None:
        self.names.append(name)
        self.addresses.append(address)
        self.classes.append(int(self.matrix.class_of[number]))

    def _somewhere(self, span: tuple[int, int]) -> Address | None:
        """Return an address of an atom that a host may have and that no end has yet."""
        for network in self.matrix.people.atoms.networks(*span):
            for step in (1, 9, network.num_addresses // 3, network.num_addresses // 2 + 7, 0):
                if step >= network.num_addresses:
                    continue
                address = network[step]
                usable = not (address.is_multicast or address.is_loopback or address.is_unspecified)
                reserved = (
                    address.is_reserved
                    or address.is_link_local
                    or int(address) >> (address.max_prefixlen - 8) == 0
                )
                if usable and not reserved and address not in self.addresses:
                    return address
        return None

    def run(self) -> Proof:
        """Wire, probe the baseline, load the policies, probe again, compare."""
        questions = list(self._questions())
        # No probe's source port is a port that is probed: its reply could be taken for a probe, and the other way.
        asked = {port for _, _, _, port in questions}
        self._own = next(port for port in range(40_000, 65_535) if port not in asked)
        with Namespaces(len(self.addresses)) as spaces:
            spaces.wire([[address] for address in self.addresses])
            self._sockets = {
                (end, protocol): spaces.raw(end, self.version, NUMBERS[protocol])
                for end in range(len(self.addresses))
                for protocol in PROTOCOLS
            }
            try:
                spaces.nft(allow_all())
                lost = set(questions) - self._send(questions, set(questions))
                spaces.nft("flush ruleset\n")
                spaces.nft(compile_rules(self.world, self.pods, self.version))
                expected = {item for item in questions if self._model(item)}
                came = self._send(questions, expected)
            finally:
                for each in self._sockets.values():
                    each.close()
        wrong = tuple(
            Wrong(
                self.names[source],
                self.names[target],
                protocol,
                port,
                (source, target, protocol, port) in expected,
            )
            for source, target, protocol, port in sorted(came ^ expected)
        )
        return Proof(len(self.addresses), len(questions), len(came), wrong, len(lost), 0.0, self.left)

    def _questions(self) -> Iterator[Question]:
        """Yield every ordered pair with a pod in it, and one port of every atom of each protocol."""
        ports = [(protocol, low) for protocol, low, _ in self.matrix.ports.atoms if protocol in NUMBERS]
        for source in range(len(self.addresses)):
            for target in range(len(self.addresses)):
                if source != target and (source < len(self.pods) or target < len(self.pods)):
                    yield from ((source, target, protocol, port) for protocol, port in ports)

    def _model(self, question: Question) -> bool:
        source, target, protocol, port = question
        atom = self.matrix.ports.atom(protocol, port)
        mask = self.matrix.mask(self.classes[source], self.classes[target])
        return atom is not None and bool(mask >> atom & 1)

    def _send(self, questions: list[Question], wanted: set[Question]) -> set[Question]:
        """Send probes; those that should have come and did not are sent again: a full buffer is no verdict."""
        came: set[Question] = set()
        waiting = questions
        texts = [str(address) for address in self.addresses]
        for attempt in range(_TRIES):
            for number, (source, target, protocol, port) in enumerate(waiting):
                body = packet(protocol, self.addresses[source], self.addresses[target], (self._own, port))
                try:
                    self._sockets[source, protocol].sendto(body, (texts[target], 0))
                except OSError:
                    continue  # refused by the kernel at once: the next try, or the comparison, tells
                if number % 4000 == 3999:
                    came |= self._collect()
            time.sleep(0.02 * (attempt + 1))
            came |= self._collect()
            waiting = [item for item in questions if item in wanted and item not in came]
            if not waiting:
                break
        return came

    def _collect(self) -> set[Question]:
        by_address = {address.packed: number for number, address in enumerate(self.addresses)}
        return {
            (by_address[source], end, protocol, port)
            for (end, protocol), each in self._sockets.items()
            for source, port in arrivals(each, self.version, protocol, self._own)
            if source in by_address
        }


def _with_address(raw: dict[str, Any], template: dict[str, Any] | None, address: Address) -> dict[str, Any]:
    """Return a pod with one address; a workload's template becomes the pod that it would make."""
    holder = template or raw
    metadata = raw.get("metadata") or {}
    inner = {
        "namespace": metadata.get("namespace") or "default",
        "name": metadata.get("name"),
        "labels": (holder.get("metadata") or {}).get("labels") or {},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": inner,
        "spec": holder.get("spec") or {},
        "status": {"podIP": str(address)},
    }


__all__ = ["Proof", "Wrong", "obstacle", "prove"]
