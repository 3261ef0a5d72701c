"""What the real API server refuses of a NetworkPolicy is refused here, at the same field."""

from __future__ import annotations

import copy

import pytest

from seawall.core import InputError
from seawall.network.rules import read_network_policy

pytestmark = pytest.mark.live

GOOD = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "p", "namespace": "default"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}], "ingress": []},
}


def block(cidr, *excepted):
    inner = {"cidr": cidr, **({"except": list(excepted)} if excepted else {})}
    return {"egress": [{"to": [{"ipBlock": inner}]}]}


def port(**fields):
    return {"egress": [{"ports": [fields]}]}


def peer(**fields):
    return {"egress": [{"to": [fields]}]}


def expression(**fields):
    return {"podSelector": {"matchExpressions": [fields]}}


CASES = {
    "the documentation's own metadata policy, one YAML word": block(
        "10.10.0.0/0#example", "169.254.169.254/32"
    ),
    "the same with the comment cut: host bits are allowed": block("10.10.0.0/0", "169.254.169.254/32"),
    "no CIDR": block("10.0.0.0"),
    "an except outside": block("10.0.0.0/8", "192.168.0.0/16"),
    "an except as large as the block": block("10.0.0.0/8", "10.0.0.0/8"),
    "an except within": block("10.0.0.0/8", "10.1.0.0/16"),
    "an except of the other family": block("10.0.0.0/8", "fd00::/8"),
    "an empty peer": peer(),
    "a block and a selector": peer(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={}),
    "both selectors": peer(podSelector={}, namespaceSelector={}),
    "port 0": port(port=0),
    "port 65536": port(port=65_536),
    "a range": port(port=80, endPort=90),
    "a range backwards": port(port=90, endPort=80),
    "a range of one": port(port=80, endPort=80),
    "an end without a start": port(endPort=80),
    "an end of a name": port(port="http", endPort=80),
    "a protocol that is none": port(protocol="ICMP", port=80),
    "a protocol alone": port(protocol="UDP"),
    "a direction that is none": {"policyTypes": ["Sideways"]},
    "an operator that is none": expression(key="a", operator="Like", values=["b"]),
    "In without values": expression(key="a", operator="In"),
    "Exists with values": expression(key="a", operator="Exists", values=["b"]),
    "DoesNotExist": expression(key="a", operator="DoesNotExist"),
}


@pytest.fixture(scope="module")
def server(cluster_factory):
    return cluster_factory()


@pytest.mark.parametrize("name", CASES)
def test_refused_by_both_or_by_none(server, name):
    policy = copy.deepcopy(GOOD)
    policy["spec"] |= CASES[name]
    url = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies?dryRun=All"
    status, body = server.request("POST", url, policy)
    assert status in {201, 422}, body
    if status == 201:
        read_network_policy(policy)
        return
    with pytest.raises(InputError) as caught:
        read_network_policy(policy)
    causes = [cause["field"] for cause in body["details"]["causes"]]
    assert any(field in caught.value.message for field in causes), (caught.value.message, body["message"])
