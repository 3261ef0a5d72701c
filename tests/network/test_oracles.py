"""Verdicts of two programs that are not ours, over the clusters that they were asked about."""

from __future__ import annotations

import gzip
import json

from seawall.core import EngineOptions
from seawall.network.decide import engine
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
