"""Random Cilium policies over the clusters of `support.network`."""

from __future__ import annotations

from support.network import KEYS, NAMES, NAMESPACES, PORTS, random_cluster

BLOCKS = ("10.0.0.0/8", "0.0.0.0/0", "203.0.113.0/24", "198.51.100.1", "169.254.169.254/32")
ENTITIES = ("all", "world", "cluster", "host", "remote-node", "none", "init")


def selector(dice):
    if dice.random() < 0.2:
        return {}
    found = {}
    source = dice.choice(("", "", "k8s:", "any:"))
    if dice.random() < 0.7:
        key = dice.choice(list(KEYS))
        found["matchLabels"] = {source + key: dice.choice((*KEYS[key], "none"))}
    if dice.random() < 0.4:
        key = dice.choice(list(KEYS))
        operator = dice.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        term = {"key": source + key, "operator": operator}
        if operator in {"In", "NotIn"}:
            term["values"] = dice.sample(KEYS[key], dice.randint(1, 2))
        found["matchExpressions"] = [term]
    return found


def endpoint(dice):
    found = selector(dice)
    roll = dice.random()
    if roll < 0.2:
        found.setdefault("matchLabels", {})["k8s:io.kubernetes.pod.namespace"] = dice.choice(NAMESPACES)
    elif roll < 0.35:
        key = dice.choice(list(KEYS))
        found.setdefault("matchLabels", {})[f"io.cilium.k8s.namespace.labels.{key}"] = dice.choice(KEYS[key])
    elif roll < 0.4:
        return {"matchLabels": {f"reserved:{dice.choice(('host', 'remote-node', 'world'))}": ""}}
    return found


def port(dice):
    found = {"port": dice.choice(("80", "443", "0", *NAMES))}
    if dice.random() < 0.7:
        found["protocol"] = dice.choice(("TCP", "UDP", "SCTP", "ANY"))
    if found["port"] == "80" and dice.random() < 0.5:
        found["endPort"] = dice.choice((81, 443, 8080))
    return found


def rule(dice, side, *, deny=False):
    found = {}
    roll = dice.random()
    if roll < 0.35:
        found[f"{side}Endpoints"] = [endpoint(dice) for _ in range(dice.randint(0, 2))]
    elif roll < 0.55:
        found[f"{side}Entities"] = dice.sample(ENTITIES, dice.randint(1, 2))
    elif roll < 0.65:
        found[f"{side}CIDR"] = dice.sample(BLOCKS, dice.randint(1, 2))
    elif roll < 0.8:
        item = {"cidr": dice.choice(("0.0.0.0/0", "203.0.0.0/8"))}
        if item["cidr"] == "0.0.0.0/0" and dice.random() < 0.6:
            item["except"] = ["203.0.113.0/24"]
        found[f"{side}CIDRSet"] = [item]
    if dice.random() < 0.08 and not deny:
        found[f"{side}Requires"] = [selector(dice)]
    if dice.random() < 0.5:
        found["toPorts"] = [{"ports": [port(dice) for _ in range(dice.randint(0, 2))]}]
    elif dice.random() < 0.15:
        found["icmps"] = [{"fields": [{"type": dice.choice((8, "EchoReply", 3))}]}]
    return found


def policy(dice, name):
    namespaced = dice.random() < 0.7
    spec = {"endpointSelector": selector(dice)}
    for direction, side in (("ingress", "from"), ("egress", "to")):
        if dice.random() < 0.6:
            spec[direction] = [rule(dice, side) for _ in range(dice.randint(0, 3))]
        if dice.random() < 0.25:
            spec[f"{direction}Deny"] = [rule(dice, side, deny=True) for _ in range(dice.randint(1, 2))]
    if not any(spec.get(field) for field in ("ingress", "egress", "ingressDeny", "egressDeny")):
        spec["ingress"] = [{}]
    if dice.random() < 0.3:
        spec["enableDefaultDeny"] = {
            dice.choice(("ingress", "egress")): dice.random() < 0.3 for _ in range(dice.randint(1, 2))
        }
    metadata = {"name": name, **({"namespace": dice.choice(NAMESPACES)} if namespaced else {})}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy" if namespaced else "CiliumClusterwideNetworkPolicy",
        "metadata": metadata,
        **({"specs": [spec]} if dice.random() < 0.2 else {"spec": spec}),
    }


def cilium_cluster(dice, pods=8, policies=5):
    """A cluster with policies of Kubernetes and of Cilium."""
    objects = random_cluster(dice, pods=pods, policies=2, cluster_policies=0)
    return objects + [policy(dice, f"cil{number}") for number in range(policies)]


__all__ = ["PORTS", "cilium_cluster", "policy"]
