"""Policies as an nftables ruleset: the second opinion that the kernel gives when packets are sent (`prove`).

Nothing here asks the engine that decides (`policies`): peers become sets of addresses, ports become matches, and
what a tier does with a packet becomes chains that the kernel walks. Each pod has three chains a direction:

    admin rules in their order (allow: return, deny: goto refuse, pass: goto the next chain)
    the union of its NetworkPolicies, which ends in refuse where one isolates the pod
    baseline rules in their order
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.model import PROTOCOLS, Address, Peer, Pod
from seawall.network.rules import Action, Direction, PeerMatch, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from seawall.network.rules import PortMatch, Rule

TABLE = "seawall"


class Endpoint(msgspec.Struct, frozen=True):
    """One end of the proof: a pod with the addresses it has there, or an address outside (`pod` None)."""

    name: str
    addresses: tuple[Address, ...]
    pod: Pod | None = None


def ruleset(
    endpoints: Sequence[Endpoint], policies: Iterable[Policy], namespaces: Mapping[str, dict[str, str]]
) -> str:
    """Write the table `inet seawall` for `nft -f`: what the policies let through the node that forwards.

    Raises:
        InputError: policies of Calico's or Cilium's own kinds, which are not compiled to packets.
    """
    listed = list(policies)
    other = next((item for item in listed if item.tier not in _COMPILED), None)
    if other is not None:
        raise InputError(
            f"{other.kind} {other.namespace or 'cluster-wide'}/{other.name}: policies of Calico's and Cilium's own kinds"
            " are not compiled to packets",
            hint="leave them out to prove the Kubernetes policies alone",
        )
    return _Writer(endpoints, listed, namespaces).table()


def open_ruleset() -> str:
    """Write the same table without policies: every packet is forwarded."""
    return (
        f"table inet {TABLE}\ndelete table inet {TABLE}\n"
        f"table inet {TABLE} {{\n  chain forward {{ type filter hook forward priority 0; policy accept; }}\n}}\n"
    )


_COMPILED = frozenset({"admin", "networkpolicy", "baseline"})


class _Writer:
    def __init__(
        self, endpoints: Sequence[Endpoint], policies: list[Policy], namespaces: Mapping[str, dict[str, str]]
    ) -> None:
        self.endpoints = endpoints
        self.pods = [item for item in endpoints if item.pod is not None]
        self.policies = policies
        self.namespaces = namespaces

    def table(self) -> str:
        chains = [
            "  chain refuse { meta l4proto tcp reject with tcp reset; drop; }",
        ]
        jumps: list[str] = []
        for direction, letter, side in ((Direction.EGRESS, "e", "saddr"), (Direction.INGRESS, "i", "daddr")):
            maps: dict[int, list[str]] = {4: [], 6: []}
            for number, item in enumerate(self.pods):
                chains += self.chains(item, direction, f"{letter}{number}")
                for address in item.addresses:
                    maps[address.version].append(f"{address} : jump {letter}{number}")
            jumps += [
                f"    {'ip' if version == 4 else 'ip6'} {side} vmap {{ {', '.join(entries)} }}"
                for version, entries in maps.items()
                if entries
            ]
        forward = [
            "  chain forward {",
            "    type filter hook forward priority 0; policy accept;",
            # Only what opens a connection is judged. (Said by flags: following a hundred thousand connections
            # would fill the kernel's table of them.)
            "    tcp flags & (fin|syn|rst|ack) != syn accept",
            *jumps,
            "  }",
        ]
        return "\n".join(
            [
                f"table inet {TABLE}",
                f"delete table inet {TABLE}",
                f"table inet {TABLE} {{",
                *chains,
                *forward,
                "}",
                "",
            ]
        )

    def chains(self, item: Endpoint, direction: Direction, name: str) -> list[str]:
        """Write the chains of one pod in one direction, the last one first: a chain names only those above it."""
        pod: Any = item.pod
        mine = [one for one in self.policies if one.selects(pod, self.namespaces)]
        baseline = self.tier(mine, "baseline", direction, pod, None)
        union: list[str] = []
        isolated = False
        for policy in mine:
            if policy.tier == "networkpolicy" and direction in policy.isolates:
                isolated = True
                for rule in policy.rules(direction):
                    union += [f"{match}return" for match in self.matches(rule, direction, pod, outside=True)]
        union.append("goto refuse" if isolated else f"goto {name}b")
        admin = self.tier(mine, "admin", direction, pod, f"{name}n")
        admin.append(f"goto {name}n")
        return [
            _chain(f"{name}b", baseline),
            _chain(f"{name}n", union),
            _chain(name, admin),
        ]

    def tier(
        self, policies: list[Policy], tier: str, direction: Direction, pod: Pod, onwards: str | None
    ) -> list[str]:
        """Write the rules of an ordered tier; `onwards` is where a pass leads (None: out of the direction)."""
        does = {
            Action.ALLOW: "return",
            Action.DENY: "goto refuse",
            Action.PASS: f"goto {onwards}" if onwards else "return",
        }
        return [
            match + does[rule.action]
            for policy in policies
            if policy.tier == tier
            for rule in policy.rules(direction)
            for match in self.matches(rule, direction, pod, outside=direction is Direction.EGRESS)
        ]

    def matches(self, rule: Rule, direction: Direction, pod: Pod, *, outside: bool) -> list[str]:
        """Write what a rule matches, one text for each alternative; `outside` says whether blocks go beyond pods."""
        side = "daddr" if direction is Direction.EGRESS else "saddr"
        whom = [""]
        if rule.peers is not None:
            whom = []
            for peer in rule.peers:
                if peer.block is not None and outside:
                    whom.append(_block(peer, side))
                else:
                    whom += _addresses([one for _, own in self.chosen(peer) for one in own], side)
        if rule.ports is None:
            return whom
        found: list[str] = []
        for port in rule.ports:
            if port.name is None:
                found += [who + _port(port) for who in whom]
            elif direction is Direction.INGRESS:
                found += [who + what for who in whom for what in _named(port, pod)]
            else:
                # A name means what the pod at the other end calls so.
                found += [
                    who + what
                    for peer in ((PeerMatch(),) if rule.peers is None else rule.peers)
                    for target, own in self.chosen(peer)
                    for who in _addresses(own, side)
                    for what in _named(port, target)
                ]
        return found

    def chosen(self, peer: PeerMatch) -> list[tuple[Pod, list[Address]]]:
        """Return the pods that a peer means, with the addresses by which it means them."""
        found: list[tuple[Pod, list[Address]]] = []
        for item in self.pods:
            own = [one for one in item.addresses if self.means(peer, item, one)]
            if own:
                found.append((item.pod, own))  # type: ignore[arg-type] # these endpoints are pods
        return found

    def means(self, peer: PeerMatch, item: Endpoint, address: Address) -> bool:
        """Tell whether a peer means a pod by this address: a block one that lies in it, a selector any."""
        pod: Any = item.pod
        return peer.matches(Peer(pod=msgspec.structs.replace(pod, addresses=(address,))), self.namespaces)


def _chain(name: str, rules: list[str]) -> str:
    return f"  chain {name} {{ {'; '.join(rules)}{';' if rules else ''} }}"


def _addresses(addresses: Iterable[Address], side: str) -> list[str]:
    texts = []
    for version, word in ((4, "ip"), (6, "ip6")):
        own = sorted({str(item) for item in addresses if item.version == version})
        if own:
            texts.append(f"{word} {side} {{ {', '.join(own)} }} ")
    return texts


def _block(peer: PeerMatch, side: str) -> str:
    block: Any = peer.block
    word = "ip" if block.version == 4 else "ip6"
    # nft has no way to write "any address" with a length of 0: the family alone says it.
    text = f"{word} {side} {block} " if block.prefixlen else f"meta nfproto ipv{block.version} "
    if peer.excepted:
        text += f"{word} {side} != {{ {', '.join(map(str, _merged(peer.excepted)))} }} "
    return text


def _merged(networks: Iterable[Any]) -> list[Any]:
    """Leave out networks within others: an interval set holds no overlaps."""
    kept: list[Any] = []
    for item in sorted(set(networks), key=lambda one: (one.prefixlen, one)):
        if not any(item.subnet_of(other) for other in kept):
            kept.append(item)
    return kept


def _port(port: PortMatch) -> str:
    if port.low is None:
        return f"meta l4proto {port.protocol.lower()} " if port.protocol else ""
    span = f"{port.low}-{port.high}" if port.high and port.high != port.low else str(port.low)
    protocols = [port.protocol] if port.protocol else list(PROTOCOLS)
    return f"{str(protocols[0]).lower()} dport {span} "


def _named(port: PortMatch, pod: Pod) -> list[str]:
    texts = []
    for protocol in [port.protocol] if port.protocol else PROTOCOLS:
        numbers = pod.ports.get((str(port.name), protocol))
        if numbers:
            texts.append(f"{protocol.lower()} dport {{ {', '.join(map(str, sorted(numbers)))} }} ")
    return texts


__all__ = ["TABLE", "Endpoint", "open_ruleset", "ruleset"]
