"""The masks over /proc stay on, also in a user namespace.

Fields: `securityContext.procMount` of every container.
Allowed: Default or unset. Before 1.35 the baseline check said the same.
"""

from __future__ import annotations

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.checks.proc_mount import proc_mount_1_0

CHECK = Check(
    id="procMount_restricted",
    level="restricted",
    versions=(Version(35, proc_mount_1_0, ("procMount",)),),
    needs=frozenset({"procMount"}),
    path="spec.containers[*].securityContext.procMount",
)
