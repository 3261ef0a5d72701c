"""Network security groups, by the rules of azure-docs network-security-groups-overview and how-it-works."""

from __future__ import annotations

import pytest

from seawall.core import EngineOptions, InputError
from seawall.network.decide import engine

VNET = {
    "type": "Microsoft.Network/virtualNetworks",
    "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}},
}


def rule(name, priority, access="Allow", direction="Inbound", **fields):
    properties = {
        "priority": priority,
        "access": access,
        "direction": direction,
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "443",
    }
    return {"name": name, "properties": {**properties, **fields}}


def group(*rules, name="nsg", subnet=True):
    attached = {"subnets": [{"id": "s"}]} if subnet else {"networkInterfaces": [{"id": "n"}]}
    return {
        "type": "Microsoft.Network/networkSecurityGroups",
        "name": name,
        "properties": {"securityRules": list(rules), **attached},
    }


def ask(groups, source="203.0.113.9", destination="10.1.0.4", port=443, direction="Inbound", protocol="Tcp"):
    decide = engine("nsg", EngineOptions())
    decide.load({"objects": [*groups, VNET]})
    return decide.answer(
        {
            "direction": direction,
            "protocol": protocol,
            "source": source,
            "sourcePort": 50_000,
            "destination": destination,
            "destinationPort": port,
        }
    )


def deciding(answer):
    return [(stop["rule"], stop["verdict"]) for stop in answer["stops"]]


@pytest.mark.parametrize(
    ("source", "destination", "direction", "expected"),
    [
        ("203.0.113.9", "10.1.0.4", "Inbound", ("DenyAllInBound", "deny")),
        ("10.1.0.9", "10.1.0.4", "Inbound", ("AllowVnetInBound", "allow")),
        ("10.2.0.9", "10.1.0.4", "Inbound", ("DenyAllInBound", "deny")),
        ("168.63.129.16", "10.1.0.4", "Inbound", ("AllowVnetInBound", "allow")),
        ("10.1.0.4", "203.0.113.9", "Outbound", ("AllowInternetOutBound", "allow")),
        ("10.1.0.4", "10.1.0.9", "Outbound", ("AllowVnetOutBound", "allow")),
    ],
)
def test_the_rules_that_every_group_ends_with(source, destination, direction, expected):
    answer = ask([group()], source, destination, direction=direction)
    assert deciding(answer) == [expected]


def test_the_lowest_number_decides_whatever_the_order_in_the_file():
    answer = ask([group(rule("deny", 300, "Deny"), rule("allow", 200))])
    assert deciding(answer) == [("allow", "allow")]


def test_both_levels_must_allow_inbound_the_subnet_comes_first_outbound_the_nic():
    groups = [group(rule("open", 100), name="nic", subnet=False), group(name="subnet")]
    answer = ask(groups)
    assert answer["verdict"] == "deny"
    assert [stop["nsg"] for stop in answer["stops"]] == ["subnet", "nic"]
    out = ask(groups, "10.1.0.4", "203.0.113.9", direction="Outbound")
    assert [stop["nsg"] for stop in out["stops"]] == ["nic", "subnet"]


@pytest.mark.parametrize(
    ("fields", "port", "verdict"),
    [
        ({"destinationPortRange": "1000-2000"}, 2000, "allow"),
        ({"destinationPortRange": "1000-2000"}, 2001, "deny"),
        ({"destinationPortRange": "", "destinationPortRanges": ["80", "443"]}, 443, "allow"),
        ({"destinationPortRange": "80", "destinationPortRanges": ["443"]}, 80, "allow"),
        ({"sourceAddressPrefix": "Internet"}, 443, "allow"),
        ({"sourceAddressPrefix": "VirtualNetwork"}, 443, "deny"),
        ({"sourceAddressPrefix": "203.0.113.0/24"}, 443, "allow"),
        (
            {"sourceAddressPrefix": "", "sourceAddressPrefixes": ["198.51.100.0/24", "203.0.113.9"]},
            443,
            "allow",
        ),
        ({"protocol": "Udp"}, 443, "deny"),
        ({"protocol": "*"}, 443, "allow"),
        ({"sourcePortRange": "80"}, 443, "deny"),
        ({"sourceAddressPrefix": "Storage.WestEurope"}, 443, "unknown"),
    ],
)
def test_fields_of_a_rule(fields, port, verdict):
    assert ask([group(rule("r", 100, **fields))], port=port)["verdict"] == verdict


@pytest.mark.parametrize(
    ("prefix", "verdict"), [("*", "allow"), ("Internet", "allow"), ("AzurePlatformIMDS", "deny")]
)
def test_the_metadata_endpoint_is_held_back_by_its_own_tag_only(prefix, verdict):
    block = rule("block", 100, "Deny", "Outbound", destinationAddressPrefix=prefix, destinationPortRange="*")
    answer = ask([group(block)], "10.1.0.4", "169.254.169.254", 80, "Outbound")
    assert answer["verdict"] == verdict


def test_icmp_has_no_ports():
    answer = ask(
        [group(rule("ping", 100, protocol="Icmp", destinationPortRange="*"))], port=None, protocol="Icmp"
    )
    assert answer["verdict"] == "allow"


@pytest.mark.parametrize("fields", [{"priority": "high"}, {"direction": "Sideways"}, {"access": "Maybe"}])
def test_a_rule_that_is_none_is_named(fields):
    with pytest.raises(InputError, match="securityRules"):
        ask([group(rule("r", 100) | {"properties": {**rule("r", 100)["properties"], **fields}})])


def nic(name, address, *groups):
    inner = {
        "privateIPAddress": address,
        "applicationSecurityGroups": [{"id": f"/asg/{item}"} for item in groups],
    }
    return {
        "type": "Microsoft.Network/networkInterfaces",
        "id": f"/nic/{name}",
        "name": name,
        "properties": {"ipConfigurations": [{"properties": inner}]},
    }


@pytest.mark.parametrize(
    ("source", "destination", "verdict"),
    [("10.1.0.9", "10.1.0.4", "allow"), ("10.1.0.8", "10.1.0.4", "deny"), ("10.1.0.9", "10.1.0.5", "deny")],
)
def test_application_security_groups_are_their_interfaces(source, destination, verdict):
    allow = rule(
        "web-to-db",
        200,
        sourceAddressPrefix=None,
        destinationAddressPrefix=None,
        sourceApplicationSecurityGroups=[{"id": "/asg/WEB"}],
        destinationApplicationSecurityGroups=[{"id": "/asg/db"}],
    )
    members = [
        nic("a", "10.1.0.9", "web"),
        nic("b", "10.1.0.4", "db"),
        nic("c", "10.1.0.8"),
        nic("d", "10.1.0.5"),
    ]
    answer = ask([group(allow, rule("rest", 300, "Deny")), *members], source, destination)
    assert answer["verdict"] == verdict


def admin_rule(name, access, priority=10, **fields):
    return {
        "type": "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules",
        "name": name,
        "properties": {
            "access": access,
            "direction": "Inbound",
            "priority": priority,
            "protocol": "Tcp",
            "sources": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
            "destinations": [],
            "sourcePortRanges": ["0-65535"],
            "destinationPortRanges": ["443"],
            **fields,
        },
    }


@pytest.mark.parametrize(
    ("access", "own", "verdict", "stops"),
    [
        ("Deny", "Allow", "deny", 1),
        ("AlwaysAllow", "Deny", "allow", 1),
        ("Allow", "Deny", "deny", 2),
        ("Allow", "Allow", "allow", 2),
    ],
)
def test_security_admin_rules_come_first(access, own, verdict, stops):
    """Allow leaves the word to the groups, AlwaysAllow and Deny do not (azure-docs security-admin rules)."""
    answer = ask([group(rule("mine", 200, own)), admin_rule("global", access)])
    assert (answer["verdict"], len(answer["stops"])) == (verdict, stops)
    assert answer["stops"][0]["nsg"] == "security-admin"


def test_a_group_that_hangs_on_another_subnet_is_not_met():
    net = {
        "type": "Microsoft.Network/virtualNetworks",
        "id": "/v",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
            "subnets": [
                {"id": "/v/one", "properties": {"addressPrefix": "10.1.0.0/24"}},
                {"id": "/v/two", "properties": {"addressPrefix": "10.1.1.0/24"}},
            ],
        },
    }
    other = group(rule("no", 200, "Deny"), name="other")
    other["properties"]["subnets"] = [{"id": "/v/two"}]
    mine = group(rule("yes", 200), name="mine")
    mine["properties"]["subnets"] = [{"id": "/v/one"}]
    answer = ask([other, mine, net])
    assert [stop["nsg"] for stop in answer["stops"]] == ["mine"]
    assert answer["verdict"] == "allow"
