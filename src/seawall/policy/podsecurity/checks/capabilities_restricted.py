"""A container must drop all capabilities and may add back only NET_BIND_SERVICE.

Fields: `securityContext.capabilities.drop` and `.add` of every container.
Allowed: `drop` holds the string ALL; `add` holds nothing else than NET_BIND_SERVICE. From 1.25 a pod that
says it is for Windows is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers, quoted

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def capabilities_1_22(pod: Pod) -> Fault | None:
    """Judge what is dropped and what is added."""
    keeping: list[str] = []
    adding: list[str] = []
    forbidden: set[str] = set()
    for name, context, _ in pod.containers:
        capabilities = context.get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or ()):
            keeping.append(name)
        extra = [added for added in capabilities.get("add") or () if added != "NET_BIND_SERVICE"]
        if extra:
            adding.append(name)
            forbidden.update(extra)
    parts = []
    if keeping:
        parts.append(f'{containers(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        shown = quoted(sorted(forbidden))
        parts.append(f"{containers(adding)} must not include {shown} in securityContext.capabilities.add")
    return ("unrestricted capabilities", "; ".join(parts)) if parts else None


def capabilities_1_25(pod: Pod) -> Fault | None:
    """Judge, but for Windows."""
    return None if pod.windows else capabilities_1_22(pod)


CHECK = Check(
    id="capabilities_restricted",
    level="restricted",
    versions=(
        Version(22, capabilities_1_22, ("capabilities_baseline",)),
        Version(25, capabilities_1_25, ("capabilities_baseline",)),
    ),
    needs=frozenset(),
    path="spec.containers[*].securityContext.capabilities",
)
