"""The engine of all pairs asked what the engine of one pair is asked, about everybody."""

from __future__ import annotations

import ipaddress

from seawall.network.estate import read_estate
from seawall.network.model import Packet, Peer
from seawall.network.pairs import Matrix
from seawall.network.policies import PolicyWorld
from seawall.network.profiles import on_engine
from seawall.network.rules import Action
from support.network import OUTSIDE, PORTS

ASKED = [(protocol, port) for protocol in ("TCP", "UDP", "SCTP") for port in (*PORTS, 1, 52, 100, 65_535)]
ASKED += [("ICMP", None), ("ICMP", 3), ("47", None), ("UDPLITE", None)]


def ends(matrix, world):
    """Every endpoint with the number of it in the matrix and the peer that the one-pair engine knows."""
    found = []
    for number, endpoint in enumerate(matrix.people.endpoints):
        if endpoint.kind in {"pod", "host"}:
            found.append((number, Peer(pod=endpoint.pod())))
        elif endpoint.kind == "node":
            found.append((number, Peer(address=endpoint.address, node=True)))
    for text in OUTSIDE:
        address = ipaddress.ip_address(text)
        atom = (address.version, matrix.people.atoms.of(address))
        number = next(n for n, item in enumerate(matrix.people.endpoints) if item.span == atom)
        found.append((number, Peer(address=address)))
    assert len(found) > len(world.pods)
    return found


def own_node(source, target):
    """Whether one end is the other's node: what the matrix does not hold (seawall.network.pairs.engine)."""
    return any(
        pod is not None and any(item in pod.node_addresses for item in other.addresses())
        for pod, other in ((target.selectable(), source), (source.selectable(), target))
    )


def differences(objects, matrix=None, engine=""):
    estate = on_engine(read_estate(objects), engine)
    return compare(estate, matrix or Matrix(estate))


def compare(estate, matrix):
    """Return where a matrix and the engine of one pair differ over an estate, and how many questions were asked."""
    world = PolicyWorld(estate)
    classes = matrix.class_of
    wrong, asked = [], 0
    everybody = ends(matrix, world)
    for left, source in everybody:
        for right, target in everybody:
            if left == right or own_node(source, target):
                continue
            mask = matrix.mask(classes[left], classes[right])
            for protocol, port in ASKED:
                out, into = world.decide(Packet(source, target, protocol, port))
                expected = out.verdict is Action.ALLOW and into.verdict is Action.ALLOW
                asked += 1
                if (
                    bool(
                        mask >> matrix.ports.atom(protocol, Packet(source, target, protocol, port).point) & 1
                    )
                    != expected
                ):
                    wrong.append((source, target, protocol, port, expected))
    return wrong, asked
