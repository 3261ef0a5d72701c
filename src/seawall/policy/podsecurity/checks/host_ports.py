"""A container may not open ports on its node.

Fields: `ports[*].hostPort` of every container.
Allowed: 0 or unset. The ports are sorted as strings in the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers, plural

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def ports_1_0(pod: Pod) -> Fault | None:
    """Judge every port."""
    names: list[str] = []
    forbidden: set[str] = set()
    for name, _, raw in pod.containers:
        opened = [str(port["hostPort"]) for port in raw.get("ports") or () if port.get("hostPort")]
        if opened:
            names.append(name)
            forbidden.update(opened)
    if not names:
        return None
    use = plural("uses", "use", names)
    ports = plural("hostPort", "hostPorts", forbidden)
    return ("hostPort", f"{containers(names)} {use} {ports} {', '.join(sorted(forbidden))}")


CHECK = Check(
    id="hostPorts",
    level="baseline",
    versions=(Version(0, ports_1_0),),
    needs=frozenset({"ports"}),
    path="spec.containers[*].ports[*].hostPort",
)
