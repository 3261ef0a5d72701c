"""Names through a firewall: the first rule by priority, network rules before application rules, else denied."""

from __future__ import annotations

import ipaddress

import pytest

from seawall.network.firewall import covers, read_firewalls

CALLER = ipaddress.ip_address("10.1.0.4")


def rule(name, *names, kind="ApplicationRule", **more):
    field = "targetFqdns" if kind == "ApplicationRule" else "destinationFqdns"
    ports = {"protocols": [{"port": 443}]} if kind == "ApplicationRule" else {"destinationPorts": ["443"]}
    return {"name": name, "ruleType": kind, field: list(names), **ports, **more}


def policy(*collections, group=100):
    return [
        {
            "type": "Microsoft.Network/azureFirewalls",
            "id": "/fw",
            "properties": {
                "firewallPolicy": {"id": "/P"},
                "ipConfigurations": [{"properties": {"privateIPAddress": "10.1.9.4"}}],
            },
        },
        {
            "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
            "id": "/p/ruleCollectionGroups/g",
            "properties": {
                "priority": group,
                "ruleCollections": [
                    {"priority": number, "action": {"type": action}, "rules": list(rules)}
                    for number, action, *rules in collections
                ],
            },
        },
    ]


@pytest.mark.parametrize(
    ("collections", "expected"),
    [
        ([], (False, "")),
        ([(100, "Allow", rule("a", "mcr.microsoft.com"))], (True, "a")),
        ([(100, "Allow", rule("a", "*.microsoft.com"))], (True, "a")),
        ([(200, "Allow", rule("a", "*")), (100, "Deny", rule("d", "*.microsoft.com"))], (False, "d")),
        (
            [
                (100, "Deny", rule("d", "*")),
                (900, "Allow", rule("n", "mcr.microsoft.com", kind="NetworkRule")),
            ],
            (True, "n"),
        ),
        ([(100, "Allow", rule("a", "*", sourceAddresses=["10.2.0.0/16"]))], (False, "")),
        ([(100, "Allow", rule("a", "*", sourceAddresses=["10.1.0.0-10.1.0.9"]))], (True, "a")),
        ([(100, "Allow", rule("a", "*", sourceIpGroups=["/g"]))], (None, "a")),
        ([(100, "Allow", rule("a", fqdnTags=["AzureKubernetesService"]))], (True, "a")),
        ([(100, "Allow", {**rule("a", "*"), "protocols": [{"port": 80}]})], (False, "")),
        (
            [(100, "Allow", {**rule("n", "*", kind="NetworkRule"), "destinationPorts": ["1-65535", "x"]})],
            (True, "n"),
        ),
        (
            [(100, "Allow", {**rule("n", "*", kind="NetworkRule"), "destinationPorts": ["9" * 40]})],
            (False, ""),
        ),
    ],
)
def test_names_through_a_policy(collections, expected):
    (firewall,) = read_firewalls(policy(*collections))
    assert firewall.allows(CALLER, "mcr.microsoft.com", 443) == expected


def test_a_policy_that_was_not_read_decides_nothing():
    (firewall,) = read_firewalls(policy()[:1])
    assert firewall.allows(CALLER, "mcr.microsoft.com", 443)[0] is None


@pytest.mark.parametrize(
    ("held", "name", "expected"),
    [
        ("*", "x.y", True),
        ("x.y", "X.y", True),
        ("*.y", "x.y", True),
        ("*.y", "*.x.y", True),
        ("*.y", "y", False),
        ("x.y", "*.y", False),
        ("*.x.y", "*.y", False),
    ],
)
def test_one_name_holds_another(held, name, expected):
    assert covers(held, name) is expected
