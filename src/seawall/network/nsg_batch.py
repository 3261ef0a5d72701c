"""One group over many flows at once: addresses and ports cut into atoms, rules as bit sets over them.

For each field a flow lies in one atom, and each atom knows the rules that take it. The AND of the four sets, and of
the protocol's, leaves the rules that speak of the flow; the lowest bit is the first by priority. Same answers as
`seawall.network.nsg.decide` (a test holds them equal), IPv4 only: groups of the other family are asked one by one.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from seawall.network.nsg import PLATFORM
from seawall.network.nsg_spans import prefix_spans

if TYPE_CHECKING:
    from seawall.network.nsg import Nsg, NsgRule, Topology

NONE = -1
_PROTOCOLS = ("tcp", "udp", "icmp", "esp", "ah")
_TOP = 1 << 32


class Flows(msgspec.Struct, frozen=True):
    """Flows as columns of one length: addresses as numbers, ports, protocols as places in `PROTOCOLS`."""

    source: np.ndarray
    source_port: np.ndarray
    target: np.ndarray
    target_port: np.ndarray
    protocol: np.ndarray


PROTOCOLS = _PROTOCOLS
"""What `Flows.protocol` numbers."""


class Batch:
    """The rules of one group and direction, compiled once for many flows."""

    def __init__(self, nsg: Nsg, direction: str, topology: Topology) -> None:
        self.rules = nsg.inbound if direction == "inbound" else nsg.outbound
        self.outbound = direction == "outbound"
        self.words = (len(self.rules) + 63) // 64
        self.allow = np.array([*(rule.allow for rule in self.rules), True])
        self._source = self._addresses(topology, "sources")
        self._target = self._addresses(topology, "destinations")
        self._ports = [self._by_ports("source_ports"), self._by_ports("destination_ports")]
        self._protocol = self._by_protocol()

    def decide(self, flows: Flows, block: int = 16_384) -> np.ndarray:
        """Return the place of the deciding rule of each flow; -1 where none speaks of it (the platform's own)."""
        found = np.empty(len(flows.source), dtype=np.int64)
        for low in range(0, len(found), block):
            part = slice(low, low + block)
            sets = self._source[1][np.searchsorted(self._source[0], flows.source[part], "right") - 1]
            sets = sets & self._target[1][np.searchsorted(self._target[0], flows.target[part], "right") - 1]
            numbered = flows.protocol[part] < 2
            for (cuts, table), column in zip(
                self._ports, (flows.source_port, flows.target_port), strict=True
            ):
                by_port = table[np.searchsorted(cuts, column[part], "right") - 1]
                # ICMP, ESP and AH have no ports: a rule's ports do not keep them out.
                by_port[~numbered] = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
                sets &= by_port
            sets &= self._protocol[flows.protocol[part]]
            found[part] = _first(sets)
        return found

    def _bits(self, count: int) -> np.ndarray:
        return np.zeros((count, self.words), dtype=np.uint64)

    def _addresses(self, topology: Topology, field: str) -> tuple[np.ndarray, np.ndarray]:
        spans = [_spans(rule, field, topology) for rule in self.rules]
        cuts = {0}
        for mine in spans:
            for low, high in mine:
                cuts |= {low, high + 1}
        platform = [int(ipaddress.ip_address(text)) for text in PLATFORM] if self.outbound else []
        for address in platform if field == "destinations" else ():
            cuts |= {address, address + 1}
        edges = np.array(sorted(cut for cut in cuts if cut < _TOP), dtype=np.int64)
        table = self._bits(len(edges))
        for place, mine in enumerate(spans):
            for low, high in mine:
                first, past = np.searchsorted(edges, (low, high + 1))
                table[first:past, place // 64] |= np.uint64(1 << (place % 64))
        if field == "destinations" and self.outbound:
            # The platform's own addresses pass every rule but one that names their tag (specs b6).
            for text, tags in PLATFORM.items():
                at = int(np.searchsorted(edges, int(ipaddress.ip_address(text))))
                table[at] = 0
                for place, rule in enumerate(self.rules):
                    if tags & {item.lower() for item in rule.destinations}:
                        table[at, place // 64] |= np.uint64(1 << (place % 64))
        return edges, table

    def _by_ports(self, field: str) -> tuple[np.ndarray, np.ndarray]:
        cuts = {0}
        for rule in self.rules:
            for low, high in getattr(rule, field):
                cuts |= {low, high + 1}
        edges = np.array(sorted(cut for cut in cuts if cut <= 65_535), dtype=np.int64)
        table = self._bits(len(edges))
        for place, rule in enumerate(self.rules):
            for low, high in getattr(rule, field):
                first, past = np.searchsorted(edges, (low, high + 1))
                table[first:past, place // 64] |= np.uint64(1 << (place % 64))
        return edges, table

    def _by_protocol(self) -> np.ndarray:
        table = self._bits(len(_PROTOCOLS))
        for place, rule in enumerate(self.rules):
            for number, name in enumerate(_PROTOCOLS):
                if rule.protocol in ("*", name):
                    table[number, place // 64] |= np.uint64(1 << (place % 64))
        return table


def _spans(rule: NsgRule, field: str, topology: Topology) -> list[tuple[int, int]]:
    """Return a rule's prefixes as IPv4 intervals.

    Raises:
        InputError: a service tag whose members nobody gave, or application security groups.
    """
    groups = rule.source_groups if field == "sources" else rule.destination_groups
    return prefix_spans(rule, getattr(rule, field), groups, topology)


def _first(sets: np.ndarray) -> np.ndarray:
    """Return the place of the lowest bit of each row, -1 where there is none."""
    word = np.argmax(sets != 0, axis=1)
    value = sets[np.arange(len(sets)), word]
    lowest = value & (~value + np.uint64(1))
    # A power of two is exact as a double, so its exponent is the place of the bit.
    place = np.frexp(lowest.astype(np.float64))[1] - 1
    return np.where(value == 0, NONE, word * 64 + place)
