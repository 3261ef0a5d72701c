"""Many flows at once give the rules that one flow at a time gives."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core import InputError
from seawall.network.nsg import Flow, Topology, decide, read_nsg
from seawall.network.nsg_batch import PROTOCOLS, Batch, Flows
from support.network import dice_of

PREFIXES = ("*", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "10.1.0.0-10.1.0.9", "VirtualNetwork", "Internet",
            "AzureLoadBalancer", "203.0.113.0/24", "0.0.0.0/0", "AzurePlatformIMDS", "fd00::/8")  # fmt: skip
PORTS = ("*", "80", "443", "1000-2000", "0-65535", "22-80")
ENDS = (
    "10.1.2.3",
    "10.1.0.5",
    "10.9.0.1",
    "203.0.113.7",
    "8.8.8.8",
    "168.63.129.16",
    "169.254.169.254",
    "192.168.0.1",
)
TOPOLOGY = Topology(vnet=(ipaddress.ip_network("10.1.0.0/16"),))


def random_group(dice):
    rules = []
    for number in range(dice.randint(1, 90)):
        body = {
            "priority": 100 + number,
            "access": dice.choice(("Allow", "Deny")),
            "direction": dice.choice(("Inbound", "Outbound")),
            "protocol": dice.choice(("*", "Tcp", "Udp", "Icmp", "Esp")),
            "sourceAddressPrefixes": dice.sample(PREFIXES, dice.randint(1, 2)),
            "sourcePortRange": dice.choice(PORTS),
            "destinationAddressPrefixes": dice.sample(PREFIXES, dice.randint(1, 2)),
            "destinationPortRanges": dice.sample(PORTS, dice.randint(1, 2)),
        }
        rules.append({"name": f"r{number}", "properties": body})
    return read_nsg({"name": "nsg", "properties": {"securityRules": rules}})


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from(("inbound", "outbound")))
def test_the_same_rule_decides(seed, direction):
    dice = dice_of(seed)
    nsg = random_group(dice)
    batch = Batch(nsg, direction, TOPOLOGY)
    flows = [
        Flow(direction, protocol, ipaddress.ip_address(dice.choice(ENDS)), dice.choice((80, 1500, 40_000)) if ported else None,
             ipaddress.ip_address(dice.choice(ENDS)), dice.choice((22, 80, 443, 1000, 2001)) if ported else None)
        for protocol in dice.choices(PROTOCOLS, k=40)
        for ported in [protocol in {"tcp", "udp"}]
    ]  # fmt: skip
    columns = Flows(
        *(
            np.array(values, dtype=np.int64)
            for values in zip(
                *(
                    (
                        int(f.source),
                        f.source_port or 0,
                        int(f.destination),
                        f.destination_port or 0,
                        PROTOCOLS.index(f.protocol),
                    )
                    for f in flows
                ),
                strict=True,
            )
        )
    )
    for flow, place in zip(flows, batch.decide(columns, block=7).tolist(), strict=True):
        stop = decide(nsg, flow, TOPOLOGY)
        found = (
            ("", "allow")
            if place < 0
            else (batch.rules[place].name, "allow" if batch.allow[place] else "deny")
        )
        assert found == (stop.rule, stop.verdict), flow


def test_a_tag_that_nobody_explained_is_refused_by_name():
    rule = {
        "name": "front",
        "properties": {"priority": 100, "access": "Allow", "direction": "Inbound", "protocol": "*",
                       "sourceAddressPrefix": "AzureFrontDoor.Backend", "sourcePortRange": "*",
                       "destinationAddressPrefix": "*", "destinationPortRange": "*"},
    }  # fmt: skip
    nsg = read_nsg({"name": "n", "properties": {"securityRules": [rule]}})
    with pytest.raises(InputError, match=r"AzureFrontDoor\.Backend"):
        Batch(nsg, "inbound", TOPOLOGY)
