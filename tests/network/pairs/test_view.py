"""Connections of whole estates as np-guard's netpol-analyzer lists them (shared/data/network/SOURCE.md)."""

from __future__ import annotations

import re

import pytest

from seawall.network.estate import read_estate
from seawall.network.pairs import Matrix
from seawall.network.pairs.view import connections, entities
from seawall.sources import read_paths
from support import shared

LINE = re.compile(r"(.+) => (.+) : (.+)")
CASES = (
    "acs-security-demos",
    "acs-security-demos-with-netpol-list",
    "anp_banp_core_test",
    "anp_demo",
    "anp_test_10_swapping_rules",
    "anp_test_12_swapping_rules",
    "anp_test_2_allow_traffic_at_cluster_level",
    "anp_test_3_pass_traffic",
    "anp_test_4",
    "anp_test_7",
    "anp_test_8_swapping_rules",
    "anp_with_banp_new_test",
    "anp_with_banp_pass_test",
    "banp_test_core_egress_tcp_swapping_rules",
    "banp_test_core_egress_udp_rules",
    "banp_test_core_gress_rules",
    "banp_test_core_ingress_sctp_swapping_rules",
    "banp_test_core_ingress_tcp_rules",
    "example_pods_w_same_owner_and_labels_gap_no_policy",
    "minimal_test_in_ns",
    "one_ingress_multiple_services",
    "online_boutique_workloads_no_ns",
    "onlineboutique_workloads",
    "semanticDiff-different-topologies-policy-b",
    "semanticDiff-orig-topologies-no-policy",
    "semanticDiff-same-topologies-new3",
    "test_with_named_ports_changed_netpol",
    "test_with_named_ports_changed_netpol_2",
)


def theirs(text):
    """Their lines, by pair: which ports. Lines of ingress controllers ask another question than ours."""
    found = {}
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        if match and "{ingress-controller}" not in line:
            found[match[1], match[2]] = ports(match[3])
    return found


def ports(text):
    """`SCTP 1-9002,9004-65535,TCP 80` as protocol -> ranges; all of the three where it says so."""
    if text == "All Connections":
        return {protocol: [(1, 65_535)] for protocol in ("TCP", "UDP", "SCTP")}
    found = {}
    for item in text.split(","):
        name, space, span = item.partition(" ")
        if name in {"TCP", "UDP", "SCTP"}:
            protocol = name
            if not space:
                found[protocol] = [(1, 65_535)]
                continue
        else:
            span = item
        low, dash, high = span.partition("-")
        found.setdefault(protocol, []).append((int(low), int(high if dash else low)))
    return found


def ours(folder):
    objects = [item.raw for item in read_paths([str(folder)]).objects]
    for item in objects:
        if item["kind"] == "Pod":
            # They hold policies over pods in the host's network too; the API says that none selects them.
            item["spec"].pop("hostNetwork", None)
    estate = read_estate(objects)
    matrix = Matrix(estate)
    listed = entities(matrix, estate)
    found = {}
    for item in connections(matrix, listed):
        names = []
        for end in (item.source, item.target):
            name = end.name
            if end.kind == "external":
                v4 = [text for text in name.removesuffix("[External]").split(",") if ":" not in text]
                names.append([f"{text if '-' in text else f'{text}-{text}'}[External]" for text in v4])
            else:
                names.append([name])
        spans = matrix.ports.ranges(item.mask)
        spans.pop("other", None)
        for source in names[0]:
            for target in names[1]:
                if source != target:
                    found[source, target] = spans
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_same_connections(case):
    folder = shared("data", "network", "netpol-analyzer", "tests", case)
    expected = theirs(
        shared("data", "network", "netpol-analyzer", "expected", f"{case}_connlist_output.txt").read_text()
    )
    found = ours(folder)
    assert expected
    assert found == expected
