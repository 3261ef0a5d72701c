"""Defaults of the groups apps, batch and autoscaling (pkg/apis/{apps,batch,autoscaling}/*/defaults.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.typed.defaults.filling import absent, child, zero

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


def _deployment(obj: Json) -> None:
    spec = child(obj, "spec")
    child(spec, "template")
    absent(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = child(spec, "strategy")
    zero(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        absent(child(strategy, "rollingUpdate"), maxUnavailable="25%", maxSurge="25%")


def _daemon_set(obj: Json) -> None:
    spec = child(obj, "spec")
    child(spec, "template")
    absent(spec, revisionHistoryLimit=10)
    strategy = child(spec, "updateStrategy")
    zero(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        absent(child(strategy, "rollingUpdate"), maxUnavailable=1, maxSurge=0)


def _stateful_set(obj: Json) -> None:
    spec = child(obj, "spec")
    child(spec, "template")
    zero(spec, podManagementPolicy="OrderedReady")
    strategy = child(spec, "updateStrategy")
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        absent(strategy, rollingUpdate={})
    if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        absent(strategy["rollingUpdate"], partition=0)
    zero(child(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    absent(spec, replicas=1, revisionHistoryLimit=10)
    for claim in spec.get("volumeClaimTemplates") or ():
        # Not a default: the conversion writes it (pkg/apis/apps/v1/conversion.go).
        claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}


def _replica_set(obj: Json) -> None:
    spec = child(obj, "spec")
    child(spec, "template")
    absent(spec, replicas=1)


def _job(obj: Json) -> None:
    spec = child(obj, "spec")
    template = child(spec, "template")
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    absent(spec, parallelism=1)
    absent(spec, backoffLimit=2147483647 if spec.get("backoffLimitPerIndex") is not None else 6)
    absent(spec, completionMode="NonIndexed", suspend=False)
    replace = "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed"
    absent(spec, podReplacementPolicy=replace, manualSelector=False)
    labels = (template.get("metadata") or {}).get("labels")
    metadata = child(obj, "metadata")
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _cron_job(obj: Json) -> None:
    spec = child(obj, "spec")
    zero(spec, concurrencyPolicy="Allow")
    absent(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    child(child(child(spec, "jobTemplate"), "spec"), "template")


def _autoscaler_v1(obj: Json) -> None:
    spec = child(obj, "spec")
    absent(spec, minReplicas=1)
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if "autoscaling.alpha.kubernetes.io/metrics" not in annotations:
        # Not a default: the conversion fills it in where there is no other metric (autoscaling/v1/conversion.go).
        absent(spec, targetCPUUtilizationPercentage=80)


def _autoscaler_v2(obj: Json) -> None:
    spec = child(obj, "spec")
    absent(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        fast = [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ]
        absent(child(behavior, "scaleUp"), stabilizationWindowSeconds=0, selectPolicy="Max", policies=fast)
        slow = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
        absent(child(behavior, "scaleDown"), selectPolicy="Max", policies=slow)


RULES: dict[str, Callable[[Json], None]] = {
    "apps.v1.Deployment": _deployment,
    "apps.v1.DaemonSet": _daemon_set,
    "apps.v1.StatefulSet": _stateful_set,
    "apps.v1.ReplicaSet": _replica_set,
    "batch.v1.Job": _job,
    "batch.v1.CronJob": _cron_job,
    "batch.v1.PodFailurePolicyOnPodConditionsPattern": lambda it: zero(it, status="True"),
    "autoscaling.v1.HorizontalPodAutoscaler": _autoscaler_v1,
    "autoscaling.v2.HorizontalPodAutoscaler": _autoscaler_v2,
}
