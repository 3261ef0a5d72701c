"""Where each kind of Kubernetes object keeps its pod template."""

from __future__ import annotations

from typing import Final

_TEMPLATE: Final = ("spec", "template")

POD_TEMPLATES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("extensions", "Deployment"): _TEMPLATE,
    ("extensions", "ReplicaSet"): _TEMPLATE,
    ("extensions", "DaemonSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}
"""(API group, kind) -> the steps to what holds a pod's `metadata` and `spec`; no steps are the object itself."""

POD_TEMPLATE_OF_KIND: Final = {kind: path for (_, kind), path in POD_TEMPLATES.items()}
"""Kind -> the same, for the nine kinds, whatever their group."""
