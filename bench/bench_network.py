"""Network: all pairs by classes, one policy changed, security groups over many flows, and a peer."""

from __future__ import annotations

import gc
import random
import resource
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bench.timing import PEERS, call
from seawall.network.estate import read_estate
from seawall.network.nsg import Topology, read_nsg
from seawall.network.nsg_batch import Batch, Flows
from seawall.network.pairs import Matrix
from seawall.network.rules import read_network_policy

if TYPE_CHECKING:
    from collections.abc import Callable


def pods(count: int, spaces: int) -> list[dict[str, Any]]:
    """Make pods of varied labels, ports and addresses: forty pods an app, a label of its own for each pod."""
    found = []
    for number in range(count):
        app = number // 40
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"app-{app}-{number}",
                    "namespace": f"ns-{app % spaces}",
                    "labels": {
                        "app": f"app-{app}",
                        "tier": ("web", "api", "db", "batch")[app % 4],
                        "version": f"v{number % 3}",
                        "pod-template-hash": f"{app * 7919:x}",
                        "statefulset.kubernetes.io/pod-name": f"app-{app}-{number}",
                    },
                },
                "spec": {
                    "containers": [
                        {"name": "c", "ports": [{"name": "http", "containerPort": 8000 + app % 5}]}
                    ]
                },
                "status": {
                    "podIP": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                    "hostIP": "10.255.0.1",
                },
            }
        )
    return found


def policy(dice: random.Random, number: int, apps: int, spaces: int) -> dict[str, Any]:
    """Make one policy for an app: callers by app and namespace, a block, a named port, egress for half."""
    app = dice.randrange(apps)
    caller = dice.randrange(apps)
    rules: list[dict[str, Any]] = [
        {
            "from": [
                {
                    "namespaceSelector": {"matchLabels": {"team": f"t{caller % spaces % 20}"}},
                    "podSelector": {"matchLabels": {"app": f"app-{caller}"}},
                },
                {"podSelector": {"matchLabels": {"tier": dice.choice(("web", "api"))}}},
            ],
            "ports": [{"port": dice.choice((80, 443, 8080, 9090, "http"))}],
        }
    ]
    if dice.random() < 0.3:
        net = f"10.{dice.randrange(2)}.{dice.randrange(256)}.0/24"
        rules.append({"from": [{"ipBlock": {"cidr": net}}], "ports": [{"port": dice.randint(1, 50)}]})
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {"app": f"app-{app}"}}, "ingress": rules}
    if dice.random() < 0.5:
        spec["policyTypes"] = ["Ingress", "Egress"]
        spec["egress"] = [
            {"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"tier": "db"}}}]},
            {"ports": [{"port": 53, "protocol": "UDP"}]},
        ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"p{number}", "namespace": f"ns-{app % spaces}"},
        "spec": spec,
    }


def estate(count: int, policies: int) -> list[dict[str, Any]]:
    """Make an estate of pods in namespaces of fifty apps, and policies."""
    dice = random.Random(count)
    apps = max(count // 40, 1)
    spaces = max(apps // 12, 1)
    found: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": f"ns-{n}", "labels": {"team": f"t{n % 20}"}},
        }
        for n in range(spaces)
    ]
    found += pods(count, spaces)
    found += [policy(dice, number, apps, spaces) for number in range(policies)]
    return found


def cpu(function: Callable[[], Any], runs: int = 5) -> float:
    """Return the least CPU time in seconds of some calls: other work on the machine does not count."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def everything(matrix: Matrix) -> int:
    """Walk over all pairs of classes: what an answer for everybody costs."""
    return matrix.connected()


def _peer(scratch: Path) -> None:
    """Compare with network-config-analyzer 2.1.0 over the same 300 pods and 40 policies, in CPU time."""
    nca = PEERS.parent.parent / "peers-nca" / "bin" / "nca"
    objects = estate(300, 40)
    everything(Matrix(read_estate(objects)))
    before_us = time.process_time()
    for _ in range(20):
        everything(Matrix(read_estate(objects)))
    ours = (time.process_time() - before_us) / 20
    if not nca.exists():
        print("  network-config-analyzer is not installed in .venv/peers-nca: not compared")
        return
    kinds = {"Pod": "-p", "Namespace": "-n", "NetworkPolicy": "--connectivity"}
    command = [str(nca)]
    for kind, option in kinds.items():
        file = scratch / f"{kind}.json"
        items = [item for item in objects if item["kind"] == kind]
        file.write_bytes(msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items}))
        command += [option, str(file)]
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, check=False, cwd=scratch)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    theirs = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    if done.returncode not in (0, 1) or b"conn:" not in done.stdout:
        raise RuntimeError(f"nca ended with {done.returncode}: {done.stderr[-300:]!r}")
    print(
        f"    300 pods, 40 policies: {ours * 1e3:.1f} ms of CPU; network-config-analyzer {theirs:.1f} s of CPU "
        f"({wall:.1f} s by the clock): {theirs / ours:,.0f} times"
    )


def _groups(count: int = 1_000_000, size: int = 1_000) -> None:
    """Ask one group of a thousand rules about a million flows."""
    dice = random.Random(1)
    rules = [
        {
            "name": f"r{number}",
            "properties": {
                "priority": 100 + number,
                "access": dice.choice(("Allow", "Deny")),
                "direction": "Inbound",
                "protocol": dice.choice(("Tcp", "Udp", "*")),
                "sourceAddressPrefix": f"{dice.randrange(1, 224)}.{dice.randrange(256)}.0.0/{dice.choice((8, 12, 16))}",
                "sourcePortRange": "*",
                "destinationAddressPrefix": f"10.{dice.randrange(256)}.0.0/{dice.choice((8, 12, 16))}",
                "destinationPortRange": f"{dice.randrange(1, 30_000)}-{dice.randrange(30_000, 65_535)}",
            },
        }
        for number in range(size)
    ]
    nsg = read_nsg({"name": "nsg", "properties": {"securityRules": rules}})
    draw = np.random.default_rng(1)
    flows = Flows(
        draw.integers(1 << 24, 224 << 24, count),
        draw.integers(1024, 65_535, count),
        (10 << 24) + draw.integers(0, 1 << 24, count),
        draw.integers(1, 65_535, count),
        draw.integers(0, 2, count),
    )
    index = call(lambda: Batch(nsg, "inbound", Topology()))
    batch = Batch(nsg, "inbound", Topology())
    took = call(lambda: batch.decide(flows))
    used = len(np.unique(batch.decide(flows)))
    print(
        f"{count:,} flows x {size:,} rules: index {index:.3f} s, decided {took:.3f} s; {used} rules decide one"
    )


def main() -> None:
    for count, policies in ((1_000, 200), (10_000, 500), (100_000, 1_000), (100_000, 5_000)):
        objects = estate(count, policies)
        gc.collect()
        gc.freeze()

        def build(objects: list[dict[str, Any]] = objects) -> Matrix:
            matrix = Matrix(read_estate(objects))
            everything(matrix)
            return matrix

        took, clock = cpu(build), call(build)
        world = read_estate(objects)
        matrix = Matrix(world)
        start = time.process_time()
        connected = everything(matrix)
        walked = time.process_time() - start
        old = world.policies[policies // 2]
        raw = next(item for item in objects if item["metadata"]["name"] == f"p{policies // 3}")
        new = read_network_policy({**raw, "metadata": {"name": "new", "namespace": old.namespace}})
        changed = cpu(lambda matrix=matrix, old=old, new=new: matrix.replace(old, new))
        pod = cpu(lambda matrix=matrix, last=objects[-policies - 3]: matrix.with_pod(17, last))
        print(
            f"{count:>7} pods, {policies:>5} policies: {took:.3f} s of CPU for all pairs "
            f"({walked:.3f} s of it the walk; {clock:.3f} s by the clock); "
            f"{matrix.people.count} groups, {matrix.classes} classes, {len(matrix.ports.atoms)} port atoms, "
            f"{connected:,} class pairs connect; one policy changed {changed * 1e3:.1f} ms, "
            f"one pod changed {pod * 1e3:.1f} ms"
        )
        gc.unfreeze()
    with TemporaryDirectory() as scratch:
        _peer(Path(scratch))
    _groups()


if __name__ == "__main__":
    main()
