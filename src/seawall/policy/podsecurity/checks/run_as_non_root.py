"""A container must be required to run as another user than root.

Fields: `securityContext.runAsNonRoot` of the pod and of every container.
Allowed: true everywhere; unset in a container where the pod says true. False is reported wherever it
stands. From 1.35 a pod with `hostUsers: false` is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers, setters

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def non_root_1_0(pod: Pod) -> Fault | None:
    """Judge pod and containers."""
    of_pod = pod.context.get("runAsNonRoot")
    refusing: list[str] = []
    silent: list[str] = []
    for name, context, _ in pod.containers:
        value = context.get("runAsNonRoot")
        if value is None:
            if of_pod is not True:
                silent.append(name)
        elif not value:
            refusing.append(name)
    if of_pod is False or refusing:
        who = setters(of_pod is False, refusing)
        return ("runAsNonRoot != true", f"{who} must not set securityContext.runAsNonRoot=false")
    if silent:
        return (
            "runAsNonRoot != true",
            f"pod or {containers(silent)} must set securityContext.runAsNonRoot=true",
        )
    return None


def non_root_1_35(pod: Pod) -> Fault | None:
    """Judge, but for a pod in a user namespace."""
    return None if pod.user_namespace else non_root_1_0(pod)


CHECK = Check(
    id="runAsNonRoot",
    level="restricted",
    versions=(Version(0, non_root_1_0), Version(35, non_root_1_35)),
    needs=frozenset(),
    path="spec.securityContext.runAsNonRoot",
)
