"""Of the changes that turn an answer round, the one that changes the fewest other answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from seawall.network.edits.candidates import Candidate, Raws, closings, openings, verified
from seawall.network.engines import owner_of, settle
from seawall.network.estate import ordered, policy_key
from seawall.network.pairs import Matrix
from seawall.network.policies import PolicyWorld
from seawall.network.profiles import read_as
from seawall.network.rules import Action, Direction, Policy, read_cluster_policy, read_network_policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.estate import NetworkEstate
    from seawall.network.model import Packet


_KUBERNETES = frozenset({"admin", "networkpolicy", "baseline"})
_READERS = frozenset({"cilium", "npm-linux", "npm-windows"})


class Edit(msgspec.Struct, frozen=True):
    """One policy as it would be; `path` leads to what is new in it, empty where the policy itself is new."""

    summary: str
    policy: dict[str, Any]
    path: tuple[str | int, ...]
    new: bool


class Proposal(msgspec.Struct, frozen=True):
    """Edits that together turn the answer round: they were applied and the question was asked again.

    `others` counts the ordered pairs of endpoints, besides the one asked, whose answer for any port changes.
    """

    edits: tuple[Edit, ...]
    others: int


def opening(world: PolicyWorld, raws: Raws, packet: Packet) -> Proposal | None:
    """Return the smallest change that lets a denied packet through; None where no policy can."""
    estate = world.estate
    edits: list[Candidate] = []
    for direction in Direction:
        answer = (
            PolicyWorld(estate).direction(direction, packet) if edits else world.direction(direction, packet)
        )
        if answer.verdict is Action.ALLOW:
            continue
        options = list(openings(PolicyWorld(estate) if edits else world, raws, direction, packet, answer))
        best = _best(
            estate, packet, options, lambda found, way=direction: found.direction(way, packet), Action.ALLOW
        )
        if best is None:
            return None
        edits += best[0]
        estate = _applied(estate, best[0])
        raws = {**raws, **{policy_key(item.raw): item.raw for item in best[0]}}
    return _proposal(world.estate, estate, edits)


def closing(world: PolicyWorld, raws: Raws, packet: Packet) -> Proposal | None:
    """Return the smallest change that holds an allowed packet back; None where no policy can."""
    options: list[list[Candidate]] = []
    for direction in Direction:
        options += closings(world, raws, direction, packet, world.direction(direction, packet))

    def ask(found: PolicyWorld) -> Any:
        out, into = found.decide(packet)
        return into if out.verdict is Action.ALLOW else out

    best = _best(world.estate, packet, options, ask, Action.DENY)
    if best is None:
        return None
    return _proposal(world.estate, _applied(world.estate, best[0]), best[0])


def _applied(estate: NetworkEstate, changes: Iterable[Candidate]) -> NetworkEstate:
    """Return the estate with policies exchanged or added, as its engine reads them.

    Raises:
        InputError: a change that cannot be applied, because its engine would refuse it.
    """
    policies = [item for item in estate.policies if item.tier in _KUBERNETES]
    vendors = list(estate.vendors)
    for change in changes:
        key = policy_key(change.raw)
        if owner_of(change.raw):
            vendors = [raw for raw in vendors if change.new or policy_key(raw) != key]
            vendors.append(change.raw)
            continue
        policy = _read(change.raw, estate)
        policies = [item for item in policies if change.new or (item.kind, item.namespace, item.name) != key]
        policies.append(policy)
    if not estate.vendors and len(vendors) == 0:
        return estate.with_policies(policies)
    made = estate.with_policies(())
    made.vendors, made.problems = tuple(vendors), []
    made.policies = ordered(settle(made, policies, strict=False))
    return made


def _read(raw: dict[str, Any], estate: NetworkEstate) -> Policy:
    if raw["kind"] != "NetworkPolicy":
        return read_cluster_policy(raw)
    policy = read_network_policy(raw)
    return read_as(policy, estate.engine, estate.family) if estate.engine in _READERS else policy


def _best(
    estate: NetworkEstate, packet: Packet, options: list[list[Candidate]], ask: Any, wanted: Action
) -> tuple[list[Candidate], int] | None:
    del packet
    found: list[tuple[int, int, int, list[Candidate]]] = []
    for place, option in enumerate(options):
        for item in option:
            verified(item)
        after = _applied(estate, option)
        if ask(PolicyWorld(after)).verdict is not wanted:
            continue
        found.append((changed_pairs(estate, after), sum(item.new for item in option), place, option))
    if not found:
        return None
    best = min(found, key=lambda item: item[:3])
    return best[3], best[0]


def _proposal(before: NetworkEstate, after: NetworkEstate, changes: list[Candidate]) -> Proposal:
    edits = tuple(Edit(item.summary, item.raw, item.path, item.new) for item in changes)
    return Proposal(edits, max(changed_pairs(before, after) - 1, 0))


def changed_pairs(old: NetworkEstate, new: NetworkEstate) -> int:
    """Count the ordered pairs of endpoints whose ports differ; an atom of the outside is one endpoint."""
    before, after = Matrix(old, port_cuts=new.policies), Matrix(new, port_cuts=old.policies)
    width = int(after.classes)
    joint, sizes = np.unique(before.class_of * width + after.class_of, return_counts=True)
    was, now = joint // width, joint % width
    found = 0
    for low in range(0, len(joint), 256):
        part = slice(low, low + 256)
        differs = (_words(before, was[part], was) ^ _words(after, now[part], now)).any(axis=2)
        found += int((differs * sizes[part][:, None] * sizes[None, :]).sum())
    return found


def _words(matrix: Matrix, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    out, into = matrix.egress, matrix.ingress
    words: np.ndarray = (
        out.words[out.rows[sources][:, None], out.columns[targets][None, :]]
        & into.words[into.rows[targets][None, :], into.columns[sources][:, None]]
    )
    return words
