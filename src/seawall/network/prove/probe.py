"""Probes: a TCP SYN, a UDP datagram, an SCTP INIT, with checksums that conntrack believes; arrival is the answer.

What is watched is whether the packet comes to the other side, not whether somebody answers: a denied probe can then
not pass for the reason that nobody listened, and SCTP needs no support of the kernel.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.network.model import Address

NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}
_SYN = 0x02


def packet(protocol: str, source: Address, target: Address, ports: tuple[int, int]) -> bytes:
    """Return a probe without its IP header, which the kernel writes; `ports` are source and destination."""
    body, place, partial = _body(protocol, *ports)
    if protocol == "SCTP":
        return body
    total = partial + _sum(source.packed) + _sum(target.packed)
    total = (total >> 16) + (total & 0xFFFF)
    checksum = (~(total + (total >> 16)) & 0xFFFF) or 0xFFFF
    return body[:place] + struct.pack("!H", checksum) + body[place + 2 :]


@lru_cache(maxsize=4096)
def _body(protocol: str, own: int, port: int) -> tuple[bytes, int, int]:
    """Return a probe without its checksum, the checksum's place, and the sum of all but the addresses."""
    if protocol == "SCTP":
        init = struct.pack("!BBHIIHHI", 1, 0, 20, 0x5EA, 65_536, 1, 1, 0)
        head = struct.pack("!HHI", own, port, 0)
        return head + struct.pack("<I", _crc32c(head + b"\0\0\0\0" + init)) + init, 0, 0
    if protocol == "TCP":
        body = struct.pack("!HHIIBBHHH", own, port, 1, 0, 5 << 4, _SYN, 64_240, 0, 0)
        return body, 16, _sum(body) + len(body) + NUMBERS[protocol]
    body = struct.pack("!HHHH", own, port, 8, 0)
    return body, 6, _sum(body) + len(body) + NUMBERS[protocol]


@lru_cache(maxsize=4096)
def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return total


def _table() -> list[int]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ 0x82F6_3B78 if value & 1 else value >> 1
        found.append(value)
    return found


_CRC = _table()


def _crc32c(data: bytes) -> int:
    value = 0xFFFF_FFFF
    for byte in data:
        value = (value >> 8) ^ _CRC[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF_FFFF


def arrivals(receiver: socket.socket, version: int, protocol: str, own: int) -> set[tuple[bytes, int]]:
    """Return (source address, port) of the probes that have come to a raw socket from port `own`."""
    found: set[tuple[bytes, int]] = set()
    while True:
        with contextlib.suppress(OSError):
            try:
                data, peer = receiver.recvfrom(2048)
            except BlockingIOError:
                return found
            if version == 4:
                source, data = data[12:16], data[(data[0] & 15) * 4 :]
            else:
                source = socket.inet_pton(socket.AF_INET6, peer[0].partition("%")[0])
            if len(data) < 8:
                continue
            sender, port = struct.unpack("!HH", data[:4])
            # A SYN, an INIT, any datagram from our port: not the replies of the other side's kernel.
            opening = protocol == "UDP" or (
                data[13] & 0x17 == _SYN if protocol == "TCP" else len(data) > 12 and data[12] == 1
            )
            if sender == own and opening:
                found.add((source, port))
