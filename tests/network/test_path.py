"""The whole way of a packet: load balancer, groups, node, policies, routes; each stop with what decided."""

from __future__ import annotations

import copy

import pytest

from seawall.network.ask import read_end, read_target
from seawall.network.estate import read_estate
from seawall.network.policies import PolicyWorld
from seawall.network.trace import explain
from seawall.snapshot import AzureResource, KubernetesObject, Origin, Snapshot

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
    "status": {"podIP": "10.244.0.9", "hostIP": "10.1.0.4"},
}
NODES = [
    {
        "kind": "Node",
        "metadata": {"name": f"n{n}"},
        "status": {"addresses": [{"type": "InternalIP", "address": f"10.1.0.{n}"}]},
    }
    for n in (4, 5)
]
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "type": "LoadBalancer",
        "selector": {"app": "web"},
        "ports": [{"port": 443, "targetPort": "http", "nodePort": 30443}],
    },
    "status": {"loadBalancer": {"ingress": [{"ip": "20.1.2.3"}]}},
}
CLUSTER = {
    "type": "microsoft.containerservice/managedclusters",
    "id": "/aks",
    "name": "aks",
    "resourceGroup": "rg",
    "properties": {
        "nodeResourceGroup": "mc_rg",
        "networkProfile": {
            "networkPlugin": "azure",
            "networkPluginMode": "overlay",
            "podCidr": "10.244.0.0/16",
        },
        "agentPoolProfiles": [{"name": "p", "count": 2, "vnetSubnetID": "/vnet/n"}],
    },
}
VNET = {
    "type": "microsoft.network/virtualnetworks",
    "id": "/vnet",
    "name": "vnet",
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "subnets": [
            {
                "id": "/vnet/n",
                "name": "n",
                "properties": {
                    "addressPrefix": "10.1.0.0/24",
                    "networkSecurityGroup": {"id": "/nsg"},
                    "routeTable": {"id": "/rt"},
                },
            }
        ],
    },
}


def group(*rules):
    return {
        "type": "microsoft.network/networksecuritygroups",
        "id": "/nsg",
        "name": "mine",
        "resourceGroup": "rg",
        "properties": {"securityRules": list(rules)},
    }


def rule(name, priority, access="Allow", direction="Inbound", **fields):
    body = {
        "priority": priority,
        "access": access,
        "direction": direction,
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
    }
    return {"name": name, "properties": {**body, **fields}}


def table(*routes):
    return {
        "type": "microsoft.network/routetables",
        "id": "/rt",
        "name": "rt",
        "properties": {
            "routes": [
                {
                    "name": name,
                    "properties": {"addressPrefix": prefix, "nextHopType": kind, "nextHopIpAddress": hop},
                }
                for name, prefix, kind, hop in routes
            ]
        },
    }


def policy(**spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"podSelector": {}, **spec},
    }


def ask(source, target, port=443, objects=(), resources=(), protocol="TCP", edits=False):
    everything = [POD, *NODES, *objects]
    snapshot = Snapshot(
        objects=tuple(KubernetesObject(raw, Origin("objects.yaml")) for raw in everything),
        resources=tuple(AzureResource(row, Origin("azure.json")) for row in resources),
    )
    world = PolicyWorld(read_estate(everything))
    return explain(
        snapshot, world, read_end(source, world), read_target(target, world), protocol, port, edits=edits
    )


def stops(answer):
    return [(item["stop"], item["verdict"]) for item in answer["path"]]


BASE = (CLUSTER, VNET, table())


def test_from_the_internet_by_every_stop_to_the_pod():
    web = rule("web", 200, sourceAddressPrefix="Internet", destinationAddressPrefix="20.1.2.3")
    answer = ask("8.8.8.8", "svc/shop/web", objects=[SERVICE], resources=[*BASE, group(web)])
    assert stops(answer) == [
        ("load balancer", "allow"),
        ("subnet group", "allow"),
        ("NIC group", "allow"),
        ("node", "allow"),
        ("policies, egress", "allow"),
        ("policies, ingress", "allow"),
    ]
    assert answer["verdict"] == "allow"
    assert "k8s-azure-lb_allow_IPv4_" in answer["path"][2]["why"]


def test_aks_opened_it_and_the_group_of_the_subnet_still_denies():
    answer = ask("8.8.8.8", "svc/shop/web", objects=[SERVICE], resources=[*BASE, group()])
    assert answer["verdict"] == "deny"
    assert answer["path"][1]["why"] == "mine: DenyAllInBound (65500)"
    assert answer["path"][2]["verdict"] == "allow"


def test_a_client_address_is_lost_on_the_way_to_a_policy():
    allow = policy(ingress=[{"from": [{"ipBlock": {"cidr": "8.8.8.0/24"}}]}])
    web = group(rule("web", 200, sourceAddressPrefix="Internet"))
    local = copy.deepcopy(SERVICE)
    local["spec"]["externalTrafficPolicy"] = "Local"
    assert (
        ask("8.8.8.8", "svc/shop/web", objects=[SERVICE, allow], resources=[*BASE, web])["verdict"] == "deny"
    )
    assert (
        ask("8.8.8.8", "svc/shop/web", objects=[local, allow], resources=[*BASE, web])["verdict"] == "allow"
    )


def test_the_policy_is_asked_about_the_port_of_the_pod():
    allow = policy(ingress=[{"ports": [{"port": 8080}]}])
    web = group(rule("web", 200, sourceAddressPrefix="Internet"))
    assert (
        ask("8.8.8.8", "svc/shop/web", objects=[SERVICE, allow], resources=[*BASE, web])["verdict"] == "allow"
    )


@pytest.mark.parametrize(
    ("change", "source", "first"),
    [
        ({"type": "ClusterIP"}, "8.8.8.8", ("load balancer", "deny")),
        ({"ports": [{"port": 80}]}, "8.8.8.8", ("service", "deny")),
        ({"selector": {"app": "none"}}, "8.8.8.8", ("service", "deny")),
        ({"loadBalancerSourceRanges": ["203.0.113.0/24"]}, "8.8.8.8", ("load balancer", "allow")),
    ],
)
def test_services_that_lead_nowhere(change, source, first):
    service = {**SERVICE, "spec": {**SERVICE["spec"], **change}}
    web = group(rule("web", 200, sourceAddressPrefix="Internet"))
    answer = ask(source, "svc/shop/web", objects=[service], resources=[*BASE, web])
    assert answer["verdict"] == "deny"
    assert stops(answer)[0] == first


def test_an_internal_load_balancer_takes_the_network_alone():
    internal = copy.deepcopy(SERVICE)
    internal["metadata"]["annotations"] = {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
    internal["status"] = {"loadBalancer": {"ingress": [{"ip": "10.1.0.100"}]}}
    resources = [*BASE, group()]
    assert ask("8.8.8.8", "svc/shop/web", objects=[internal], resources=resources)["verdict"] == "deny"
    assert ask("10.1.7.7", "svc/shop/web", objects=[internal], resources=resources)["verdict"] == "allow"


@pytest.mark.parametrize(
    ("routes", "verdict", "words"),
    [
        ((), "allow", "to the Internet by loadBalancer"),
        ((("drop", "0.0.0.0/0", "None", ""),), "deny", "route drop drops"),
        ((("fw", "0.0.0.0/0", "VirtualAppliance", "10.9.0.1"),), "unknown", "10.9.0.1"),
        (
            (("fw", "0.0.0.0/0", "VirtualAppliance", "10.9.0.1"), ("x", "8.8.8.8/32", "Internet", "")),
            "allow",
            "route x",
        ),
    ],
)
def test_out_again_by_the_longest_route(routes, verdict, words):
    answer = ask("shop/web", "8.8.8.8", resources=[CLUSTER, VNET, table(*routes), group()])
    assert answer["verdict"] == verdict
    assert any(words in item["why"] for item in answer["path"])


def test_no_outbound_type_no_internet():
    none = copy.deepcopy(CLUSTER)
    none["properties"]["networkProfile"]["outboundType"] = "none"
    answer = ask("shop/web", "8.8.8.8", resources=[none, VNET, table(), group()])
    assert answer["verdict"] == "deny"


def test_a_group_that_denies_everything_does_not_keep_the_metadata_service_out():
    shut = group(rule("shut", 100, "Deny", "Outbound"))
    assert ask("shop/web", "imds", 80, resources=[*BASE, shut])["verdict"] == "allow"
    assert ask("shop/web", "8.8.8.8", resources=[*BASE, shut])["verdict"] == "deny"
    named = group(rule("imds", 100, "Deny", "Outbound", destinationAddressPrefix="AzurePlatformIMDS"))
    assert ask("shop/web", "imds", 80, resources=[*BASE, named])["verdict"] == "deny"


def test_pods_of_two_nodes_pass_the_groups_of_both_sides():
    other = copy.deepcopy(POD)
    other["metadata"]["name"] = "api"
    other["status"] = {"podIP": "10.244.1.9", "hostIP": "10.1.0.5"}
    shut = group(rule("shut", 100, "Deny", destinationPortRange="443"))
    answer = ask("shop/web", "shop/api", objects=[other], resources=[*BASE, shut])
    assert ("subnet group, inbound", "deny") in stops(answer)
    near = copy.deepcopy(other)
    near["status"]["hostIP"] = "10.1.0.4"
    assert ask("shop/web", "shop/api", objects=[near], resources=[*BASE, shut])["verdict"] == "allow"


def test_a_private_pod_is_not_called_from_the_internet_directly():
    answer = ask("8.8.8.8", "shop/web", resources=[*BASE, group(rule("all", 100))])
    assert stops(answer)[0] == ("address", "deny")


def test_without_azure_the_policies_alone_are_asked():
    assert stops(ask("8.8.8.8", "shop/web")) == [
        ("policies, egress", "allow"),
        ("policies, ingress", "allow"),
    ]


def test_what_was_not_read_is_unknown():
    bare = copy.deepcopy(POD)
    bare["metadata"]["name"] = "bare"
    bare["status"] = {}
    answer = ask("shop/bare", "8.8.8.8", objects=[bare], resources=[*BASE, group()])
    assert answer["verdict"] == "unknown"


def with_rule(row, added):
    changed = copy.deepcopy(row)
    changed["properties"]["securityRules"].append(added)
    return changed


def test_a_group_that_denies_is_opened_by_a_rule_for_this_flow_alone():
    """The rule, put into the group, lets this address in and no other: applied and asked again."""
    shut = group(rule("shut", 200, "Deny", destinationPortRange="443"))
    answer = ask("8.8.8.8", "svc/shop/web", objects=[SERVICE], resources=[*BASE, shut], edits=True)
    (edit,) = answer["proposal"]["edits"]
    assert edit["rule"]["properties"]["priority"] == 199
    opened = with_rule(shut, edit["rule"])
    assert ask("8.8.8.8", "svc/shop/web", objects=[SERVICE], resources=[*BASE, opened])["verdict"] == "allow"
    assert ask("8.8.4.4", "svc/shop/web", objects=[SERVICE], resources=[*BASE, opened])["verdict"] == "deny"


def test_a_group_and_a_policy_that_both_deny_are_both_opened():
    local = copy.deepcopy(SERVICE)
    local["spec"]["externalTrafficPolicy"] = "Local"
    answer = ask("8.8.8.8", "svc/shop/web", objects=[local, policy()], resources=[*BASE, group()], edits=True)
    first, second = answer["proposal"]["edits"]
    objects = [local, policy(), second["policy"]] if second["new"] else [local, second["policy"]]
    resources = [*BASE, with_rule(group(), first["rule"])]
    assert ask("8.8.8.8", "svc/shop/web", objects=objects, resources=resources)["verdict"] == "allow"


def test_nothing_is_proposed_where_no_priority_is_left_or_a_route_drops():
    first = group(rule("first", 100, "Deny"))
    assert (
        ask("8.8.8.8", "svc/shop/web", objects=[SERVICE], resources=[*BASE, first], edits=True)["proposal"]
        is None
    )
    drop = table(("drop", "0.0.0.0/0", "None", ""))
    answer = ask("shop/web", "8.8.8.8", resources=[CLUSTER, VNET, drop, group()], edits=True)
    assert answer["proposal"] is None


TAGS = {
    "type": "Microsoft.Network/serviceTags",
    "id": "/tags",
    "name": "public",
    "values": [
        {"name": "Storage", "properties": {"addressPrefixes": ["20.60.0.0/16"]}},
        {"name": "Storage.WestEurope", "properties": {"addressPrefixes": ["20.60.0.0/16"]}},
        {"name": "AzureCloud", "properties": {"addressPrefixes": ["20.0.0.0/8", "20.60.0.0/16"]}},
    ],
}
DROP, NEXT = "None", "Internet"


@pytest.mark.parametrize(
    ("routes", "tags", "verdict", "word"),
    [
        ([("s", "Storage", DROP, "")], [TAGS], "deny", "route s drops Storage"),
        ([("s", "Sql", DROP, "")], [TAGS], "unknown", "nobody said what it holds"),
        ([("s", "Storage", DROP, "")], [], "unknown", "az network list-service-tags"),
        ([("s", "Storage", DROP, ""), ("all", "0.0.0.0/0", NEXT, "")], [TAGS], "deny", "route s"),
        ([("s", "Storage", DROP, ""), ("ip", "20.60.0.0/16", NEXT, "")], [TAGS], "allow", "route ip"),
        ([("s", "Storage", DROP, ""), ("r", "Storage.WestEurope", NEXT, "")], [TAGS], "allow", "route r"),
        ([("c", "AzureCloud", DROP, ""), ("s", "Storage", NEXT, "")], [TAGS], "allow", "route s"),
        ([("s", "Sql", DROP, ""), ("ip", "20.60.1.1/32", NEXT, "")], [], "allow", "route ip"),
    ],
    ids=[
        "a tag that was read",
        "one that was not",
        "none was read",
        "narrower than everything",
        "a written prefix before an equal one of a tag",
        "a regional tag before the global one",
        "AzureCloud last",
        "no tag is narrower than one address",
    ],
)
def test_routes_by_service_tag(routes, tags, verdict, word):
    """azure-docs virtual-networks-udr-overview: the longest prefix, and among equal ones the written before tags."""
    answer = ask("shop/web", "20.60.1.1", resources=[CLUSTER, VNET, table(*routes), group(), *tags])
    route = next(item for item in answer["path"] if item["stop"] == "route")
    assert route["verdict"] == verdict
    assert word in route["why"]


def test_a_tag_that_was_read_decides_in_a_group_too():
    deny = rule("no", 200, "Deny", "Outbound", destinationAddressPrefix="Storage")
    assert ask("shop/web", "20.60.1.1", resources=[*BASE, group(deny), TAGS])["verdict"] == "deny"
    assert ask("shop/web", "20.61.1.1", resources=[*BASE, group(deny), TAGS])["verdict"] == "allow"
    assert ask("shop/web", "20.60.1.1", resources=[*BASE, group(deny)])["verdict"] == "unknown"


def endpoints(policies):
    network = copy.deepcopy(VNET)
    body = {"addressPrefix": "10.1.9.0/24", "networkSecurityGroup": {"id": "/closed"}}
    if policies:
        body["privateEndpointNetworkPolicies"] = policies
    network["properties"]["subnets"].append({"id": "/vnet/pe", "name": "pe", "properties": body})
    closed = {**group(rule("no", 200, "Deny")), "id": "/closed", "name": "closed"}
    endpoint = {
        "type": "Microsoft.Network/privateEndpoints",
        "id": "/pe",
        "name": "pe",
        "properties": {"customDnsConfigs": [{"fqdn": "x.vault.azure.net", "ipAddresses": ["10.1.9.5"]}]},
    }
    return [CLUSTER, network, group(), closed, endpoint]


@pytest.mark.parametrize(
    ("policies", "target", "verdict"),
    [
        (None, "10.1.9.5", "allow"),
        ("Disabled", "10.1.9.5", "allow"),
        ("RouteTableEnabled", "10.1.9.5", "allow"),
        ("NetworkSecurityGroupEnabled", "10.1.9.5", "deny"),
        ("Enabled", "10.1.9.5", "deny"),
        ("Disabled", "10.1.9.6", "deny"),
    ],
)
def test_groups_hold_for_private_endpoints_only_where_their_subnet_says_so(policies, target, verdict):
    """Specs b9. What is no private endpoint in the same subnet has the group before it all the same."""
    assert ask("shop/web", target, resources=[*endpoints(policies), table()])["verdict"] == verdict


@pytest.mark.parametrize(("policies", "verdict"), [("Disabled", "allow"), ("RouteTableEnabled", "deny")])
def test_routes_hold_for_private_endpoints_only_where_their_subnet_says_so(policies, verdict):
    dropped = table(("no", "10.1.9.0/24", DROP, ""))
    assert ask("shop/web", "10.1.9.5", resources=[*endpoints(policies), dropped])["verdict"] == verdict


def managed(rule_access, members):
    base = "/nm/securityAdminConfigurations/c/ruleCollections/rc"
    kind = "Microsoft.Network/networkManagers/"
    rows = [
        {
            "type": f"{kind}securityAdminConfigurations/ruleCollections",
            "id": base,
            "properties": {"appliesToGroups": [{"networkGroupId": "/nm/networkGroups/g"}]},
        },
        {
            "type": f"{kind}securityAdminConfigurations/ruleCollections/rules",
            "id": f"{base}/rules/r",
            "name": "r",
            "properties": {"access": rule_access, "direction": "Outbound", "priority": 1, "protocol": "Any"},
        },
    ]
    return rows + [
        {
            "type": f"{kind}networkGroups/staticMembers",
            "id": f"/nm/networkGroups/g/staticMembers/{number}",
            "properties": {"resourceId": vnet},
        }
        for number, vnet in enumerate(members)
    ]


@pytest.mark.parametrize(
    ("members", "verdict"), [(["/vnet"], "deny"), (["/VNET"], "deny"), (["/other"], "allow"), ([], "unknown")]
)
def test_security_admin_rules_are_of_the_networks_in_their_groups(members, verdict):
    """A group without a member that was read may have some by a policy: that is not guessed."""
    answer = ask("shop/web", "8.8.8.8", resources=[*BASE, group(), *managed("Deny", members)])
    assert answer["verdict"] == verdict


def test_what_no_policy_can_close_a_group_closes_and_it_is_asked_again():
    agent = {**POD, "metadata": {"name": "agent", "namespace": "shop"}, "spec": {"hostNetwork": True}}
    resources = [*BASE, group()]
    answer = ask("shop/agent", "8.8.8.8", objects=[agent], resources=resources, edits=True)
    assert answer["verdict"] == "allow"
    (edit,) = answer["proposal"]["edits"]
    assert edit["group"] == "/nsg"
    closed = [*BASE, group(edit["rule"])]
    assert ask("shop/agent", "8.8.8.8", objects=[agent], resources=closed)["verdict"] == "deny"
    assert ask("shop/agent", "8.8.4.4", objects=[agent], resources=closed)["verdict"] == "allow"


def test_the_metadata_endpoint_is_closed_at_a_group_by_its_tag():
    agent = {**POD, "metadata": {"name": "agent", "namespace": "shop"}, "spec": {"hostNetwork": True}}
    answer = ask("shop/agent", "imds", port=80, objects=[agent], resources=[*BASE, group()], edits=True)
    (edit,) = answer["proposal"]["edits"]
    assert edit["rule"]["properties"]["destinationAddressPrefix"] == "AzurePlatformIMDS"
    closed = [*BASE, group(edit["rule"])]
    assert ask("shop/agent", "imds", port=80, objects=[agent], resources=closed)["verdict"] == "deny"


def test_the_tag_virtualnetwork_holds_the_prefixes_of_routes():
    """On-premises addresses behind an appliance are VirtualNetwork to a group (specs b6); a default route is not."""
    agent = {**POD, "metadata": {"name": "agent", "namespace": "shop"}, "spec": {"hostNetwork": True}}
    premises = table(("on-premises", "192.168.0.0/16", "VirtualAppliance", "10.1.0.200"))
    everything = table(("all", "0.0.0.0/0", "VirtualAppliance", "10.1.0.200"))
    asked = {"objects": [agent], "port": 22}
    for routes, verdict in ((premises, "allow"), (table(), "deny"), (everything, "deny")):
        answer = ask("192.168.1.1", "10.1.0.4", **asked, resources=[CLUSTER, VNET, routes, group()])
        assert (
            next(item for item in answer["path"] if item["stop"].startswith("subnet group"))["verdict"]
            == verdict
        )
