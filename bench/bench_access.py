"""Access: index, decisions, who-can, mining, the attack graph, and how the cost grows with size."""

from __future__ import annotations

import json
import random
import resource
import time
from typing import Any

from bench.timing import call
from seawall.access.attributes import Attributes, User
from seawall.access.chain import authorize, is_allowed
from seawall.access.mine import mine
from seawall.access.paths import build_graph, cut, shortest
from seawall.access.paths.graph import ADMIN
from seawall.access.rbac.model import Binding, Subject
from seawall.access.who import who_can
from seawall.access.world import build_world

API = "rbac.authorization.k8s.io/v1"
GROUPS = ["", "apps", "batch", "networking.k8s.io", "rbac.authorization.k8s.io", "*"]
RESOURCES = [
    "pods",
    "pods/log",
    "services",
    "secrets",
    "configmaps",
    "deployments",
    "jobs",
    "ingresses",
    "*/scale",
]
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"]


def estate(draw: random.Random, bindings: int) -> list[dict[str, Any]]:
    """Make roles and bindings in the proportions of specs/access.md (e): 2,000 roles to 10,000 bindings."""

    def rules() -> list[dict[str, Any]]:
        return [
            {
                "verbs": draw.sample(VERBS, draw.randint(1, 5)),
                "apiGroups": draw.sample(GROUPS, draw.randint(1, 2)),
                "resources": draw.sample(RESOURCES, draw.randint(1, 4)),
            }
            for _ in range(draw.randint(1, 10))
        ]

    def made(kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        return {"apiVersion": API, "kind": kind, "metadata": metadata, **more}

    def subject() -> dict[str, str]:
        kind = draw.choice(["User", "Group", "ServiceAccount"])
        return {
            "kind": kind,
            "name": f"{kind[0].lower()}{draw.randint(0, 500)}",
            "namespace": f"ns{draw.randint(0, 499)}",
        }

    objects = [made("Role", f"r{n}", f"ns{n % 500}", rules=rules()) for n in range(bindings // 5)]
    objects += [made("ClusterRole", f"c{n}", rules=rules()) for n in range(bindings // 10)]
    for number in range(bindings):
        space = draw.randint(0, 499)
        reference = {"kind": "ClusterRole", "name": f"c{draw.randint(0, bindings // 10 - 1)}"}
        subjects = [subject() for _ in range(draw.randint(1, 3))]
        objects.append(made("RoleBinding", f"b{number}", f"ns{space}", roleRef=reference, subjects=subjects))
    return objects


def main() -> None:
    draw = random.Random(1)
    for size in (1_000, 10_000, 40_000):
        _decisions(draw, size)
    _mining()
    _graph(draw)


def _decisions(draw: random.Random, size: int) -> None:
    objects = estate(draw, size)
    took = call(lambda: build_world(objects), runs=1)
    world = build_world(objects)
    questions = [
        Attributes(
            User(f"u{draw.randint(0, 500)}", (f"g{draw.randint(0, 500)}", "system:authenticated")),
            draw.choice(VERBS),
            f"ns{draw.randint(0, 499)}",
            draw.choice(GROUPS[:5]),
            "v1",
            draw.choice(["pods", "secrets", "deployments", "jobs"]),
        )
        for _ in range(20_000)
    ]
    print(f"{size:>6} bindings: index {took:.3f} s")
    for function in (is_allowed, authorize):
        times = []
        for asked in questions:
            start = time.perf_counter_ns()
            function(world, asked)
            times.append(time.perf_counter_ns() - start)
        times.sort()
        p50, p99 = times[len(times) // 2] / 1e3, times[len(times) * 99 // 100] / 1e3
        print(f"       {function.__name__}: p50 {p50:.1f} us, p99 {p99:.1f} us")
    who = call(lambda: who_can(world, questions[0]))
    new = Binding("ns1", "new", "ClusterRole", "c1", (Subject("User", "x"),))
    changed = call(lambda: world.rbac.with_binding(new), runs=1)
    print(f"       who-can {who * 1e3:.2f} ms, one binding more {changed * 1e3:.3f} ms")


def _mining() -> None:
    events = [
        json.dumps(
            {
                "kind": "Event",
                "stage": "ResponseComplete",
                "requestURI": f"/api/v1/namespaces/ns{n % 50}/pods/p{n}",
                "verb": VERBS[n % 7],
                "user": {"username": f"u{n % 200}", "groups": ["system:authenticated"]},
                "sourceIPs": ["192.0.2.1"],
                "userAgent": "kubectl/v1.34.0",
                "objectRef": {
                    "resource": "pods",
                    "namespace": f"ns{n % 50}",
                    "name": f"p{n}",
                    "apiVersion": "v1",
                },
                "responseStatus": {"metadata": {}, "code": 200},
                "stageTimestamp": "2026-01-01T00:00:00.000000Z",
                "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
            }
        ).encode()
        for n in range(200_000)
    ]
    print(f"mining: {len(events) / call(lambda: mine(events), runs=1):,.0f} events a second")


def _graph(draw: random.Random) -> None:
    objects = estate(draw, 10_000)
    for number in range(10_000):
        metadata = {"name": f"sa{number}", "namespace": f"ns{number % 500}"}
        objects.append({"kind": "ServiceAccount", "metadata": metadata})
    for number in range(20_000):
        account = number % 10_000
        context = {"privileged": True} if number % 50 == 0 else {}
        spec = {
            "nodeName": f"node{number % 1000}",
            "serviceAccountName": f"sa{account}",
            "containers": [{"name": "c", "securityContext": context}],
        }
        metadata = {"name": f"p{number}", "namespace": f"ns{account % 500}"}
        objects.append({"kind": "Pod", "metadata": metadata, "spec": spec})
    admin = {"kind": "ServiceAccount", "name": "sa7", "namespace": "ns7"}
    reference = {"kind": "ClusterRole", "name": "cluster-admin"}
    objects.append(
        {
            "apiVersion": API,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "admin"},
            "roleRef": reference,
            "subjects": [admin],
        }
    )
    world = build_world(objects)
    start = time.perf_counter()
    graph = build_graph(world)
    built = time.perf_counter() - start
    start = time.perf_counter()
    ways = [shortest(graph, ("ServiceAccount", f"ns{n % 500}/sa{n}"), ADMIN) for n in range(100)]
    found = (time.perf_counter() - start) / len(ways)
    start = time.perf_counter()
    chosen = cut(graph, [("ServiceAccount", f"ns{n % 500}/sa{n}") for n in range(10_000)], ADMIN)
    cutting = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"attack graph of 1,000 nodes, 20,000 pods, 10,000 accounts: {len(graph):,} edges in {built:.1f} s")
    print(
        f"       shortest path ({max(len(way or ()) for way in ways)} steps) {found * 1e3:.1f} ms, cut ({len(chosen.bindings) if chosen else 0}, least: {chosen.exact if chosen else '-'}) {cutting:.1f} s"
    )
    print(f"       memory at most {memory:.0f} MB")


if __name__ == "__main__":
    main()
