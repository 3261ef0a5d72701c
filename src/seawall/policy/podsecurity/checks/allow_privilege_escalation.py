"""A process may not gain more privileges than its parent (set-user-ID files).

Fields: `securityContext.allowPrivilegeEscalation` of every container.
Allowed: false, said explicitly. From 1.25 a pod that says it is for Windows is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def escalation_1_8(pod: Pod) -> Fault | None:
    """Judge every container."""
    names = [c.name for c in pod.containers if c.context.get("allowPrivilegeEscalation") is not False]
    if not names:
        return None
    return (
        "allowPrivilegeEscalation != false",
        f"{containers(names)} must set securityContext.allowPrivilegeEscalation=false",
    )


def escalation_1_25(pod: Pod) -> Fault | None:
    """Judge, but for Windows."""
    return None if pod.windows else escalation_1_8(pod)


CHECK = Check(
    id="allowPrivilegeEscalation",
    level="restricted",
    versions=(Version(8, escalation_1_8), Version(25, escalation_1_25)),
    needs=frozenset(),
    path="spec.containers[*].securityContext.allowPrivilegeEscalation",
)
