"""Address space cut into atoms at every block and exception: two addresses of one atom are never told apart."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from seawall.network.model import Address, Network

_BITS = {4: 32, 6: 128}
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


class AddressAtoms:
    """The intervals between the cuts of each family, lowest first; an atom is a (version, index)."""

    def __init__(self, networks: Iterable[Network]) -> None:
        cuts: dict[int, set[int]] = {4: {0}, 6: {0}}
        for network in networks:
            low = int(network.network_address)
            cuts[network.version].add(low)
            past = low + network.num_addresses
            if past < 1 << _BITS[network.version]:
                cuts[network.version].add(past)
        self.starts = {version: sorted(found) for version, found in cuts.items()}
        self._array = np.array(self.starts[4], dtype=np.int64)

    def of(self, address: Address) -> int:
        """Return the index of the atom of an address, in its family."""
        return bisect_right(self.starts[address.version], int(address)) - 1

    def of_texts(self, texts: Sequence[str], version: int) -> np.ndarray:
        """Return the atoms of many addresses of one family; -1 where a text is none of the family."""
        found = np.full(len(texts), -1, dtype=np.int64)
        family, starts = _FAMILY[version], self.starts[version]
        if version == 4:
            for index, text in enumerate(texts):
                if text:
                    try:
                        found[index] = int.from_bytes(socket.inet_pton(family, text), "big")
                    except (OSError, TypeError, ValueError):
                        continue
            good = found >= 0
            found[good] = np.searchsorted(self._array, found[good], side="right") - 1
            return found
        for index, text in enumerate(texts):
            if text:
                try:
                    number = int.from_bytes(socket.inet_pton(family, text), "big")
                except (OSError, TypeError, ValueError):
                    continue
                found[index] = bisect_right(starts, number) - 1
        return found

    def within(self, version: int, block: Network, excepted: Iterable[Network] = ()) -> np.ndarray:
        """Return for each atom of a family whether it lies in a block and in none of its exceptions."""
        starts = self.starts[version]
        inside = np.zeros(len(starts), dtype=bool)
        if block.version != version:
            return inside
        first, past = self._span(block)
        inside[first:past] = True
        for network in excepted:
            if network.version == version:
                first, past = self._span(network)
                inside[first:past] = False
        return inside

    def _span(self, network: Network) -> tuple[int, int]:
        starts = self.starts[network.version]
        low = int(network.network_address)
        return bisect_right(starts, low) - 1, bisect_right(starts, low + network.num_addresses - 1)

    def networks(self, version: int, index: int) -> list[Network]:
        """Return an atom as the fewest blocks."""
        starts = self.starts[version]
        low = starts[index]
        high = (starts[index + 1] if index + 1 < len(starts) else 1 << _BITS[version]) - 1
        make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        return list(ipaddress.summarize_address_range(make(low), make(high)))

    def range_text(self, version: int, first: int, last: int) -> str:
        """Write the atoms from first to last as one range of addresses."""
        starts = self.starts[version]
        make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        past = starts[last + 1] if last + 1 < len(starts) else 1 << _BITS[version]
        low, high = make(starts[first]), make(past - 1)
        if version == 6 and int(low) == 0 and past >> 128:
            return "::/0"
        return str(low) if low == high else f"{low}-{high}"
