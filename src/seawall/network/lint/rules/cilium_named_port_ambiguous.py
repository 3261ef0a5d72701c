"""On Cilium a named port of an egress rule is one number for all pods: here pods give it several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.network.lint.model import Found
from seawall.network.rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"


def check(view: View) -> Iterator[Found]:
    """Yield names that pods give different numbers (cilium pkg/types portmap.go: the rule then means no port)."""
    if "cilium" not in view.engines:
        return
    for policy, raw in view.policies("networkpolicy", "cilium"):
        for rule in policy.rules(Direction.EGRESS):
            names = {(port.name, port.protocol) for port in rule.ports or () if port.name is not None}
            for name, protocol in sorted(names, key=str):
                numbers = {
                    number for pod, _ in view.pods for number in pod.ports.get((str(name), str(protocol)), ())
                }
                if len(numbers) > 1:
                    yield Found(
                        raw,
                        rule.path or ("spec", "egress", rule.index),
                        f"{name} is {len(numbers)} numbers",
                        f"pods call {sorted(numbers)} so; Cilium takes a name that means several for none",
                        "write the numbers",
                    )
