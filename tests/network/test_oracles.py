"""Verdicts of programs that are not ours, over the clusters that they were asked about."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from seawall.core import EngineOptions
from seawall.network.decide import engine
from seawall.network.estate import read_estate
from seawall.network.expose import expose
from seawall.sources import read_paths
from support import shared

OPTIONS = EngineOptions()


def load(name):
    return json.loads(gzip.decompress(shared("data", "network", "oracle-samples", name).read_bytes()))


def test_network_policies_as_cyclonus_simulates_them():
    asked = 0
    for case in load("networkpolicy_truth_sample.json.gz"):
        for step in case["steps"]:
            decide = engine("network", OPTIONS)
            objects = [
                {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}}
                for name, labels in step["namespaces"].items()
            ]
            ports = [
                {"name": f"serve-{n}-{p.lower()}", "containerPort": n, "protocol": p}
                for n in (80, 81)
                for p in ("TCP", "UDP", "SCTP")
            ]
            objects += [
                {
                    "kind": "Pod",
                    "apiVersion": "v1",
                    "metadata": {key: pod[key] for key in ("namespace", "name", "labels")},
                    "spec": {"containers": [{"name": "c", "ports": ports}]},
                    "status": {"podIP": pod["ip"]},
                }
                for pod in step["pods"]
            ]
            decide.load({"objects": objects + step["policies"]})
            for source, target, port, _name, protocol, ingress, egress in step["results"]:
                line = {"from": {"pod": source}, "to": {"pod": target}, "protocol": protocol, "port": port}
                answer = decide.answer(line)
                found = (answer["ingress"]["verdict"] == "allow", answer["egress"]["verdict"] == "allow")
                assert found == (bool(ingress), bool(egress)), (case["description"], line, answer)
                asked += 1
    assert asked > 9000


WORDS = {
    ("admin", "allow"): "admin-accept",
    ("admin", "deny"): "admin-deny",
    ("networkpolicy", "allow"): "np-allow",
    ("networkpolicy", "deny"): "np-deny",
    ("baseline", "allow"): "baseline-accept",
    ("baseline", "deny"): "baseline-deny",
    ("default", "allow"): "default-allow",
}


def test_cluster_network_policies_as_the_reference_implementation_decides_them():
    asked = 0
    for case in load("cnp_truth_sample.json.gz"):
        decide = engine("network", OPTIONS)
        decide.load(
            {
                "objects": case["namespaces"]
                + case["pods"]
                + case["clusterNetworkPolicies"]
                + case["networkPolicies"]
            }
        )
        for probe in case["probes"]:
            line = {
                "from": {"ip": probe["src"]},
                "to": {"ip": probe["dst"]},
                "protocol": probe["protocol"],
                "port": probe["port"],
            }
            answer = decide.answer(line)
            for side in ("egress", "ingress"):
                found = WORDS[answer[side]["tier"], answer[side]["verdict"]]
                assert found == probe[side], (case["name"], line, side, answer)
            assert (answer["verdict"] == "allow") == probe["allowed"]
            asked += 1
    assert asked > 3000


EXPOSED = ("acs-security-demos", "onlineboutique_workloads")
ANYBODY = "(a new namespace)/(a new pod)"


def exposure_lines(name):
    """Lines of netpol-analyzer's exposure analysis about pods, as (workload, way, whom, ports)."""
    path = shared("data", "network", "netpol-analyzer", "expected", f"{name}_exposure_output.txt")
    text = path.read_text().partition("Exposure Analysis Result:")[2].partition("Workloads not protected")[0]
    for line in text.splitlines():
        found = re.fullmatch(r"(\S+)\s+(=>|<=)\s+(.+) : (.+)", line)
        if found and "[External]" not in found[3]:
            yield found[1], found[2], found[3].strip(), found[4]


@pytest.mark.parametrize("name", EXPOSED)
def test_what_newcomers_could_reach_as_netpol_analyzer_says_it(name):
    """Its "entire cluster" is any pod in any namespace, its labelled pods are our newcomers with just those labels."""
    snapshot = read_paths([str(shared("data", "network", "netpol-analyzer", "tests", name))])
    ours = expose(read_estate((item.raw for item in snapshot.objects), strict=False))
    lines = list(exposure_lines(name))
    ports = {"All Connections": "all"}
    ways = {"=>": "may be called by", "<=": "may call"}
    anybody = {(item.way, item.other, item.ports) for item in ours if item.newcomer == ANYBODY}
    theirs = {(ways[way], who, ports.get(p, p)) for who, way, whom, p in lines if whom == "entire-cluster"}
    assert {item for item in anybody if "[External]" not in item[1]} == theirs
    assert theirs
    for who, way, whom, allowed in lines:
        labelled = re.fullmatch(r"\[all namespaces\]/\[pod with \{(.+)\}\]", whom)
        if labelled:
            mine = {
                (item.way, item.ports)
                for item in ours
                if f"(a new pod with {labelled[1]})" in item.newcomer and item.other == who
            }
            assert (ways[way], allowed) in mine
        else:
            assert whom == "entire-cluster"
