"""What the schema of cluster policies refuses is refused at its field (specs b2: limits)."""

from __future__ import annotations

import pytest

from seawall.core import InputError
from seawall.network.rules import read_cluster_policy

PEER = {"namespaces": {}}


def policy(kind="ClusterNetworkPolicy", **directions):
    tier = {"tier": "Admin"} if kind == "ClusterNetworkPolicy" else {}
    spec = {**tier, "priority": 1, "subject": {"namespaces": {}}, **directions}
    return {"kind": kind, "metadata": {"name": "c"}, "spec": spec}


def rule(action="Accept", **more):
    return {"action": action, "to": [PEER], **more}


def span(start, end):
    return [{"tcp": {"destinationPort": {"range": {"start": start, "end": end}}}}]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (policy(egress=[rule()] * 26), r"spec\.egress: Too many"),
        (policy("AdminNetworkPolicy", egress=[rule("Allow")] * 101), r"spec\.egress: Too many"),
        (policy(egress=[{**rule(), "to": [PEER] * 26}]), r"egress\[0\]\.to: Too many"),
        (policy(egress=[rule(protocols=[{"tcp": {}}] * 26)]), r"egress\[0\]\.protocols: Too many"),
        (policy(egress=[{**rule(), "to": [{"networks": ["10.0.0.0/8"] * 26}]}]), r"networks: Too many"),
        (policy(egress=[rule(name="x" * 101)]), r"egress\[0\]\.name: Too long"),
        (policy(egress=[rule("Allow")]), r"egress\[0\]\.action: Unsupported"),
        (policy(egress=[rule(protocols=span(80, 80))]), r"range: Invalid value: start must be less"),
        (policy(egress=[rule(protocols=span(81, 80))]), r"range: Invalid value"),
        (
            policy(egress=[{**rule("Deny"), "to": [{"domainNames": ["x.y"]}]}]),
            "domainNames can be used with Accept alone",
        ),
        (
            policy(
                egress=[
                    {
                        "action": "Deny",
                        "to": [{"networks": ["::/0"]}],
                        "protocols": [{"destinationNamedPort": "http"}],
                    }
                ]
            ),
            "destinationNamedPort cannot be used with networks",
        ),
    ],
)
def test_refused(given, field):
    with pytest.raises(InputError, match=field):
        read_cluster_policy(given)


@pytest.mark.parametrize(
    "given",
    [
        policy(egress=[rule()] * 25),
        policy("AdminNetworkPolicy", egress=[rule("Allow")] * 100),
        policy(egress=[rule(protocols=span(80, 81), name="x" * 100)]),
        policy(egress=[{**rule(), "to": [{"domainNames": ["x.y"]}]}]),
    ],
)
def test_taken(given):
    assert read_cluster_policy(given).egress
