"""Policies as nftables, straight from their rules: nothing of the model's classes or masks is used here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.model import Peer
from seawall.network.rules import Action, Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seawall.network.model import Address, Pod
    from seawall.network.policies import PolicyWorld
    from seawall.network.rules import PeerMatch, Policy, PortMatch, Rule

TABLE = "seawall_proof"
_WORD = {Direction.EGRESS: "egress", Direction.INGRESS: "ingress"}


def allow_all() -> str:
    """Return the ruleset of the baseline: everything is forwarded."""
    return f"flush ruleset\ntable inet {TABLE} {{\n chain forwarding {{ type filter hook forward priority 0; policy accept; }}\n}}\n"


def compile_rules(world: PolicyWorld, pods: Sequence[tuple[Pod, Address]], version: int) -> str:
    """Return the ruleset that holds the pods of a world, whose addresses are of one family.

    A pod has a chain per direction: the admin tier in order, then NetworkPolicies (their union, and what is left
    is dropped where one isolates), then the baseline tier in order, then allowed (specs b2).
    """
    compiler = _Compiler(world, pods, version)
    chains = [
        line
        for number, (pod, _) in enumerate(pods)
        for direction in Direction
        for line in compiler.chains(number, pod, direction)
    ]
    family = "ip" if version == 4 else "ip6"

    def jumps(word: str) -> str:
        return ", ".join(f"{address} : jump {word}_{number}" for number, (_, address) in enumerate(pods))

    return "\n".join(
        [
            "flush ruleset",
            f"table inet {TABLE} {{",
            *chains,
            " chain forwarding {",
            "  type filter hook forward priority 0; policy accept;",
            "  ct state established,related accept",
            f"  {family} saddr vmap {{ {jumps('egress')} }}",
            f"  {family} daddr vmap {{ {jumps('ingress')} }}",
            " }",
            "}",
            "",
        ]
    )


class _Compiler:
    def __init__(self, world: PolicyWorld, pods: Sequence[tuple[Pod, Address]], version: int) -> None:
        self.world = world
        self.pods = pods
        self.version = version
        self.family = "ip" if version == 4 else "ip6"

    def chains(self, number: int, pod: Pod, direction: Direction) -> Iterator[str]:
        """Yield the three chains of a pod and direction; `return` allows, `drop` denies."""
        word = _WORD[direction]
        mine = self.world.by_namespace.get(pod.namespace, ())
        isolating = [
            item for item in mine if direction in item.isolates and item.selects(pod, self.world.namespaces)
        ]
        yield f" chain {word}_{number}_base {{"
        yield from self._ordered(self.world.baseline, pod, direction, "return")
        yield " }"
        yield f" chain {word}_{number}_np {{"
        for policy in isolating:
            for rule in policy.rules(direction):
                yield from self._lines(rule, pod, direction, "return")
        yield "  drop" if isolating else f"  goto {word}_{number}_base"
        yield " }"
        yield f" chain {word}_{number} {{"
        yield from self._ordered(self.world.admin, pod, direction, f"goto {word}_{number}_np")
        yield f"  goto {word}_{number}_np"
        yield " }"

    def _ordered(
        self, policies: Iterable[Policy], pod: Pod, direction: Direction, onwards: str
    ) -> Iterator[str]:
        for policy in policies:
            if not policy.selects(pod, self.world.namespaces):
                continue
            for rule in policy.rules(direction):
                verdict = {Action.ALLOW: "return", Action.DENY: "drop", Action.PASS: onwards}[rule.action]
                yield from self._lines(rule, pod, direction, verdict)

    def _lines(self, rule: Rule, pod: Pod, direction: Direction, verdict: str) -> Iterator[str]:
        for peer, addresses in self._peers(rule, direction):
            for ports in self._ports(rule, pod, direction, addresses):
                yield f"  {' '.join(part for part in (peer, ports, verdict) if part)}"

    def _peers(self, rule: Rule, direction: Direction) -> Iterator[tuple[str, list[tuple[Pod, Address]]]]:
        """Yield (the match of a peer, the pods it means); an empty match is every peer."""
        if rule.peers is None:
            yield "", list(self.pods)
            return
        side = "daddr" if direction is Direction.EGRESS else "saddr"
        for match in rule.peers:
            meant = [
                (pod, address)
                for pod, address in self.pods
                if match.matches(Peer(pod=pod), self.world.namespaces)
            ]
            if match.block is not None:
                yield from self._block(match, side, meant)
            elif meant:
                yield f"{self.family} {side} {{ {', '.join(str(item) for _, item in meant)} }}", meant

    def _block(
        self, match: PeerMatch, side: str, meant: list[tuple[Pod, Address]]
    ) -> Iterator[tuple[str, list[tuple[Pod, Address]]]]:
        if match.block is None or match.block.version != self.version:
            return
        text = f"{self.family} {side} {match.block}"
        holes = [str(item) for item in match.excepted if item.version == self.version]
        if holes:
            text += f" {self.family} {side} != {{ {', '.join(holes)} }}"
        yield text, meant

    def _ports(
        self, rule: Rule, pod: Pod, direction: Direction, meant: list[tuple[Pod, Address]]
    ) -> Iterator[str]:
        if rule.ports is None:
            yield ""
            return
        for port in rule.ports:
            if port.name is None:
                low, high = port.low, port.high if port.high is not None else port.low
                if low is None:
                    yield f"meta l4proto {str(port.protocol).lower()}"
                else:
                    yield f"{str(port.protocol).lower()} dport {low}-{high}"
            elif direction is Direction.INGRESS:
                yield from (f"{protocol} dport {number}" for protocol, number in _numbers(port, pod))
            else:
                for other, address in meant:
                    for protocol, number in _numbers(port, other):
                        yield f"{self.family} daddr {address} {protocol} dport {number}"


def _numbers(port: PortMatch, pod: Pod) -> Iterator[tuple[str, int]]:
    """Yield what a pod gives a port name; the destination decides (specs b1.6)."""
    for (name, protocol), numbers in sorted(pod.ports.items()):
        if name == port.name and port.protocol in (None, protocol):
            yield from ((protocol.lower(), number) for number in sorted(numbers))


__all__ = ["TABLE", "allow_all", "compile_rules"]
