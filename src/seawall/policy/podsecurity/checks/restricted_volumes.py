"""A pod mounts only volumes that hold no part of a node or of a foreign store.

Fields: `spec.volumes[*]`.
Allowed: the nine sources below. Of several sources the first of the list of forbidden ones is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import plural, quoted

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

ALLOWED = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
# In the order in which the reference looks for them: of two sources in one volume it names the first.
FORBIDDEN = (
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
)


def volumes_1_0(pod: Pod) -> Fault | None:
    """Judge every volume."""
    names: list[str] = []
    kinds: set[str] = set()
    for volume in pod.spec.get("volumes") or ():
        if any(volume.get(source) is not None for source in ALLOWED):
            continue
        names.append(volume.get("name") or "")
        kinds.add(next((source for source in FORBIDDEN if volume.get(source) is not None), "unknown"))
    if not names:
        return None
    use = plural("uses", "use", names)
    what = plural("restricted volume type", "restricted volume types", kinds)
    return (
        "restricted volume types",
        f"{plural('volume', 'volumes', names)} {quoted(names)} {use} {what} {quoted(sorted(kinds))}",
    )


CHECK = Check(
    id="restrictedVolumes",
    level="restricted",
    versions=(Version(0, volumes_1_0, ("hostPathVolumes",)),),
    needs=frozenset({"volumes"}),
    path="spec.volumes[*]",
)
