"""Questions as people write them: `shop/web`, `203.0.113.9`, `internet`, `imds`, `TCP 443`."""

from __future__ import annotations

import difflib
import ipaddress
import re
from typing import TYPE_CHECKING, Any

from seawall.core import InputError, UsageError
from seawall.network.model import ECHO, PROTOCOLS, Peer, read_address

if TYPE_CHECKING:
    from seawall.network.model import Address, Network
    from seawall.network.policies import PolicyWorld

IMDS = ipaddress.ip_address("169.254.169.254")
"""The instance metadata service of every Azure node (specs b6)."""
WIRE_SERVER = ipaddress.ip_address("168.63.129.16")
"""The platform's own address on every Azure node: DNS, health probes, the agent (specs b6)."""
NAMED: dict[str, Address] = {"imds": IMDS, "wireserver": WIRE_SERVER}
_NAME = re.compile(r"(?=.*[a-z])[a-z0-9*-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_PUBLIC = tuple(
    ipaddress.ip_address(text)
    for text in ("8.8.8.8", "1.1.1.1", "93.184.216.34", "151.101.1.69", "52.142.1.1")
)


def read_end(text: str, world: PolicyWorld) -> Peer:
    """Read one end of a question.

    Raises:
        UsageError: no pod, workload or address of that name; the nearest name is given.
    """
    if text in NAMED:
        return Peer(address=NAMED[text])
    if text == "internet":
        return Peer(address=somewhere(world))
    if text in world.pods:
        return Peer(pod=world.pods[text])
    try:
        return world.peer({"ip": read_address(text, text)}, text)
    except InputError:
        pass
    if "/" not in text and f"default/{text}" in world.pods:
        return Peer(pod=world.pods[f"default/{text}"])
    if _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} is a name: what it stands for is looked up when the connection is made",
            hint="ask for an address; groups and routes hold addresses, and rules of a firewall by name are not decided",
        )
    near = difflib.get_close_matches(text, [*world.pods, *NAMED, "internet"], n=1)
    raise UsageError(
        f"{text!r} is neither a pod, a workload nor an address",
        hint=f"did you mean {near[0]!r}?" if near else "write namespace/name, an address, internet or imds",
    )


def read_target(text: str, world: PolicyWorld) -> Peer | dict[str, Any]:
    """Read the end that is called: as `read_end`, or a Service as `svc/namespace/name`.

    Raises:
        UsageError: nothing has that name.
    """
    if not text.startswith("svc/"):
        return read_end(text, world)
    services = {
        f"svc/{(raw.get('metadata') or {}).get('namespace') or 'default'}/{(raw.get('metadata') or {}).get('name')}": raw
        for raw in world.estate.services
    }
    if text not in services:
        near = difflib.get_close_matches(text, services, n=1)
        raise UsageError(
            f"{text!r} is no Service of the estate",
            hint=f"did you mean {near[0]!r}?" if near else "svc/namespace/name",
        )
    return services[text]


def somewhere(world: PolicyWorld) -> Address:
    """Return a public address that no block but those of everything names: the Internet at large."""
    blocks: list[Network] = []
    for policy in world.estate.policies:
        for rule in (*policy.ingress, *policy.egress):
            for match in rule.peers or ():
                blocks += [item for item in (match.block, *match.excepted) if item is not None]
    narrow = [item for item in blocks if item.prefixlen]
    for address in _PUBLIC:
        if not any(item.version == 4 and address in item for item in narrow):
            return address
    return _PUBLIC[0]


def read_port_text(text: str | None) -> tuple[str, int | None]:
    """Read `80`, `UDP/53`, `tcp:443`, `icmp` or `ICMP/8` as protocol and port; the port of ICMP is its type.

    Raises:
        UsageError: it is none of them.
    """
    if text is None:
        return "TCP", None
    protocol, _, number = text.replace(":", "/").rpartition("/")
    if not number.isdigit():
        protocol, number = number, ""
    protocol = (protocol or "TCP").upper()
    port = int(number) if number else None
    if protocol not in {*PROTOCOLS, *ECHO} or (
        port is not None and not (port <= 255 if protocol in ECHO else 1 <= port <= 65_535)
    ):
        raise UsageError(f"--port {text}: no port of a protocol", hint="write 80, UDP/53, ICMP or ICMP/8")
    return protocol, port
