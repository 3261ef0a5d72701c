"""What is tried: ends with addresses, ports that stand for all ports, and what the model says of each packet.

Ports are cut where any rule begins or ends to speak of them; one port of each piece stands for it, and one that no
rule names for the rest. Outside the cluster there is one address for each block and for each exception of a rule.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.model import PROTOCOLS, Address, Packet, Peer, Pod
from seawall.network.nftables import Endpoint, open_ruleset, ruleset
from seawall.network.policies import PolicyWorld
from seawall.network.rules import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seawall.network.estate import NetworkEstate
    from seawall.network.rules import Policy

MOST_PODS = 200
MOST_OUTSIDE = 12
REST = 40_001
"""The port that is looked at first as the one that no rule names."""

_PODS = (ipaddress.ip_network("10.244.0.0/16"), ipaddress.ip_network("fd00:10:244::/64"))
_ELSEWHERE = (ipaddress.ip_address("198.51.100.7"), ipaddress.ip_address("2001:db8::7"))
_GATEWAY = ipaddress.ip_address("169.254.1.1")


class Probe(msgspec.Struct, frozen=True, array_like=True):
    """One packet: indexes of the ends, IP version, protocol, port, and whether the model lets it through."""

    source: int
    target: int
    version: int
    protocol: str
    port: int
    allowed: bool


class Plan(msgspec.Struct, frozen=True):
    """All that the worker needs: no policy is read there.

    `names` and `addresses` are the ends' (IPv4, IPv6); the first `pods` of them are pods. `listen` are the ports by
    protocol, `rules` and `open_rules` texts for nft. `left_out` says which pods cannot be proven, and why.
    """

    names: tuple[str, ...]
    addresses: tuple[tuple[str, ...], ...]
    pods: int
    listen: dict[str, tuple[int, ...]]
    probes: tuple[Probe, ...]
    rules: str
    open_rules: str
    left_out: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What arrived (indexes of probes) without policies and with them, and how long each part took (seconds)."""

    baseline: tuple[int, ...]
    arrived: tuple[int, ...]
    seconds: dict[str, float]


def make_plan(estate: NetworkEstate, *, versions: Sequence[int] = (4, 6)) -> Plan:
    """Plan the proof of an estate's policies.

    Raises:
        InputError: there is no pod, or there are more than 200.
    """
    world = PolicyWorld(estate)
    pods: list[Pod] = []
    left_out: list[str] = []
    for pod in _once(world.pods.values()):
        if pod.host:
            left_out.append(f"{pod.key}: in the host's network, which no policy holds")
        else:
            pods.append(pod)
    if not pods:
        raise InputError("there is no pod to prove anything of", hint="give manifests with pods or workloads")
    if len(pods) > MOST_PODS:
        raise InputError(
            f"{len(pods)} pods; the proof is for {MOST_PODS} at most", hint="give fewer namespaces"
        )
    ends = _ends(pods, estate.policies, versions)
    listen = {protocol: _ports(protocol, pods, estate.policies) for protocol in PROTOCOLS}
    return Plan(
        names=tuple(end.name for end in ends),
        addresses=tuple(tuple(map(str, end.addresses)) for end in ends),
        pods=len(pods),
        listen=listen,
        probes=tuple(_probes(ends, listen, estate, versions)),
        rules=ruleset(ends, estate.policies, estate.namespaces),
        open_rules=open_ruleset(),
        left_out=tuple(left_out),
    )


def _once(pods: Iterable[Pod]) -> Iterator[Pod]:
    """Give each pod once: a workload stands under two names in the world."""
    seen: set[int] = set()
    for pod in pods:
        if id(pod) not in seen:
            seen.add(id(pod))
            yield pod


def _ends(pods: list[Pod], policies: Iterable[Policy], versions: Sequence[int]) -> list[Endpoint]:
    taken: set[Address] = {_GATEWAY}
    for pod in pods:
        taken.update(pod.addresses)
    pools: dict[int, Iterator[Any]] = {net.version: iter(net.hosts()) for net in _PODS}
    next(pools[4])
    next(pools[6])
    seen: set[Address] = set()
    ends: list[Endpoint] = []
    for pod in pods:
        addresses: list[Address] = []
        for version in versions:
            given = [one for one in pod.addresses if one.version == version and one not in seen]
            own: Address = given[0] if given else next(one for one in pools[version] if one not in taken)
            seen.add(own)
            taken.add(own)
            addresses.append(own)
        ends.append(Endpoint(pod.key, tuple(addresses), pod))
    ends.extend(Endpoint(str(one), (one,)) for one in _outside(policies, taken) if one.version in versions)
    return ends


def _outside(policies: Iterable[Policy], taken: set[Address]) -> list[Address]:
    """Choose addresses beyond the cluster: within each block, within each exception, and within none."""
    found: list[Address] = list(_ELSEWHERE)
    for policy in policies:
        for rule in (*policy.ingress, *policy.egress):
            for peer in rule.peers or ():
                for block in (peer.block, *peer.excepted):
                    if block is None or len(found) >= MOST_OUTSIDE:
                        continue
                    address = _inside(block, peer.excepted if block is peer.block else (), taken)
                    if address is not None and address not in found:
                        found.append(address)
    return found


def _inside(block: Any, excepted: Iterable[Any], taken: set[Address]) -> Address | None:
    first = int(block.network_address)
    for offset in (9, 77, 1, 0, 200, 1000, 70_000, 20_000_000):
        if offset >= block.num_addresses:
            continue
        address = (
            ipaddress.ip_address(first + offset)
            if block.version == 4
            else ipaddress.IPv6Address(first + offset)
        )
        odd = address.is_multicast or address.is_loopback or address.is_unspecified or address.is_reserved
        if (
            odd
            or (block.version == 6 and address.is_link_local)
            or (block.version == 4 and int(address) < 1 << 24)
        ):
            continue
        if address not in taken and not any(address in item for item in excepted):
            return address
    return None


def _ports(protocol: str, pods: Iterable[Pod], policies: Iterable[Policy]) -> tuple[int, ...]:
    """Cut the ports of a protocol into pieces that no rule tells apart; one port of each."""
    cuts: set[int] = set()
    inside: list[tuple[int, int]] = []
    for policy in policies:
        for rule in (*policy.ingress, *policy.egress):
            for port in rule.ports or ():
                if port.low is not None and port.protocol in (None, protocol):
                    high = port.high or port.low
                    cuts |= {port.low, high + 1}
                    inside.append((port.low, high))
    for pod in pods:
        for (_, spoken), numbers in pod.ports.items():
            if spoken == protocol:
                for number in numbers:
                    cuts |= {number, number + 1}
                    inside.append((number, number))
    chosen = {cut for cut in cuts if any(low <= cut <= high for low, high in inside)}
    rest = (
        next(
            number
            for number in (*range(REST, 65_536), *range(1, REST))
            if not any(low <= number <= high for low, high in inside)
        )
        if len(inside) < 65_535
        else None
    )
    return tuple(sorted(chosen | ({rest} if rest is not None else set())))


def _probes(
    ends: Sequence[Endpoint],
    listen: dict[str, tuple[int, ...]],
    estate: NetworkEstate,
    versions: Sequence[int],
) -> Iterator[Probe]:
    world = PolicyWorld(estate.with_pods([]))
    for version in versions:
        # A packet of one version sees the addresses of that version only.
        peers = [_peer(end, version) for end in ends]
        for number, source in enumerate(peers):
            for other, target in enumerate(peers):
                if number == other or source is None or target is None:
                    continue
                if source.pod is None and target.pod is None:
                    continue
                for protocol, ports in listen.items():
                    for port in ports:
                        out, into = world.decide(Packet(source, target, protocol, port))
                        allowed = out.verdict is Action.ALLOW and into.verdict is Action.ALLOW
                        yield Probe(number, other, version, protocol, port, allowed)


def _peer(end: Endpoint, version: int) -> Peer | None:
    addresses = tuple(one for one in end.addresses if one.version == version)
    if not addresses:
        return None
    if end.pod is None:
        return Peer(address=addresses[0])
    return Peer(pod=msgspec.structs.replace(end.pod, addresses=addresses, node_addresses=()))
