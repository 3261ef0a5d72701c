"""Namespaces of our own, wired to a hub that forwards; everything goes with the process, also when it is killed.

The namespaces have no names: the process holds them by file descriptors, so the kernel takes them, their links and
the ruleset away with the last of them. Nothing outside them is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

from seawall.core import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from seawall.network.model import Address

_CLONE_NEWNET = 0x4000_0000
_HUB_MAC = "02:5e:a0:00:00:01"
_GATEWAY = {4: "169.254.1.1", 6: "fe80::1"}
_TOOLS = ("ip", "nft")


def obstacle() -> str:
    """Return why packets cannot be sent on this machine; empty where they can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "it needs root on Linux"
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            return f"{tool} is not on PATH (apt-get install iproute2 nftables)"
    try:
        with Namespaces(0) as spaces:
            spaces.nft("add table inet seawall_probe")
    except (OSError, UsageError) as error:
        return f"the kernel does not allow it: {error}"
    return ""


class Namespaces:
    """A hub and some ends, each in a network namespace without a name."""

    def __init__(self, ends: int) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._held: list[int] = []
        try:
            self.hub = self._new()
            self.ends = [self._new() for _ in range(ends)]
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the namespaces: the kernel removes them."""
        for descriptor in (*self._held, self._home):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._held = []

    def _new(self) -> int:
        if self._libc.unshare(_CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        try:
            descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            self._enter(self._home)
        self._held.append(descriptor)
        return descriptor

    def _enter(self, descriptor: int) -> None:
        if self._libc.setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    @contextlib.contextmanager
    def inside(self, descriptor: int) -> Iterator[None]:
        """Run a block in a namespace; this thread is back in its own afterwards, whatever happens."""
        self._enter(descriptor)
        try:
            yield
        finally:
            self._enter(self._home)

    def _run(self, descriptor: int, command: Sequence[str], text: str) -> None:
        with self.inside(descriptor):
            done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        if done.returncode:
            raise UsageError(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()[:400]}")

    def nft(self, text: str) -> None:
        """Load a ruleset into the hub, all of it or nothing."""
        self._run(self.hub, ["nft", "-f", "-"], text)

    def wire(self, addresses: Sequence[Sequence[Address]]) -> None:
        """Give every end its addresses and a link to the hub, which forwards between them."""
        pid = os.getpid()
        lines = []
        for number, descriptor in enumerate(self.ends):
            lines.append(
                f"link add v{number} address {_HUB_MAC} type veth peer name eth0 "
                f"address {_mac(number)} netns /proc/{pid}/fd/{descriptor}"
            )
        self._run(self.hub, ["ip", "-batch", "-"], "\n".join(lines) + "\n")
        hub = []
        for number, mine in enumerate(addresses):
            hub.append(f"link set v{number} up")
            for address in mine:
                hub += [
                    f"route add {address}/{address.max_prefixlen} dev v{number}",
                    f"neigh add {address} lladdr {_mac(number)} dev v{number} nud permanent",
                ]
        with self.inside(self.hub):
            for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/net/{name}", "w") as file:  # noqa: PTH123 - a file of the kernel
                    file.write("1")
            with open("/proc/sys/net/ipv4/conf/all/rp_filter", "w") as file:  # noqa: PTH123 - a file of the kernel
                file.write("0")
        for number, descriptor in enumerate(self.ends):
            part = ["link set lo up", "link set eth0 up"]
            for address in addresses[number]:
                gateway = _GATEWAY[address.version]
                nodad = " nodad" if address.version == 6 else ""
                part += [
                    f"addr add {address}/{address.max_prefixlen} dev eth0{nodad}",
                    f"neigh add {gateway} lladdr {_HUB_MAC} dev eth0 nud permanent",
                    f"route add default via {gateway} dev eth0 onlink",
                ]
            self._run(descriptor, ["ip", "-batch", "-"], "\n".join(part) + "\n")
        self._run(self.hub, ["ip", "-batch", "-"], "\n".join(hub) + "\n")

    def raw(self, number: int, version: int, protocol: int) -> socket.socket:
        """Return a raw socket of an end; it stays in the end's namespace."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        with self.inside(self.ends[number]):
            made = socket.socket(family, socket.SOCK_RAW, protocol)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return made


def _mac(number: int) -> str:
    return f"02:5e:a1:00:{number >> 8:02x}:{number & 255:02x}"
