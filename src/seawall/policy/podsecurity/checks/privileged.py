"""A privileged container has the whole node.

Fields: `securityContext.privileged` of every container.
Allowed: false or unset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def privileged_1_0(pod: Pod) -> Fault | None:
    """Judge every container."""
    names = [c.name for c in pod.containers if c.context.get("privileged")]
    if not names:
        return None
    return ("privileged", f"{containers(names)} must not set securityContext.privileged=true")


CHECK = Check(
    id="privileged",
    level="baseline",
    versions=(Version(0, privileged_1_0),),
    needs=frozenset({"privileged"}),
    path="spec.containers[*].securityContext.privileged",
)
