"""Nothing may ask to run as user 0.

Fields: `securityContext.runAsUser` of the pod and of every container.
Allowed: unset, or another number than 0. From 1.35 a pod with `hostUsers: false` is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import setters

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def user_1_23(pod: Pod) -> Fault | None:
    """Judge pod and containers."""
    of_pod = _is_root(pod.context)
    names = [c.name for c in pod.containers if _is_root(c.context)]
    return ("runAsUser=0", f"{setters(of_pod, names)} must not set runAsUser=0") if of_pod or names else None


def user_1_35(pod: Pod) -> Fault | None:
    """Judge, but for a pod in a user namespace."""
    return None if pod.user_namespace else user_1_23(pod)


def _is_root(context: dict[str, Any]) -> bool:
    user = context.get("runAsUser")
    return user is not None and user == 0


CHECK = Check(
    id="runAsUser",
    level="restricted",
    versions=(Version(23, user_1_23), Version(35, user_1_35)),
    needs=frozenset({"runAsUser"}),
    path="spec.securityContext.runAsUser",
)
