"""A pod may not share the namespaces of its node.

Fields: `spec.hostNetwork`, `spec.hostPID`, `spec.hostIPC`.
Allowed: false or unset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

FIELDS = ("hostNetwork", "hostPID", "hostIPC")


def namespaces_1_0(pod: Pod) -> Fault | None:
    """Judge the three fields, in this order."""
    shared = [f"{field}=true" for field in FIELDS if pod.spec.get(field)]
    return ("host namespaces", ", ".join(shared)) if shared else None


CHECK = Check(
    id="hostNamespaces",
    level="baseline",
    versions=(Version(0, namespaces_1_0),),
    needs=frozenset(FIELDS),
    path="spec.hostNetwork",
)
