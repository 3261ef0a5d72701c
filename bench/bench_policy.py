"""Pod Security: pods a second on one core, from parsed objects, all checks of restricted."""

from __future__ import annotations

import time
from typing import Any

from seawall.policy.podsecurity import evaluate


def pod(containers: int) -> dict[str, Any]:
    """Return a pod that restricted allows."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "b", "labels": {"app": "a"}},
        "spec": {
            "serviceAccountName": "a",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "c", "configMap": {"name": "x"}}],
            "containers": [
                {
                    "name": f"c{n}",
                    "image": "x:1",
                    "ports": [{"containerPort": 80}],
                    "securityContext": context,
                }
                for n in range(containers)
            ],
        },
    }


def main() -> None:
    """Print microseconds a pod, and pods a second, as the number of containers grows."""
    for containers in (1, 2, 4, 16):
        given = pod(containers)
        assert evaluate(given, "restricted") == []
        times = []
        for _ in range(7):
            start = time.perf_counter()
            for _ in range(10_000):
                evaluate(given, "restricted")
            times.append((time.perf_counter() - start) / 10_000)
        best = min(times)
        print(f"restricted, {containers:2} containers: {best * 1e6:6.1f} us a pod, {1 / best:9,.0f} pods/s")


if __name__ == "__main__":
    main()
