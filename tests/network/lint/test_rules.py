"""Each rule of the linter by example: what it remarks, with a witness, and the near miss that it leaves alone."""

from __future__ import annotations

import pytest

from seawall.network.estate import read_estate
from seawall.network.lint import View, lint, rule_table

NP = "networking.k8s.io/v1"


def pod(name, namespace="a", spec=None, ip=None, host_ip=None, ports=(), **labels):
    container = {"name": "c", "image": "i", **({"ports": list(ports)} if ports else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [container], **(spec or {})},
        "status": {
            **({"podIP": ip} if ip else {}),
            **({"hostIP": host_ip} if host_ip else {}),
        },
    }


def space(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def np(name="p", namespace="a", selector=None, **spec):
    return {
        "apiVersion": NP,
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": selector or {}, **spec},
    }


def of(**labels):
    return {"matchLabels": labels}


def block(cidr, *excepted):
    return {"ipBlock": {"cidr": cidr, **({"except": list(excepted)} if excepted else {})}}


def into(*peers, ports=None):
    return {"from": list(peers), **({"ports": ports} if ports else {})}


def out(*peers, ports=None):
    return {**({"to": list(peers)} if peers else {}), **({"ports": ports} if ports else {})}


def egress(*rules, **more):
    return np(policyTypes=["Egress"], egress=list(rules), **more)


def cnp(name, priority=5, tier="Admin", kind="ClusterNetworkPolicy", **directions):
    spec = {"priority": priority, "subject": {"namespaces": {}}, **directions}
    if kind == "ClusterNetworkPolicy":
        spec["tier"] = tier
    return {
        "apiVersion": "policy.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def act(action, field="from", peers=({"namespaces": {}},), **more):
    return {"action": action, field: list(peers), **more}


def service(name="s", kind="LoadBalancer", annotations=None, status=None, **spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "a", "annotations": annotations or {}},
        "spec": {"type": kind, "ports": [{"port": 443}], **spec},
        **({"status": status} if status else {}),
    }


def group(*rules, **row):
    return {"type": "Microsoft.Network/networkSecurityGroups", "id": "/nsg", "name": "nsg", **row,
            "properties": {"securityRules": list(rules)}}  # fmt: skip


def rule(name, priority, access="Allow", direction="Inbound", **fields):
    body = {
        "priority": priority, "access": access, "direction": direction, "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": "443",
    }  # fmt: skip
    return {"name": name, "properties": {**body, **fields}}


def vnet(prefix="10.1.0.0/24"):
    return {
        "type": "Microsoft.Network/virtualNetworks",
        "id": "/vnet",
        "name": "vnet",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
            "subnets": [
                {"id": "/vnet/n", "name": "n",
                 "properties": {"addressPrefix": prefix, "networkSecurityGroup": {"id": "/nsg"}}}
            ],
        },
    }  # fmt: skip


def cluster(policy="cilium", count=3, max_pods=30, pools=None, **profile):
    return {
        "type": "Microsoft.ContainerService/managedClusters",
        "id": "/aks",
        "name": "aks",
        "resourceGroup": "rg",
        "properties": {
            "nodeResourceGroup": "MC_rg",
            "networkProfile": {"networkPlugin": "azure", "networkPolicy": policy, **profile},
            "agentPoolProfiles": pools
            or [
                {
                    "name": "p",
                    "count": count,
                    "maxPods": max_pods,
                    "vnetSubnetID": "/vnet/n",
                    "osType": "Linux",
                }
            ],
        },
    }


X, Y, Z = pod("x", app="x"), pod("y", app="y"), pod("z", app="z", tier="back")
DENY = np("deny", policyTypes=["Ingress", "Egress"])
WEB = {"containerPort": 8080, "name": "http"}
IMDS = "169.254.169.254/32"
DNS = pod("dns", "kube-system", **{"k8s-app": "kube-dns"})
UDP53, TCP53 = {"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}
HTTP, HTTPS = [{"port": 80}], [{"port": 443}]
INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "front", "namespace": "a"},
    "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": {"service": {"name": "inner"}}}]}}]},
}
INNER = service("inner", kind="ClusterIP", selector={"app": "x"})
PROBE = rule("probes", 200, sourceAddressPrefix="AzureLoadBalancer", destinationPortRange="*", protocol="*")
MANAGED = rule(
    "k8s-azure-lb_allow_IPv4_bc87afc9aeeece13e643801ad1da615f", 500,
    sourceAddressPrefix="Internet", destinationPortRange=None, destinationPortRanges=["443"],
)  # fmt: skip
CALICO = {
    "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
    "metadata": {"name": "c", "namespace": "a"}, "spec": {},
}  # fmt: skip
PUBLIC_RANGE = {"loadBalancerSourceRanges": ["203.0.113.0/24"]}
_BETA = "service.beta.kubernetes.io/azure-"

# id -> (what it remarks, what it leaves alone); a part is objects, or (objects, resources), or with an engine.
TABLE = {
    "type": "Microsoft.Network/routeTables", "id": "/rt", "name": "rt",
    "properties": {"routes": [{"name": "all", "properties": {
        "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.9.4"}}]},
}  # fmt: skip


def routed():
    made = vnet()
    made["properties"]["subnets"][0]["properties"]["routeTable"] = {"id": "/rt"}
    return made


def firewall(*names, tags=()):
    rule = {"name": "aks", "sourceAddresses": ["10.1.0.0/24"], "targetFqdns": list(names), "fqdnTags": list(tags),
            "protocols": [{"protocolType": "Https", "port": 443}]}  # fmt: skip
    collection = {"name": "c", "properties": {"priority": 100, "action": {"type": "Allow"}, "rules": [rule]}}
    return {
        "type": "Microsoft.Network/azureFirewalls",
        "id": "/fw",
        "name": "fw",
        "properties": {
            "ipConfigurations": [{"properties": {"privateIPAddress": "10.1.9.4"}}],
            "applicationRuleCollections": [collection],
        },
    }


LACKS = {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}


def cal(name, order, action):
    spec = {"order": order, "ingress": [{"action": action}]}
    return {**CALICO, "metadata": {"name": name, "namespace": "a"}, "spec": spec}


def called(name, number):
    return pod(name, ports=[{"name": "http", "containerPort": number}])


CASES = {
    "policy-selects-nothing": ([X, np(selector=of(app="none"))], [X, np(selector=of(app="x"))]),
    "peer-selects-nothing": (
        [X, np(ingress=[into({"podSelector": of(app="q")})])],
        [X, Y, np(ingress=[into({"podSelector": of(app="y")})])],
    ),
    "label-typo": (
        [pod("x", app="frontend"), np(selector=of(app="fronted"))],
        [pod("x", app="frontend"), np(selector=of(app="billing"))],
    ),
    "namespace-unknown": ([X, space("b"), np()], [X, space("a"), np()]),
    "default-deny-missing": ([X, np(selector=of(app="x"))], [X, np()]),
    "egress-default-deny-missing": ([X, np()], [X, DENY]),
    "pod-unprotected": ([X, Y, np(selector=of(app="x"))], [X, Y, np()]),
    "host-network-not-protectable": ([pod("x", spec={"hostNetwork": True}), np()], [X, np()]),
    "policy-redundant": (
        [X, Y, np("one"), np("two")],
        [X, Y, np("one"), np("two", selector=of(app="x"), ingress=[into({"podSelector": of(app="y")})])],
    ),
    "rule-redundant": (
        [X, Y, np(ingress=[into({"podSelector": {}}), into({"podSelector": of(app="y")}, ports=HTTP)])],
        [X, Y, np(ingress=[into({"podSelector": of(app="x")}), into({"podSelector": of(app="y")}, ports=HTTP)])],
    ),
    "rule-shadowed": (
        [X, Y, cnp("c", ingress=[act("Deny"), act("Accept")])],
        [X, Y, cnp("c", ingress=[act("Accept", protocols=[{"tcp": {"destinationPort": {"number": 80}}}]), act("Deny")])],
    ),
    "rule-allows-everything": ([X, np(ingress=[{}])], [X, np(ingress=[{"ports": HTTP}])]),
    "ingress-from-everywhere": (
        [X, np(ingress=[into(block("0.0.0.0/0"))])],
        [X, np(ingress=[into(block("10.0.0.0/8"))])],
    ),
    "egress-to-everywhere": ([X, egress(out(block("0.0.0.0/0")))], [X, egress(out(block("0.0.0.0/0"), ports=HTTPS))]),
    "cidr-host-bits": ([X, egress(out(block("10.10.0.0/0", IMDS)))], [X, egress(out(block("0.0.0.0/0", IMDS)))]),
    "policy-refused": (
        [X, egress(out(block("10.10.0.0/0#example", IMDS)))],
        [X, egress(out(block("10.10.0.0/16")))],
    ),
    "except-outside-cidr": (
        [X, egress(out(block("10.0.0.0/8", "192.168.0.0/16")))],
        [X, egress(out(block("10.0.0.0/8", "10.1.0.0/16")))],
    ),
    "named-port-unknown": (
        [pod("x", ports=[WEB]), np(ingress=[{"ports": [{"port": "https"}]}])],
        [pod("x", ports=[WEB]), np(ingress=[{"ports": [{"port": "http"}]}])],
    ),
    "port-not-declared": (
        [pod("x", ports=[WEB]), np(ingress=[{"ports": [{"port": 80}]}])],
        [pod("x", ports=[WEB]), np(ingress=[{"ports": [{"port": 8000, "endPort": 9000}]}])],
    ),
    "service-port-in-policy": (
        [X, service(kind="ClusterIP", selector={"app": "x"}, ports=[{"port": 80, "targetPort": 8080}]),
         np(ingress=[{"ports": HTTP}])],
        [X, service(kind="ClusterIP", selector={"app": "x"}, ports=[{"port": 80, "targetPort": 8080}]),
         np(ingress=[{"ports": [{"port": 8080}]}])],
    ),
    "cluster-ip-in-block": (
        [X, service(kind="ClusterIP", clusterIP="10.0.0.7"), egress(out(block("10.0.0.7/32")))],
        [X, service(kind="ClusterIP", clusterIP="10.0.0.7"), egress(out(block("10.0.0.8/32")))],
    ),
    "pod-address-in-block": (
        [X, pod("y", ip="10.2.0.9"), egress(out(block("10.2.0.9/32")))],
        [X, pod("y", ip="10.2.0.9"), egress(out(block("10.2.0.10/32")))],
    ),
    "fleeting-label": (
        [X, np(selector=of(**{"pod-template-hash": "abc"}))],
        [X, np(selector=of(app="x"))],
    ),
    "dns-cut": (
        [X, DNS, egress(out(block("203.0.113.0/24"), ports=HTTPS))],
        [X, DNS, egress(out({"namespaceSelector": {}}, ports=[UDP53]))],
    ),
    "dns-tcp-cut": (
        [X, DNS, egress(out({"namespaceSelector": {}}, ports=[UDP53]))],
        [X, DNS, egress(out({"namespaceSelector": {}}, ports=[UDP53, TCP53]))],
    ),
    "metadata-reachable": ([X], [X, egress(out(block("0.0.0.0/0", IMDS)))]),
    "metadata-reopened": (
        [X, egress(out(block("0.0.0.0/0", IMDS))), egress(out(ports=HTTP), name="web")],
        [X, egress(out(block("0.0.0.0/0", IMDS))), egress(out(ports=HTTPS), name="web")],
    ),
    "wire-server-reachable": (
        [X, egress(out(block("0.0.0.0/0", IMDS)))],
        [X, egress(out(block("0.0.0.0/0", IMDS, "168.63.129.16/32")))],
    ),
    "egress-empty-without-type": ([X, np(egress=[])], [X, np(egress=[], policyTypes=["Ingress", "Egress"])]),
    "rules-without-type": ([X, np(policyTypes=["Ingress"], egress=[{}])], [X, np(policyTypes=["Egress"], egress=[{}])]),
    "type-without-rules-cuts": (
        [X, np(policyTypes=["Ingress", "Egress"], ingress=[{"ports": HTTP}])],
        [X, np(policyTypes=["Ingress"], ingress=[{"ports": HTTP}])],
    ),
    "peers-joined-by-or": (
        [X, Y, np(ingress=[into({"namespaceSelector": {}}, {"podSelector": of(app="y")})])],
        [X, Y, np(ingress=[into({"namespaceSelector": {}, "podSelector": of(app="y")})])],
    ),
    "peer-subsumed": (
        [X, Y, np(ingress=[into({"podSelector": {}}, {"podSelector": of(app="y")})])],
        [X, Y, np(ingress=[into({"podSelector": of(app="x")}, {"podSelector": of(app="y")})])],
    ),
    "priority-tie": (
        [X, cnp("one", ingress=[act("Accept")]), cnp("two", ingress=[act("Deny")])],
        [X, cnp("one", ingress=[act("Accept")]), cnp("two", priority=6, ingress=[act("Deny")])],
    ),
    "unknown-peer-fails-closed": (
        [X, cnp("c", ingress=[act("Deny", peers=[{"moons": {}}])])],
        [X, cnp("c", ingress=[act("Deny")])],
    ),
    "baseline-reading-differs": (
        [X, cnp("a", egress=[act("Accept", "to")]), cnp("b", tier="Baseline", ingress=[act("Deny")])],
        [X, cnp("a", ingress=[act("Accept")]), cnp("b", tier="Baseline", ingress=[act("Deny")])],
    ),
    "admin-network-policy-superseded": (
        [X, cnp("c", kind="AdminNetworkPolicy", ingress=[act("Deny")])],
        [X, cnp("c", ingress=[act("Deny")])],
    ),
    "client-address-lost": (
        [X, service(selector={"app": "x"}), np(ingress=[into(block("203.0.113.0/24"))])],
        [X, service(selector={"app": "x"}, externalTrafficPolicy="Local"), np(ingress=[into(block("203.0.113.0/24"))])],
    ),
    "no-engine": (([X, np()], [cluster("none")]), ([X, np()], [cluster("calico")])),
    "cilium-block-skips-cluster": (
        ([X, np(ingress=[into(block("10.0.0.0/8"))])], [], "cilium"),
        ([X, np(ingress=[into(block("203.0.113.0/24"))])], [], "cilium"),
    ),
    "npm-windows-named-port": (
        ([X, np(ingress=[{"ports": [{"port": "http"}]}])], [], "npm-windows"),
        ([X, np(ingress=[{"ports": [{"port": "http"}]}])], [], "npm-linux"),
    ),
    "npm-windows-sctp": (
        ([X, np(ingress=[{"ports": [{"port": 80, "protocol": "SCTP"}]}])], [], "npm-windows"),
        ([X, np(ingress=[{"ports": HTTP}])], [], "npm-windows"),
    ),
    "npm-windows-negative-selector": (
        ([X, np(selector={"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["y"]}]})], [], "npm-windows"),
        ([X, np(selector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]})], [], "npm-windows"),
    ),
    "npm-windows-except": (
        ([X, egress(out(block("0.0.0.0/0", IMDS)))], [], "npm-windows"),
        ([X, egress(out(block("0.0.0.0/0")))], [], "npm-windows"),
    ),
    "npm-ipv6": (
        ([X, egress(out(block("fd00::/8")))], [], "npm-linux"),
        ([X, egress(out(block("fd00::/8")))], [], "calico"),
    ),
    "npm-scale": (([X], [cluster("azure", count=251)]), ([X], [cluster("azure", count=250)])),
    "npm-metadata": (
        ([X, egress(out(block("0.0.0.0/0", IMDS)))], [], "npm-linux"),
        ([X, egress(out(block("0.0.0.0/0", IMDS)))], [], "cilium"),
    ),
    "npm-own-node": (
        ([pod("x", host_ip="10.1.0.4"), DENY], [], "npm-linux"),
        ([pod("x", host_ip="10.1.0.4"), np()], [], "npm-linux"),
    ),
    "calico-types-missing": (
        [X, {**CALICO, "apiVersion": "crd.projectcalico.org/v1", "spec": {"ingress": [{"action": "Allow"}]}}],
        [X, {**CALICO, "spec": {"ingress": [{"action": "Allow"}]}}],
    ),
    "calico-order-tie": (
        [X, cal("p", 5, "Allow"), cal("q", 5, "Deny")],
        [X, cal("p", 5, "Allow"), cal("q", 6, "Deny")],
    ),
    "cilium-other-family-is-world": (
        ([pod("x", ip="10.0.0.1"), egress(out(block("::/0")))], [], "cilium"),
        ([pod("x", ip="10.0.0.1"), egress(out(block("0.0.0.0/0")))], [], "cilium"),
    ),
    "cilium-label-not-of-identity": (
        ([X, np(selector=of(**{"pod-template-hash": "x"}))], [], "cilium"),
        ([X, np(selector=of(**{"app.kubernetes.io/name": "x"}))], [], "cilium"),
    ),
    "cilium-negative-namespaces": (
        ([X, np(ingress=[into({"namespaceSelector": LACKS})])], [], "cilium"),
        ([X, np(ingress=[into({"namespaceSelector": LACKS, "podSelector": of(app="x")})])], [], "cilium"),
    ),
    "cilium-named-port-ambiguous": (
        ([called("x", 80), called("y", 81), egress(out(ports=[{"port": "http"}]))], [], "cilium"),
        ([called("x", 80), called("y", 80), egress(out(ports=[{"port": "http"}]))], [], "cilium"),
    ),
    "calico-policy-not-supported": (([X, CALICO], [], "calico"), ([X, np()], [], "calico")),
    "load-balancer-open-to-internet": ([X, service()], [X, service(annotations={_BETA + "load-balancer-internal": "true"})]),
    "source-range-invalid": (
        [X, service(loadBalancerSourceRanges=["10.0.0.1/8"])],
        [X, service(loadBalancerSourceRanges=["10.0.0.0/8"])],
    ),
    "source-ranges-twice": (
        [X, service(annotations={_BETA + "allowed-ip-ranges": "10.0.0.0/8"}, **PUBLIC_RANGE)],
        [X, service(**PUBLIC_RANGE)],
    ),
    "source-ranges-leave-network-open": (
        [X, service(**PUBLIC_RANGE)],
        [X, service(annotations={_BETA + "deny-all-except-load-balancer-source-ranges": "true"}, **PUBLIC_RANGE)],
    ),
    "node-port-service": ([X, service(kind="NodePort")], [X, service(kind="ClusterIP")]),
    "external-ips": ([X, service(kind="ClusterIP", externalIPs=["203.0.113.9"])], [X, service(kind="ClusterIP")]),
    "host-port": ([pod("x", ports=[{"containerPort": 80, "hostPort": 80}])], [pod("x", ports=[WEB])]),
    "bypasses-gateway": (
        [X, INGRESS, INNER, service(selector={"app": "x"})],
        [X, INGRESS, INNER, service(selector={"app": "x"}, **PUBLIC_RANGE)],
    ),
    "nsg-priority-tie": (
        ([X], [group(rule("a", 200), rule("b", 200))]),
        ([X], [group(rule("a", 200), rule("b", 200, direction="Outbound"))]),
    ),
    "nsg-rule-shadowed": (
        ([X], [group(rule("a", 200, destinationPortRange="400-500"), rule("b", 300, "Deny"))]),
        ([X], [group(rule("a", 200, destinationPortRange="400-500"), rule("b", 300, "Deny", protocol="*"))]),
    ),
    "nsg-ssh-from-internet": (
        ([X], [group(rule("a", 200, destinationPortRange="22"))]),
        ([X], [group(rule("z", 100, "Deny", destinationPortRange="20-30"), rule("a", 200, destinationPortRange="22"))]),
    ),
    "nsg-rdp-from-internet": (
        ([X], [group(rule("a", 200, destinationPortRange="3000-4000"))]),
        ([X], [group(rule("a", 200, destinationPortRange="3389", sourceAddressPrefix="10.1.0.0/24"))]),
    ),
    "nsg-kubelet-from-internet": (
        ([X], [group(rule("a", 200, destinationPortRange="*"))]),
        ([X], [group(rule("a", 200, destinationPortRange="*", protocol="Udp"))]),
    ),
    "nsg-probe-denied": (
        ([X, service()], [group(rule("no", 300, "Deny", protocol="*", destinationPortRange="*"))]),
        ([X, service()], [group(PROBE, rule("no", 300, "Deny", protocol="*", destinationPortRange="*"))]),
    ),
    "nsg-intra-subnet-denied": (
        ([X], [cluster(), vnet(), group(rule("no", 300, "Deny", destinationPortRange="10250"))]),
        ([X], [cluster(), vnet(), group(rule("no", 300, "Deny", destinationPortRange="10250", sourceAddressPrefix="Internet"))]),
    ),
    "nsg-egress-required-denied": (
        ([X], [cluster(), vnet(), group(rule("no", 300, "Deny", "Outbound", destinationAddressPrefix="Internet"))]),
        ([X], [cluster(), vnet(), group(rule("no", 300, "Deny", "Outbound", destinationPortRange="25"))]),
    ),
    "firewall-required-egress": (
        ([X], [cluster(), routed(), TABLE, firewall("mcr.microsoft.com", "*.azmk8s.io")]),
        ([X], [cluster(), routed(), TABLE, firewall(tags=("AzureKubernetesService",))]),
    ),
    "nsg-managed-changed": (
        ([X], [cluster(), group(MANAGED, rule("mine", 300), resourceGroup="mc_rg")]),
        ([X], [cluster(), group(MANAGED, resourceGroup="mc_rg"), group(rule("mine", 300), id="/other", resourceGroup="rg")]),
    ),
    "nsg-subnet-blocks-service": (
        ([X, service()], [cluster(), vnet(), group()]),
        ([X, service()], [cluster(), vnet(), group(rule("web", 300, sourceAddressPrefix="Internet"))]),
    ),
    "address-plan-exhausted": (
        ([X], [cluster(count=8, max_pods=30), vnet("10.1.0.0/24")]),
        ([X], [cluster(count=7, max_pods=30), vnet("10.1.0.0/24")]),
    ),
    "forbidden-address-range": (
        ([X], [cluster(podCidr="172.30.0.0/16")]),
        ([X], [cluster(podCidr="10.244.0.0/16", serviceCidr="10.0.0.0/16", dnsServiceIP="10.0.0.10")]),
    ),
}  # fmt: skip


def remarks(name, part):
    objects, resources, engine = (*part, [], "")[:3] if isinstance(part, tuple) else (part, [], "")
    view = View(read_estate(objects, strict=False), objects, resources, engine)
    return lint(view, [name])


def test_every_rule_has_an_example():
    assert [name for name, _, _ in rule_table()] == sorted(CASES)
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_remarked_with_a_witness(name):
    found = remarks(name, CASES[name][0])
    assert found
    assert all(item.rule == name and item.message and item.witness for item in found)


@pytest.mark.parametrize("name", CASES)
def test_the_near_miss_is_left_alone(name):
    assert remarks(name, CASES[name][1]) == []


@pytest.mark.parametrize("name", CASES)
def test_a_path_leads_into_the_object(name):
    for item in remarks(name, CASES[name][0]):
        here = item.item
        for step in item.path:
            if isinstance(here, dict) and step not in here:
                break  # the field that is missing is what the remark is about
            here = here[step]
