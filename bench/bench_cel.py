"""CEL: microseconds to check and compile, and to evaluate from parsed objects, over expressions of policies."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from seawall.cel import CelError, Environment, compile_expression, functions_of
from seawall.cel.types import DYN

if TYPE_CHECKING:
    from collections.abc import Callable

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
OBJECT = {
    "metadata": {"name": "p", "namespace": "shop", "labels": {"app": "a", "tier": "b"}},
    "spec": {
        "replicas": 3,
        "containers": [
            {"name": n, "image": "x@sha256:1", "resources": {"limits": {"cpu": "500m"}}} for n in "abc"
        ],
    },
}


def _best(call: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return min(times)


def main() -> None:
    """Print both figures for each expression, and the medians."""
    environment = Environment(functions_of(34), {"object": DYN})
    compiling, running = [], []
    for text in EXPRESSIONS:
        program = compile_expression(text, environment)
        variables = {"object": OBJECT}
        try:
            program.run(variables)
        except CelError as error:
            raise AssertionError(f"{text}: {error}") from error
        compiling.append(_best(lambda text=text: compile_expression(text, environment), 100))
        running.append(_best(lambda program=program, given=variables: program.run(given), 2000))
        print(f"compile {compiling[-1] * 1e6:7.1f} us, evaluate {running[-1] * 1e6:6.2f} us  {text[:70]}")
    print(
        f"median: compile {statistics.median(compiling) * 1e6:.0f} us, evaluate {statistics.median(running) * 1e6:.2f} us"
    )


if __name__ == "__main__":
    main()
