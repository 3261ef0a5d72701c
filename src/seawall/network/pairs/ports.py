"""Destination ports cut into atoms: a set of ports is a row of bits, and unions are ORs."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seawall.network.model import ECHO, PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.network.rules import PortMatch

FIRST, LAST = 1, 65_535
OTHER = "other"
"""The atom of what is neither TCP, UDP nor SCTP (ICMP and the rest): rules without ports let it in too."""

Resolution = dict[tuple[str, str], frozenset[int]]
"""(name, protocol) -> the numbers that a pod's containers give the name."""


class PortAtoms:
    """The cuts that all rules make, per protocol, and port sets as masks over the atoms between them.

    Named ports are cut at the numbers that the pods of the world give them (specs b1.6).
    """

    def __init__(self, matches: Iterable[PortMatch], resolutions: Iterable[Resolution]) -> None:
        matches = list(matches)
        # Protocols that rules name beside the three have atoms of their own, after them.
        self.protocols = (
            *PROTOCOLS,
            *sorted({item.protocol for item in matches if item.protocol is not None} - {*PROTOCOLS}),
        )
        cuts: dict[str, set[int]] = {protocol: set(limits(protocol)) for protocol in self.protocols}
        for match in matches:
            if match.protocol is not None and match.low is not None:
                cuts[match.protocol].add(max(match.low, limits(match.protocol)[0]))
                cuts[match.protocol].add((match.high if match.high is not None else match.low) + 1)
        for resolution in resolutions:
            for (_, protocol), numbers in resolution.items():
                for number in numbers:
                    if protocol in cuts and FIRST <= number <= LAST:
                        cuts[protocol] |= {number, number + 1}
        self.starts = {
            protocol: sorted(cut for cut in found if cut <= limits(protocol)[1])
            for protocol, found in cuts.items()
        }
        self.atoms: list[tuple[str, int, int]] = []
        self._offset: dict[str, int] = {}
        for protocol in self.protocols:
            self._offset[protocol] = len(self.atoms)
            starts = self.starts[protocol]
            self.atoms += [(protocol, low, high - 1) for low, high in pairwise(starts)]
        self.atoms.append((OTHER, 0, 0))
        self.words = (len(self.atoms) + 63) // 64
        self.all = (1 << len(self.atoms)) - 1

    def span(self, protocol: str, low: int | None = None, high: int | None = None) -> int:
        """Return the mask of the ports from low to high, all where none are given; both must lie on cuts to be exact."""
        starts = self.starts.get(protocol)
        low = limits(protocol)[0] if low is None else max(low, limits(protocol)[0])
        high = limits(protocol)[1] - 1 if high is None else high
        if starts is None or high < low:
            return 0
        first, past = bisect_left(starts, low), bisect_left(starts, high + 1)
        return ((1 << (past - first)) - 1) << (self._offset[protocol] + first)

    def atom(self, protocol: str, port: int | None) -> int | None:
        """Return the index of the atom that a port lies in; None for a port that no atom holds.

        For ICMP the port is type times 256 plus code, as `Packet.point` has it; other protocols have none.
        """
        if protocol not in self.starts:
            return len(self.atoms) - 1
        if protocol not in PROTOCOLS and protocol not in ECHO:
            port = 0
        if port is None or not limits(protocol)[0] <= port < limits(protocol)[1]:
            return None
        return self._offset[protocol] + bisect_left(self.starts[protocol], port + 1) - 1

    def mask(self, ports: tuple[PortMatch, ...] | None, resolution: Resolution) -> int:
        """Return the mask of a rule's ports; names are looked up in `resolution`."""
        if ports is None:
            return self.all
        found = 0
        for match in ports:
            one = self._one(match, resolution)
            for item in match.less:
                one &= ~self._one(item, resolution)
            found |= one
        return found

    def _one(self, match: PortMatch, resolution: Resolution) -> int:
        if match.name is not None:
            found = 0
            for protocol in PROTOCOLS if match.protocol is None else (match.protocol,):
                for number in resolution.get((match.name, protocol), ()):
                    found |= self.span(protocol, number, number)
            return found
        if match.low is None:
            return self.span(match.protocol) if match.protocol is not None else self.all
        if match.protocol is None:
            return 0
        return self.span(match.protocol, match.low, match.high if match.high is not None else match.low)

    def as_words(self, mask: int) -> np.ndarray:
        """Return a mask as `words` numbers of 64 bits, lowest first."""
        return np.frombuffer(mask.to_bytes(self.words * 8, "little"), dtype="<u8")

    def from_words(self, words: np.ndarray) -> int:
        """Return the mask that `as_words` wrote."""
        return int.from_bytes(np.ascontiguousarray(words).tobytes(), "little")

    def ranges(self, mask: int) -> dict[str, list[tuple[int, int]]]:
        """Return a mask as ranges of ports per protocol, adjacent atoms joined."""
        found: dict[str, list[tuple[int, int]]] = {}
        rest = mask
        while rest:
            bit = rest & -rest
            protocol, low, high = self.atoms[bit.bit_length() - 1]
            rest ^= bit
            spans = found.setdefault(protocol, [])
            if spans and protocol != OTHER and spans[-1][1] + 1 == low:
                spans[-1] = (spans[-1][0], high)
            else:
                spans.append((low, high))
        return found

    def text(self, mask: int) -> str:
        """Write a mask for people: `all`, `none`, or `TCP 80,8000-8090 UDP 53`."""
        if mask == self.all:
            return "all"
        if not mask:
            return "none"
        parts = []
        for protocol, spans in sorted(self.ranges(mask).items()):
            if protocol == OTHER:
                parts.append(OTHER)
            elif spans == [(limits(protocol)[0], limits(protocol)[1] - 1)]:
                parts.append(protocol)
            else:
                write = _types if protocol in ECHO else _numbers
                parts.append(f"{protocol} {','.join(write(low, high) for low, high in spans)}")
        return " ".join(parts)


def limits(protocol: str) -> tuple[int, int]:
    """Return the first port of a protocol and the one past its last; types and codes of ICMP are written as one number."""
    if protocol in PROTOCOLS:
        return FIRST, LAST + 1
    return (0, 1 << 16) if protocol in ECHO else (0, 1)


def _numbers(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _types(low: int, high: int) -> str:
    """Write types of ICMP, with codes where not all codes of a type are meant."""
    if low & 255 == 0 and high & 255 == 255:
        return _numbers(low >> 8, high >> 8)
    return "-".join(f"{item >> 8}/{item & 255}" for item in dict.fromkeys((low, high)))


def flat(ports: tuple[PortMatch, ...] | None) -> Iterator[PortMatch]:
    """Yield the ports of a rule and those that are taken out of them."""
    for port in ports or ():
        yield port
        yield from port.less
