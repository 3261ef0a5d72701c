"""CEL: checking, compiling and evaluating, beside cel-expr-python (Google's) over the same expressions and objects.

The expressions are the 797 real ones of ../shared where that folder is, else eight of the bench's own. Both
libraries get the parsed object; those that both compile are evaluated by both.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.cel import (
    CelError,
    CompileError,
    CostExceededError,
    Environment,
    compile_expression,
    functions_of,
)
from seawall.cel.types import DYN

if TYPE_CHECKING:
    from collections.abc import Callable

REAL = (
    Path(__file__).resolve().parents[2]
    / "shared"
    / "data"
    / "policy"
    / "tables"
    / "real-cel-expressions.json"
)
EXPRESSIONS = (
    "object.spec.replicas <= 5",
    "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits))",
    "object.spec.containers.all(c, c.image.startsWith('registry.example/') || c.image.contains('@'))",
    "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false",
    "object.spec.?securityContext.?runAsNonRoot.orValue(false)",
    "object.metadata.labels.all(k, object.metadata.labels[k].matches('^[a-z0-9]+$'))",
    "quantity(object.spec.containers[0].resources.limits.cpu).isLessThan(quantity('2'))",
    "object.metadata.name in ['a', 'b'] || object.metadata.namespace != 'default'",
)
CONTAINERS = [
    {
        "name": n, "image": "ghcr.io/x@sha256:1", "ports": [{"containerPort": 80, "hostPort": 0}],
        "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}},
        "securityContext": {"privileged": False, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": []}},
        "env": [{"name": "A", "value": "b"}],
    }
    for n in "abc"
]  # fmt: skip
OBJECT = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "p", "namespace": "shop", "labels": {"app": "a", "tier": "b", "env": "prod"}, "annotations": {"a": "b"},
    },
    "spec": {
        "replicas": 3, "containers": CONTAINERS, "initContainers": CONTAINERS[:1], "volumes": [{"name": "v", "emptyDir": {}}],
        "securityContext": {"runAsNonRoot": True}, "serviceAccountName": "s", "hostNetwork": False,
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": CONTAINERS}},
    },
}  # fmt: skip
REQUEST = {
    "operation": "CREATE", "namespace": "shop", "name": "p", "userInfo": {"username": "kim", "groups": ["a", "b"]},
    "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
}  # fmt: skip
VARIABLES: dict[str, Any] = {
    "object": OBJECT,
    "oldObject": OBJECT,
    "request": REQUEST,
    "namespaceObject": {"metadata": {"name": "shop", "labels": {"a": "b"}}},
    "params": {"data": {"a": "b"}},
    "variables": {
        "anyObject": OBJECT, "containers": CONTAINERS, "allContainers": CONTAINERS, "params": {"exemptImages": []},
        "badContainers": [], "exemptImages": [], "exemptImagePrefixes": [], "exemptImageExplicit": [],
    },
}  # fmt: skip


def best(call: Callable[[], object], budget: float = 0.004) -> float:
    """Return the shortest time of a call, in seconds: some rounds within a budget."""
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    count = max(1, min(1000, int(budget / 4 / max(once, 1e-7))))
    times = [once]
    for _ in range(4):
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return min(times)


def _peer() -> Any:
    """Return a function that compiles with cel-expr-python, or None where it is not installed."""
    try:
        from cel_expr_python import cel
        from cel_expr_python.ext import ext_optional, ext_strings
    except ImportError:
        return None
    extensions = [ext_optional.ExtOptional(), ext_strings.ExtStrings()]
    made = cel.NewEnv(variables=dict.fromkeys(VARIABLES, cel.Type.DYN), extensions=extensions)
    return made.compile


def main() -> None:
    """Print medians and 99th percentiles of both, over what both compile and over all of ours."""
    if REAL.exists():
        expressions = list(
            dict.fromkeys(item["cel"] for item in json.loads(REAL.read_text(encoding="utf-8")))
        )
    else:
        expressions = list(EXPRESSIONS)
    environment = Environment(functions_of(34, patches=True), dict.fromkeys(VARIABLES, DYN), patches=True)
    compile_peer = _peer()
    rows: list[tuple[float, float, float | None, float | None]] = []
    refused = failed = 0
    for text in expressions:
        try:
            program = compile_expression(text, environment)
        except CompileError:
            refused += 1
            continue
        compiling = best(lambda text=text: compile_expression(text, environment))
        try:
            program.run(VARIABLES)
        except (CelError, CostExceededError):
            failed += 1
        running = best(lambda program=program: program.measure(VARIABLES))
        theirs: tuple[float | None, float | None] = (None, None)
        if compile_peer is not None:
            # It raises RuntimeError and others for what it does not know.
            with contextlib.suppress(Exception):
                other = compile_peer(text)
                other.eval(data=VARIABLES)
                theirs = (
                    best(lambda text=text: compile_peer(text)),
                    best(lambda other=other: other.eval(data=VARIABLES)),
                )
        rows.append((compiling, running, *theirs))
    both = [row for row in rows if row[2] is not None]
    print(
        f"{len(expressions)} expressions: {len(rows)} compiled, {refused} refused; {failed} fail on this object"
    )
    _print("ours, all", [row[0] for row in rows], [row[1] for row in rows])
    if both:
        _print(f"ours, {len(both)} that both take", [row[0] for row in both], [row[1] for row in both])
        _print(
            f"cel-expr-python, {len(both)}",
            [row[2] for row in both if row[2]],
            [row[3] for row in both if row[3]],
        )
    else:
        print("cel-expr-python is not installed (bench/peers.txt): not compared")


def _print(name: str, compiling: list[float], running: list[float]) -> None:
    def shown(values: list[float]) -> str:
        return f"median {statistics.median(values) * 1e6:7.1f} us, p99 {sorted(values)[int(len(values) * 0.99)] * 1e6:8.1f} us"

    print(f"{name:30} check and compile {shown(compiling)}   evaluate {shown(running)}")


if __name__ == "__main__":
    main()
