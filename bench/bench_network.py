"""Network: all pairs by classes, one policy changed, security groups over many flows, and a peer."""

from __future__ import annotations

import gc
import random
import time
from typing import Any

from bench.timing import call
from seawall.network.estate import read_estate
from seawall.network.pairs import Matrix
from seawall.network.rules import read_network_policy


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


def everything(matrix: Matrix) -> int:
    """Walk over all pairs of classes: what an answer for everybody costs."""
    return matrix.connected()


def main() -> None:
    for count, policies in ((1_000, 200), (10_000, 500), (100_000, 1_000), (100_000, 5_000)):
        objects = estate(count, policies)
        gc.collect()
        gc.freeze()

        def build(objects: list[dict[str, Any]] = objects) -> Matrix:
            matrix = Matrix(read_estate(objects))
            everything(matrix)
            return matrix

        took = call(build)
        world = read_estate(objects)
        matrix = Matrix(world)
        start = time.perf_counter()
        connected = everything(matrix)
        walked = time.perf_counter() - start
        old = world.policies[policies // 2]
        raw = next(item for item in objects if item["metadata"]["name"] == f"p{policies // 3}")
        new = read_network_policy({**raw, "metadata": {"name": "new", "namespace": old.namespace}})
        changed = call(lambda matrix=matrix, old=old, new=new: matrix.replace(old, new))
        pod = call(lambda matrix=matrix, last=objects[-policies - 3]: matrix.with_pod(17, last))
        print(
            f"{count:>7} pods, {policies:>5} policies: {took:.3f} s all pairs ({walked:.3f} s of it the walk); "
            f"{matrix.people.count} groups, {matrix.classes} classes, {len(matrix.ports.atoms)} port atoms, "
            f"{connected:,} class pairs connect; one policy changed {changed * 1e3:.1f} ms, "
            f"one pod changed {pod * 1e3:.1f} ms"
        )
        gc.unfreeze()


if __name__ == "__main__":
    main()
