"""The proof with packets. What is right here is what the Linux kernel does with the packet."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from seawall.core import InputError
from seawall.lab.packets import make_plan, prove, why_not
from seawall.lab.packets.worker import sctp_init
from seawall.network.estate import read_estate
from seawall.network.nftables import open_ruleset
from support import MISSING_MARK, ROOT
from support.command import seawall
from support.network import dice_of, random_cluster

REASON = why_not()
packets = pytest.mark.skipif(bool(REASON), reason=f"{MISSING_MARK}packets: {REASON}")


def plan_of(objects, **options):
    return make_plan(read_estate(objects, strict=False), **options)


@packets
@pytest.mark.parametrize("seed", [5, 55, 56, 71])
def test_no_packet_does_other_than_the_model_says(seed):
    """Random clusters, NetworkPolicies and ClusterNetworkPolicies, both IP versions, three protocols."""
    proof = prove(plan_of(random_cluster(dice_of(seed))))
    assert proof.wrong == ()
    assert min(proof.allowed, proof.denied) > 100


@packets
def test_a_wrong_model_is_found_out():
    plan = plan_of(random_cluster(dice_of(4), pods=5))
    denied = sum(not probe.allowed for probe in plan.probes)
    lax = prove(msgspec.structs.replace(plan, rules=open_ruleset()))
    assert len(lax.wrong) == denied > 0
    assert {(wrong.model, wrong.packet) for wrong in lax.wrong} == {("deny", "arrived")}
    strict = open_ruleset().replace("policy accept", "policy drop")
    closed = prove(msgspec.structs.replace(plan, rules=strict))
    assert len(closed.wrong) == len(plan.probes) - denied > 0
    assert {(wrong.model, wrong.packet) for wrong in closed.wrong} == {("allow", "stopped")}


@packets
def test_nothing_is_proven_where_packets_are_lost_without_policies():
    plan = plan_of(random_cluster(dice_of(4), pods=3))
    broken = open_ruleset().replace("policy accept", "policy drop")
    with pytest.raises(InputError, match="packets are lost without any policy"):
        prove(msgspec.structs.replace(plan, open_rules=broken))


@packets
def test_nothing_stays_when_it_is_killed(tmp_path):
    def links():
        return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.count(
            "\n"
        )

    def workers():
        found = set()
        for process in Path("/proc").iterdir():
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if b"seawall.lab.packets.worker" in command:
                found.add(process.name)
        return found

    before, others = links(), workers()
    (tmp_path / "c.json").write_bytes(
        msgspec.json.encode(
            {"kind": "List", "apiVersion": "v1", "items": random_cluster(dice_of(1), pods=40)}
        )
    )
    command = [sys.executable, "-m", "seawall", "network", "prove", str(tmp_path)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    deadline = time.monotonic() + 20
    while not workers() - others and time.monotonic() < deadline:
        time.sleep(0.01)
    started = workers() - others
    assert started
    time.sleep(0.2)
    running.send_signal(signal.SIGKILL)
    running.wait()
    while workers() & started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not workers() & started
    assert links() == before


@packets
def test_the_command_says_what_was_sent():
    done = seawall("network", "prove", str(ROOT / "examples" / "contoso" / "kubernetes"))
    assert done.returncode == 0, done.stderr
    assert "0 wrong" in done.stdout
    assert "backoffice/ledger: in the host's network" in done.stdout


def test_ports_are_cut_where_rules_begin_and_end():
    objects = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"app": "a"}},
         "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"},
         "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80, "endPort": 90}, {"port": 85}, {"protocol": "UDP", "port": 53}]}]}},
    ]  # fmt: skip
    plan = plan_of(objects)
    assert plan.listen == {"TCP": (80, 85, 86, 8080, 40001), "UDP": (53, 40001), "SCTP": (40001,)}
    assert plan.names == ("default/a", "198.51.100.7", "2001:db8::7")


def test_pods_that_nothing_can_be_proven_of_are_named():
    objects = random_cluster(dice_of(2))
    for item in objects:
        if item["kind"] == "Pod":
            item["spec"]["hostNetwork"] = True
    with pytest.raises(InputError, match="no pod to prove anything of"):
        plan_of(objects)
    many = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}"}, "spec": {}} for i in range(201)
    ]
    with pytest.raises(InputError, match="200 at most"):
        plan_of(many)


def test_an_sctp_packet_is_whole():
    """CRC32c as RFC 9260, appendix A, has it: over the packet with a checksum of zero, least byte first."""
    data = sctp_init(20_000, 9003, 7)
    assert len(data) == 32
    assert int.from_bytes(data[2:4], "big") == 9003
    crc = 0xFFFFFFFF
    for byte in data[:8] + bytes(4) + data[12:]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert data[8:12] == (crc ^ 0xFFFFFFFF).to_bytes(4, "little")
