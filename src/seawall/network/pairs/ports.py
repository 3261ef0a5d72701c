"""Destination ports cut into atoms: a set of ports is a row of bits, and unions are ORs."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seawall.network.model import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        cuts: dict[str, set[int]] = {protocol: {FIRST, LAST + 1} for protocol in PROTOCOLS}
        for match in matches:
            if match.protocol in cuts and match.low is not None:
                cuts[match.protocol].add(max(match.low, FIRST))
                cuts[match.protocol].add((match.high if match.high is not None else match.low) + 1)
        for resolution in resolutions:
            for (_, protocol), numbers in resolution.items():
                for number in numbers:
                    if protocol in cuts and FIRST <= number <= LAST:
                        cuts[protocol] |= {number, number + 1}
        self.starts = {
            protocol: sorted(cut for cut in found if cut <= LAST + 1) for protocol, found in cuts.items()
        }
        self.atoms: list[tuple[str, int, int]] = []
        self._offset: dict[str, int] = {}
        for protocol in PROTOCOLS:
            self._offset[protocol] = len(self.atoms)
            starts = self.starts[protocol]
            self.atoms += [(protocol, low, high - 1) for low, high in pairwise(starts)]
        self.atoms.append((OTHER, 0, 0))
        self.words = (len(self.atoms) + 63) // 64
        self.all = (1 << len(self.atoms)) - 1

    def span(self, protocol: str, low: int = FIRST, high: int = LAST) -> int:
        """Return the mask of the ports from low to high; both must lie on cuts to be exact."""
        starts = self.starts.get(protocol)
        if starts is None or high < low:
            return 0
        first, past = bisect_left(starts, low), bisect_left(starts, high + 1)
        return ((1 << (past - first)) - 1) << (self._offset[protocol] + first)

    def atom(self, protocol: str, port: int | None) -> int | None:
        """Return the index of the atom that a port lies in; None for a port that no atom holds."""
        if protocol not in self.starts:
            return len(self.atoms) - 1
        if port is None or not FIRST <= port <= LAST:
            return None
        return self._offset[protocol] + bisect_left(self.starts[protocol], port + 1) - 1

    def mask(self, ports: tuple[PortMatch, ...] | None, resolution: Resolution) -> int:
        """Return the mask of a rule's ports; names are looked up in `resolution`."""
        if ports is None:
            return self.all
        found = 0
        for match in ports:
            if match.name is not None:
                for protocol in PROTOCOLS if match.protocol is None else (match.protocol,):
                    for number in resolution.get((match.name, protocol), ()):
                        found |= self.span(protocol, number, number)
            elif match.low is None:
                found |= self.span(match.protocol) if match.protocol is not None else self.all
            elif match.protocol is not None:
                high = match.high if match.high is not None else match.low
                found |= self.span(match.protocol, match.low, high)
        return found

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
            elif spans == [(FIRST, LAST)]:
                parts.append(protocol)
            else:
                written = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)
                parts.append(f"{protocol} {written}")
        return " ".join(parts)
