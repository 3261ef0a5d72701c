"""The masks over /proc stay on, unless the pod has a user namespace of its own.

Fields: `securityContext.procMount` of every container.
Allowed: Default or unset; from 1.35 anything in a pod with `hostUsers: false`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers, quoted

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def proc_mount_1_0(pod: Pod) -> Fault | None:
    """Judge every container."""
    names: list[str] = []
    values: set[str] = set()
    for name, context, _ in pod.containers:
        value = context.get("procMount")
        if value is not None and value != "Default":
            names.append(name)
            values.add(value)
    if not names:
        return None
    return (
        "procMount",
        f"{containers(names)} must not set securityContext.procMount to {quoted(sorted(values))}",
    )


def proc_mount_1_35(pod: Pod) -> Fault | None:
    """Judge, but for a pod in a user namespace."""
    return None if pod.user_namespace else proc_mount_1_0(pod)


CHECK = Check(
    id="procMount",
    level="baseline",
    versions=(Version(0, proc_mount_1_0), Version(35, proc_mount_1_35)),
    needs=frozenset({"procMount"}),
    path="spec.containers[*].securityContext.procMount",
)
