"""Random clusters with policies of both families, small enough to ask about every pair."""

from __future__ import annotations

import random

from seawall.core import EngineOptions
from seawall.network.decide import engine

NAMESPACES = ("a", "b", "c")
KEYS = {"app": ("web", "api", "db"), "tier": ("x", "y"), "v": ("1", "2", "3")}
PORTS = (53, 80, 81, 443, 8080)
NAMES = ("http", "dns")
BLOCKS = ("10.0.0.0/8", "10.0.1.0/24", "10.0.0.128/25", "0.0.0.0/0", "203.0.113.0/24", "fd00::/8", "::/0")
OUTSIDE = ("203.0.113.9", "198.51.100.1", "10.0.2.9", "169.254.169.254", "fd00::99", "2001:db8::1")


def dice_of(seed):
    """Return the dice of a seed: the same cluster for the same number."""
    return random.Random(seed)  # noqa: S311 - random estates are no secrets


def labels(dice):
    return {key: dice.choice(values) for key, values in KEYS.items() if dice.random() < 0.7}


def selector(dice):
    if dice.random() < 0.25:
        return {}
    found = {}
    if dice.random() < 0.7:
        key = dice.choice(list(KEYS))
        found["matchLabels"] = {key: dice.choice((*KEYS[key], "none"))}
    if dice.random() < 0.4:
        key = dice.choice(list(KEYS))
        operator = dice.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        term = {"key": key, "operator": operator}
        if operator in {"In", "NotIn"}:
            term["values"] = dice.sample(KEYS[key], dice.randint(1, 2))
        found["matchExpressions"] = [term]
    return found


def block(dice):
    cidr = dice.choice(BLOCKS)
    inner = {"0.0.0.0/0": "169.254.169.254/32", "10.0.0.0/8": "10.0.1.0/24", "::/0": "fd00::/8"}.get(cidr)
    return {"cidr": cidr, **({"except": [inner]} if inner and dice.random() < 0.5 else {})}


def peer(dice):
    roll = dice.random()
    if roll < 0.3:
        return {"ipBlock": block(dice)}
    if roll < 0.55:
        return {"podSelector": selector(dice)}
    if roll < 0.75:
        return {"namespaceSelector": selector(dice)}
    return {"namespaceSelector": selector(dice), "podSelector": selector(dice)}


def port(dice):
    found = {"protocol": dice.choice(("TCP", "UDP", "SCTP"))} if dice.random() < 0.7 else {}
    roll = dice.random()
    if roll < 0.2:
        return found
    if roll < 0.4:
        return {**found, "port": dice.choice(NAMES)}
    low = dice.choice(PORTS)
    return {**found, "port": low, **({"endPort": low + dice.randint(0, 40)} if roll > 0.8 else {})}


def rule(dice, field):
    found = {}
    if dice.random() < 0.85:
        found[field] = [peer(dice) for _ in range(dice.randint(1, 2))]
    if dice.random() < 0.6:
        found["ports"] = [port(dice) for _ in range(dice.randint(1, 2))]
    return found


def network_policy(dice, name):
    spec = {"podSelector": selector(dice)}
    if dice.random() < 0.7:
        spec["policyTypes"] = dice.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    for direction, field in (("ingress", "from"), ("egress", "to")):
        if dice.random() < 0.6:
            spec[direction] = [rule(dice, field) for _ in range(dice.randint(0, 2))]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": dice.choice(NAMESPACES)},
        "spec": spec,
    }


def subject(dice):
    if dice.random() < 0.5:
        return {"namespaces": selector(dice)}
    return {"pods": {"namespaceSelector": selector(dice), "podSelector": selector(dice)}}


def cluster_rule(dice, field, accept):
    peers = [subject(dice) for _ in range(dice.randint(1, 2))]
    if field == "to" and dice.random() < 0.3:
        peers.append({"networks": [dice.choice(BLOCKS)]})
    if field == "to" and dice.random() < 0.2:
        peers.append({"nodes": {"matchLabels": {"pool": dice.choice(("p0", "p1"))}}})
    if dice.random() < 0.05:
        peers.append({"moons": {}})
    found = {"action": dice.choice((accept, "Deny", "Pass")), field: peers}
    if dice.random() < 0.6:
        item = {dice.choice(("tcp", "udp", "sctp")): {"destinationPort": {"number": dice.choice(PORTS)}}}
        # Names are looked up on pods: the schema refuses them beside networks and nodes.
        if dice.random() < 0.3 and not any("networks" in peer or "nodes" in peer for peer in peers):
            item = {"destinationNamedPort": dice.choice(NAMES)}
        found["protocols"] = [item]
    return found


def cluster_policy(dice, name):
    spec = {
        "tier": dice.choice(("Admin", "Baseline")),
        "priority": dice.randint(0, 9),
        "subject": subject(dice),
    }
    for direction, field in (("ingress", "from"), ("egress", "to")):
        if dice.random() < 0.7:
            spec[direction] = [cluster_rule(dice, field, "Accept") for _ in range(dice.randint(0, 2))]
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def pod(dice, number, namespace):
    ports = [
        {"name": name, "containerPort": dice.choice(PORTS), "protocol": dice.choice(("TCP", "UDP"))}
        for name in NAMES
        if dice.random() < 0.6
    ]
    node = number % 2
    status = {"podIP": f"10.0.{number % 3}.{100 + number}", "hostIP": f"10.9.0.{node}"}
    if dice.random() < 0.4:
        status["podIPs"] = [{"ip": status["podIP"]}, {"ip": f"fd00::{number + 1:x}"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p{number}", "namespace": namespace, "labels": labels(dice)},
        "spec": {"containers": [{"name": "c", "ports": ports}], "hostNetwork": dice.random() < 0.1},
        "status": status,
    }


def random_cluster(dice, pods=10, policies=5, cluster_policies=3):
    """Objects of a cluster: dual-stack pods, pods of the host, nodes, and policies that overlap."""
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels(dice)}}
        for name in NAMESPACES[: dice.randint(1, 3)]
    ]
    objects += [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"n{node}", "labels": {"pool": f"p{node}"}},
            "status": {"addresses": [{"type": "InternalIP", "address": f"10.9.0.{node}"}]},
        }
        for node in range(2)
    ]
    objects += [pod(dice, number, dice.choice(NAMESPACES)) for number in range(pods)]
    objects += [network_policy(dice, f"np{number}") for number in range(policies)]
    objects += [cluster_policy(dice, f"cnp{number}") for number in range(dice.randint(0, cluster_policies))]
    return objects


def policy_of_a(**spec):
    """A NetworkPolicy of the namespace `a` for all its pods, unless `spec` says otherwise."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "k", "namespace": "a"},
        "spec": {"podSelector": {}, **spec},
    }


def decided(objects, source, target, protocol, port):
    """What `decide network` answers for two ends, each an address or `namespace/pod`."""
    decide = engine("network", EngineOptions())
    decide.load({"objects": objects})
    ends = {
        key: {"ip": value} if value[0].isdigit() else {"pod": value}
        for key, value in (("from", source), ("to", target))
    }
    return decide.answer({**ends, "protocol": protocol, "port": port})
