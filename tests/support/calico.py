"""Random Calico policies over the clusters of `support.network`."""

from __future__ import annotations

from support.network import BLOCKS, KEYS, NAMESPACES, labels, random_cluster

TIERS = ("default", "ops", "late")
ACCOUNTS = ("default", "robot")


def term(dice):
    key = dice.choice(list(KEYS))
    value = dice.choice((*KEYS[key], "none"))
    return dice.choice(
        (
            f"{key} == '{value}'",
            f'{key} != "{value}"',
            f"has({key})",
            f"!has({key})",
            f"{key} in {{'{value}', '{KEYS[key][0]}'}}",
            f"{key} not in {{'{value}'}}",
            f"{key} contains '{value[:1]}'",
            f"{key} starts with '{value[:1]}'",
            f"{key} ends with '{value[-1:]}'",
            "all()",
        )
    )


def selector(dice):
    if dice.random() < 0.5:
        return term(dice)
    joined = f" {dice.choice(('&&', '||'))} ".join(term(dice) for _ in range(2))
    return dice.choice((joined, f"!({joined})", f"({joined}) && {term(dice)}"))


def space_selector(dice):
    return dice.choice(
        (selector(dice), "all()", "global()", f"projectcalico.org/name == '{dice.choice(NAMESPACES)}'")
    )


def entity(dice, *, ports, nets):
    found = {}
    if dice.random() < 0.4:
        found["selector"] = selector(dice)
    if dice.random() < 0.3:
        found["namespaceSelector"] = space_selector(dice)
    if dice.random() < 0.15:
        found["notSelector"] = selector(dice)
    if dice.random() < 0.15:
        found["serviceAccounts"] = dice.choice(
            ({"names": [dice.choice(ACCOUNTS)]}, {"selector": "role == 'r1'"}, {"selector": "!has(role)"})
        )
    if nets and dice.random() < 0.25:
        found["nets"] = dice.sample(nets, 1)
    if nets and dice.random() < 0.2:
        found["notNets"] = dice.sample(nets, 1)
    if ports and dice.random() < 0.5:
        found["ports"] = [dice.choice((80, 443, "50:90", "http", "53")) for _ in range(2)]
    if ports and dice.random() < 0.2:
        found["notPorts"] = [dice.choice((80, "http", "79:85"))]
    return found


def rule(dice):
    found = {"action": dice.choice(("Allow", "Allow", "Deny", "Pass", "Log"))}
    roll = dice.random()
    ports = False
    if roll < 0.5:
        found["protocol"] = dice.choice(("TCP", "UDP", "SCTP", 6, 17))
        ports = True
    elif roll < 0.65:
        found["protocol"] = dice.choice(("ICMP", "UDPLite", 47))
        if found["protocol"] == "ICMP" and dice.random() < 0.6:
            found[dice.choice(("icmp", "notICMP"))] = dice.choice(
                ({"type": 8}, {"type": 8, "code": 0}, {"type": 3})
            )
    elif roll < 0.75:
        found["notProtocol"] = dice.choice(("TCP", "UDP", "ICMP"))
    family = [item for item in BLOCKS if (":" in item) == (dice.random() < 0.2)]
    nets = [item for item in BLOCKS if (":" in item) == (":" in dice.choice(family or BLOCKS))]
    for field in ("source", "destination"):
        if dice.random() < 0.6:
            found[field] = entity(dice, ports=ports and field == "destination", nets=nets)
    return found


def policy(dice, name):
    namespaced = dice.random() < 0.5
    metadata = {"name": name, **({"namespace": dice.choice(NAMESPACES)} if namespaced else {})}
    spec = {"tier": dice.choice(TIERS)}
    if dice.random() < 0.8:
        spec["order"] = dice.choice((1, 5.5, 1000, 2000))
    if dice.random() < 0.7:
        spec["selector"] = selector(dice)
    if not namespaced and dice.random() < 0.3:
        spec["namespaceSelector"] = dice.choice((selector(dice), "all()"))
    if dice.random() < 0.15:
        spec["serviceAccountSelector"] = "role == 'r1'"
    if dice.random() < 0.6:
        spec["types"] = dice.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    for direction in ("ingress", "egress"):
        if dice.random() < 0.6:
            spec[direction] = [rule(dice) for _ in range(dice.randint(0, 3))]
    return {
        "apiVersion": dice.choice(("projectcalico.org/v3", "crd.projectcalico.org/v1")),
        "kind": "NetworkPolicy" if namespaced else "GlobalNetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


def calico_cluster(dice, pods=8, policies=6):
    """A cluster with policies of Kubernetes and of Calico, tiers, sets and accounts."""
    objects = random_cluster(dice, pods=pods, policies=2, cluster_policies=1)
    for item in objects:
        if item["kind"] == "Pod":
            item["spec"]["serviceAccountName"] = dice.choice(ACCOUNTS)
    api = {"apiVersion": "projectcalico.org/v3"}
    objects += [
        {
            **api,
            "kind": "Tier",
            "metadata": {"name": "ops"},
            "spec": {"order": 10, "defaultAction": dice.choice(("Pass", "Deny"))},
        },
        {**api, "kind": "Tier", "metadata": {"name": "late"}, "spec": {}},
        {
            **api,
            "kind": "GlobalNetworkSet",
            "metadata": {"name": "gs", "labels": labels(dice)},
            "spec": {"nets": ["203.0.113.0/24"]},
        },
        {
            **api,
            "kind": "NetworkSet",
            "metadata": {"name": "s", "namespace": "a", "labels": labels(dice)},
            "spec": {"nets": ["198.51.100.1", "10.0.2.0/24"]},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "robot", "namespace": "a", "labels": {"role": "r1"}},
        },
    ]
    return objects + [policy(dice, f"cal{number}") for number in range(policies)]
