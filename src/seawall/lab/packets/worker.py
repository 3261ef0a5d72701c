"""The process that sends the packets: `python -m seawall.lab.packets.worker`, plan in, what arrived out.

It leaves its network namespace for a new one, the node, and makes one for each end. Nothing of them has a name:
they live as long as this process, and the kernel takes them away with it, however it ends. It dies with its parent.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from seawall.lab.packets.plan import Outcome, Plan, Probe

NEWNET = 0x4000_0000
_PDEATHSIG = 1
_SCTP = 132
_NODE_MAC = "ee:ee:ee:ee:ee:ee"
_GATEWAYS = {4: "169.254.1.1", 6: "fe80::1"}
_WINDOW = 8000
"""Local ports for the probes' own ends: a window in which no rule names a port."""

ANSWER = 1.0
"""Seconds in which a connection is made or refused; on one machine it takes a millisecond."""

TRIES = 3

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):  # noqa: N818 - it says what failed
    """What the machine refused, one sentence."""


def _call(name: str, *args: int) -> None:
    if getattr(_libc, name)(*args) != 0:
        raise Failed(f"{name}: {os.strerror(ctypes.get_errno())}")


def _new_namespace() -> int:
    """Put this thread into a network namespace of its own; return what keeps it."""
    _call("unshare", NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _run(command: list[str], text: str) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{command[0]}: {(done.stderr or done.stdout).strip().splitlines()[:1]}")


def _sysctl(name: str, value: str) -> None:
    Path("/proc/sys/net", *name.split(".")).write_text(value, encoding="ascii")


def _mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


class Network:
    """The node, the ends, and a cable from each to the node."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.addresses = [{6 if ":" in one else 4: one for one in own} for own in plan.addresses]
        self.node = _new_namespace()
        self.ends: list[int] = []
        self.window = _free_window({port for ports in plan.listen.values() for port in ports})

    def build(self) -> None:
        """Make all of it."""
        _sysctl("ipv4.ip_forward", "1")
        for name in ("all", "default"):
            _sysctl(f"ipv4.conf.{name}.rp_filter", "0")
            _sysctl(f"ipv6.conf.{name}.forwarding", "1")
            _sysctl(f"ipv6.conf.{name}.accept_dad", "0")
        with ThreadPoolExecutor(2) as pool:
            self.ends = list(pool.map(self._end, range(len(self.addresses))))
        lines = ["link set lo up", f"addr add {_GATEWAYS[4]}/32 dev lo"]
        for number, own in enumerate(self.addresses):
            lines.append(f"link set v{number} up")
            for address in own.values():
                lines.append(f"route add {address} dev v{number}")
                lines.append(f"neigh replace {address} lladdr {_mac(number)} dev v{number} nud permanent")
        _run(["ip", "-batch", "-"], "\n".join(lines) + "\n")

    def _end(self, number: int) -> int:
        held: list[int] = []
        trouble: list[BaseException] = []

        def make() -> None:
            try:
                held.append(_new_namespace())
                _sysctl("ipv6.conf.default.accept_dad", "0")
                _sysctl("ipv4.ip_local_port_range", f"{self.window} {self.window + _WINDOW - 1}")
                lines = [
                    f"link add eth0 address {_mac(number)} type veth peer name v{number} address {_NODE_MAC} netns {os.getpid()}",
                    "link set lo up",
                    "link set eth0 up",
                ]
                for version, address in self.addresses[number].items():
                    lines += [
                        f"addr add {address}/{32 if version == 4 else 128} dev eth0{' nodad' if version == 6 else ''}",
                        f"neigh replace {_GATEWAYS[version]} lladdr {_NODE_MAC} dev eth0 nud permanent",
                        f"route add {'0.0.0.0/0' if version == 4 else '::/0'} via {_GATEWAYS[version]} dev eth0 onlink",
                    ]
                _run(["ip", "-batch", "-"], "\n".join(lines) + "\n")
            except (Failed, OSError) as error:
                trouble.append(error)

        # A thread of its own for each: a thread that has moved into a namespace stays there.
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if trouble:
            raise Failed(f"{self.plan.names[number]}: {trouble[0]}")
        return held[0]

    def enter(self, namespace: int) -> None:
        """Move this thread."""
        _call("setns", namespace, NEWNET)

    def load(self, rules: str) -> None:
        """Put a ruleset in force at the node."""
        self.enter(self.node)
        _run(["nft", "-f", "-"], rules)


def _free_window(taken: set[int]) -> int:
    for start in range(20_000, 65_536 - _WINDOW, 100):
        if not any(start <= port < start + _WINDOW for port in taken):
            return start
    raise Failed("the policies name ports all over the range: no window is left for the probes' own ports")


def _family(version: int) -> socket.AddressFamily:
    return socket.AF_INET if version == 4 else socket.AF_INET6


class Listeners:
    """Something that hears on every port of every end, so that silence means that a packet was stopped."""

    def __init__(self, network: Network) -> None:
        self.epoll = select.epoll()
        self.sockets: dict[int, tuple[socket.socket, str]] = {}
        for namespace, own in zip(network.ends, network.addresses, strict=True):
            network.enter(namespace)
            for version, address in own.items():
                for port in network.plan.listen["TCP"]:
                    self._add(_bound(version, socket.SOCK_STREAM, address, port), "TCP")
                for port in network.plan.listen["UDP"]:
                    self._add(_bound(version, socket.SOCK_DGRAM, address, port), "UDP")
                if network.plan.listen["SCTP"]:
                    self._add(socket.socket(_family(version), socket.SOCK_RAW, _SCTP), "SCTP")

    def _add(self, made: socket.socket, protocol: str) -> None:
        made.setblocking(False)
        if protocol == "TCP":
            made.listen(4096)
        self.sockets[made.fileno()] = (made, protocol)
        self.epoll.register(made.fileno(), select.EPOLLIN)

    def hear(self, arrived: set[int], seconds: float) -> None:
        """Take what has come until nothing comes for so long."""
        while events := self.epoll.poll(seconds, 4096):
            for number, _ in events:
                made, protocol = self.sockets[number]
                try:
                    while True:
                        if protocol == "TCP":
                            made.accept()[0].close()
                        else:
                            _note(made.recv(2048), protocol, arrived)
                except OSError:
                    pass

    def close(self) -> None:
        """Stop hearing."""
        for made, _ in self.sockets.values():
            made.close()
        self.epoll.close()


def _bound(version: int, kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    made = socket.socket(_family(version), kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def _note(data: bytes, protocol: str, arrived: set[int]) -> None:
    if protocol == "UDP":
        if len(data) == 8 and data[:4] == b"swl1":
            arrived.add(int.from_bytes(data[4:], "big"))
        return
    if data[:1] and data[0] >> 4 == 4 and len(data) >= 52:
        data = data[(data[0] & 15) * 4 :]  # an IPv4 raw socket gives the header too
    if len(data) >= 32 and data[12] == 1:
        arrived.add(int.from_bytes(data[28:32], "big"))


_CRC = []
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0x82F6_3B78 if _value & 1 else 0)
    _CRC.append(_value)


def sctp_init(source: int, port: int, number: int) -> bytes:
    """Make an SCTP packet that opens an association (RFC 9260, 3.3.2); its first TSN is the probe's number."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, number + 1, 65_536, 1, 1, number)
    head = struct.pack("!HHI", source, port, 0)
    crc = 0xFFFF_FFFF
    for byte in head + b"\0\0\0\0" + chunk:
        crc = _CRC[(crc ^ byte) & 255] ^ (crc >> 8)
    return head + struct.pack("<I", crc ^ 0xFFFF_FFFF) + chunk


def send(network: Network, listeners: Listeners, probes: list[tuple[int, Probe]]) -> set[int]:
    """Send probes and return those that arrived."""
    arrived: set[int] = set()
    by_source: dict[int, list[tuple[int, Probe]]] = {}
    for number, probe in probes:
        by_source.setdefault(probe.source, []).append((number, probe))
    for source, own in by_source.items():
        network.enter(network.ends[source])
        datagrams: dict[tuple[int, str], socket.socket] = {}
        streams = []
        for number, probe in own:
            target = network.addresses[probe.target][probe.version]
            if probe.protocol == "TCP":
                streams.append((number, probe.version, target, probe.port))
                continue
            key = (probe.version, probe.protocol)
            if key not in datagrams:
                kind = socket.SOCK_DGRAM if probe.protocol == "UDP" else socket.SOCK_RAW
                datagrams[key] = socket.socket(
                    _family(probe.version), kind, 0 if probe.protocol == "UDP" else _SCTP
                )
            try:
                if probe.protocol == "UDP":
                    datagrams[key].sendto(b"swl1" + number.to_bytes(4, "big"), (target, probe.port))
                else:
                    datagrams[key].sendto(sctp_init(network.window, probe.port, number), (target, 0))
            except OSError:
                continue  # refused at once: it did not arrive
        _connect(streams, arrived)
        listeners.hear(arrived, 0.001)
        for made in datagrams.values():
            made.close()
    listeners.hear(arrived, 0.1)
    return arrived


def _connect(wanted: list[tuple[int, int, str, int]], arrived: set[int]) -> None:
    """Open connections, all at once, and note those that were made."""
    epoll = select.epoll()
    waiting: dict[int, tuple[int, socket.socket]] = {}
    reset = struct.pack("ii", 1, 0)
    for number, version, target, port in wanted:
        made = socket.socket(_family(version), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        told = made.connect_ex((target, port))
        if told == errno.EINPROGRESS:
            waiting[made.fileno()] = (number, made)
            epoll.register(made.fileno(), select.EPOLLOUT)
            continue
        if told == 0:
            arrived.add(number)
        made.close()
    end = time.monotonic() + ANSWER
    while waiting and (left := end - time.monotonic()) > 0:
        for descriptor, _ in epoll.poll(left, 4096):
            number, made = waiting.pop(descriptor)
            if made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                arrived.add(number)
            made.close()
    for _, made in waiting.values():
        made.close()
    epoll.close()


def work(plan: Plan) -> Outcome:
    """Build, listen, send without policies and with them."""
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter()
        seconds[name] = round(now - began, 3)
        began = now

    network = Network(plan)
    network.build()
    listeners = Listeners(network)
    lap("build")
    numbered = list(enumerate(plan.probes))
    network.load(plan.open_rules)
    baseline = _stubborn(network, listeners, numbered, {number for number, _ in numbered})
    lap("baseline")
    network.load(plan.rules)
    lap("rules")
    arrived = _stubborn(network, listeners, numbered, {number for number, probe in numbered if probe.allowed})
    lap("policies")
    listeners.close()
    return Outcome(tuple(sorted(baseline)), tuple(sorted(arrived)), seconds)


def _stubborn(
    network: Network, listeners: Listeners, probes: list[tuple[int, Probe]], expected: set[int]
) -> set[int]:
    """Send; what should have arrived and did not is sent again, since a packet may be lost by chance."""
    arrived = send(network, listeners, probes)
    for _ in range(TRIES - 1):
        missing = [one for one in probes if one[0] in expected and one[0] not in arrived]
        if not missing:
            break
        arrived |= send(network, listeners, missing)
    return arrived


def main() -> int:
    """Read a plan from standard input, write the outcome to standard output."""
    _libc.prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        return 1  # the parent was gone before this was said
    _raise_limits()
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    result: Any
    try:
        result = work(plan)
    except (Failed, OSError) as error:
        result = {"failed": str(error)}
    sys.stdout.buffer.write(msgspec.json.encode(result))
    return 0


def _raise_limits() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
