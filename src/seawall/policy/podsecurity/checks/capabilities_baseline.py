"""A container may add no capability beyond the runtime's usual set.

Fields: `securityContext.capabilities.add` of every container.
Allowed: the thirteen names below, spelt exactly so; NET_RAW, though usual, is not among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers, quoted

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

ALLOWED = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)


def capabilities_1_0(pod: Pod) -> Fault | None:
    """Judge what is added."""
    names: list[str] = []
    forbidden: set[str] = set()
    for name, context, _ in pod.containers:
        added = (context.get("capabilities") or {}).get("add")
        if added and not ALLOWED.issuperset(added):
            names.append(name)
            forbidden.update(added)
    if not names:
        return None
    shown = quoted(sorted(forbidden - ALLOWED))
    return (
        "non-default capabilities",
        f"{containers(names)} must not include {shown} in securityContext.capabilities.add",
    )


CHECK = Check(
    id="capabilities_baseline",
    level="baseline",
    versions=(Version(0, capabilities_1_0),),
    needs=frozenset({"capabilities"}),
    path="spec.containers[*].securityContext.capabilities.add",
)
