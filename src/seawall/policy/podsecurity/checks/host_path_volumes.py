"""A pod may not mount paths of its node.

Fields: `spec.volumes[*].hostPath`.
Allowed: unset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import plural, quoted

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod


def volumes_1_0(pod: Pod) -> Fault | None:
    """Judge every volume."""
    names = [
        volume.get("name") or ""
        for volume in pod.spec.get("volumes") or ()
        if volume.get("hostPath") is not None
    ]
    return ("hostPath volumes", f"{plural('volume', 'volumes', names)} {quoted(names)}") if names else None


CHECK = Check(
    id="hostPathVolumes",
    level="baseline",
    versions=(Version(0, volumes_1_0),),
    needs=frozenset({"volumes"}),
    path="spec.volumes[*].hostPath",
)
