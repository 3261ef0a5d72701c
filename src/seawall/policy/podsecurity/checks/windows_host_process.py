"""A Windows pod may not run as a process of its node.

Fields: `securityContext.windowsOptions.hostProcess` of the pod and of every container.
Allowed: false or unset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import setters

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def host_process_1_0(pod: Pod) -> Fault | None:
    """Judge pod and containers."""
    of_pod = _asks(pod.context)
    names = [c.name for c in pod.containers if _asks(c.context)]
    if not (of_pod or names):
        return None
    return (
        "hostProcess",
        f"{setters(of_pod, names)} must not set securityContext.windowsOptions.hostProcess=true",
    )


def _asks(context: dict[str, Any]) -> bool:
    return bool((context.get("windowsOptions") or {}).get("hostProcess"))


CHECK = Check(
    id="windowsHostProcess",
    level="baseline",
    versions=(Version(0, host_process_1_0),),
    needs=frozenset({"windowsOptions"}),
    path="spec.securityContext.windowsOptions.hostProcess",
)
