"""Every container must have a seccomp profile, its own or the pod's.

Fields: `securityContext.seccompProfile.type` of the pod and of every container.
Allowed: RuntimeDefault, Localhost; unset in a container where the pod has one of them. A forbidden type is
reported before a missing one. From 1.25 a pod that says it is for Windows is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.checks.seccomp_profile_baseline import forbidden_types, is_bad
from seawall.policy.podsecurity.words import containers

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def seccomp_1_19(pod: Pod) -> Fault | None:
    """Judge pod and containers."""
    values: set[str] = set()
    profile = pod.context.get("seccompProfile")
    of_pod = is_bad(profile, values)
    covered = profile is not None and not of_pod
    names: list[str] = []
    silent: list[str] = []
    for name, context, _ in pod.containers:
        own = context.get("seccompProfile")
        if own is None:
            if not covered:
                silent.append(name)
        elif is_bad(own, values):
            names.append(name)
    if of_pod or names:
        return forbidden_types(of_pod, names, values)
    if silent:
        return (
            "seccompProfile",
            f'pod or {containers(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
        )
    return None


def seccomp_1_25(pod: Pod) -> Fault | None:
    """Judge, but for Windows."""
    return None if pod.windows else seccomp_1_19(pod)


CHECK = Check(
    id="seccompProfile_restricted",
    level="restricted",
    versions=(
        Version(19, seccomp_1_19, ("seccompProfile_baseline",)),
        Version(25, seccomp_1_25, ("seccompProfile_baseline",)),
    ),
    needs=frozenset(),
    path="spec.securityContext.seccompProfile.type",
)
