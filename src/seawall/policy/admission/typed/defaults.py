"""What the API server fills in (kubernetes pkg/apis/*/v1/defaults.go, read at v1.34.4).

Of every kind with a pod template, and of the other kinds that policies change most. The incoming object has
its defaults already: this fills what a mutation has brought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.typed.jsonpatch import plain_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"


def with_api_defaults(group: str, kind: str, obj: Json) -> Json:
    """Return a copy of an object of the API with its defaults; other kinds come back as they are."""
    fill = _KINDS.get((group, kind))
    if fill is None:
        return obj
    found: Json = plain_copy(obj)
    try:
        fill(found)
    except (AttributeError, TypeError):
        return obj  # out of shape: whoever decodes it next says where
    return found


def _set(holder: Json, **values: Any) -> None:
    """Fill fields that are absent, null, empty or zero: what Go's decoder cannot tell from absent."""
    for name, value in values.items():
        if holder.get(name) in (None, "") or (holder.get(name) == 0 and holder.get(name) is not False):
            holder[name] = value


def _absent(holder: Json, **values: Any) -> None:
    """Fill fields behind a pointer: a zero that was written stays."""
    for name, value in values.items():
        if holder.get(name) is None:
            holder[name] = value


def _pod(pod: Json) -> None:
    spec = pod.setdefault("spec", {})
    _pod_spec(spec)
    _absent(spec, enableServiceLinks=True)
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        # Only of a Pod itself, not of a template.
        resources = container.get("resources") or {}
        if resources.get("limits"):
            requests = resources.get("requests") or {}
            resources["requests"] = {**resources["limits"], **requests}


def _template(holder: Json) -> None:
    template = holder.get("template")
    if isinstance(template, dict):
        _pod_spec(template.setdefault("spec", {}))


def _pod_spec(spec: Json) -> None:
    _set(spec, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler")
    _absent(spec, securityContext={}, terminationGracePeriodSeconds=30)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        # One field under two names: the older one follows (pkg/apis/core/v1/conversion.go).
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in spec.get("volumes") or ():
        _volume(volume)
    for name in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(name) or ():
            _container(
                container, host_network=bool(spec.get("hostNetwork")) and name != "ephemeralContainers"
            )


def _container(container: Json, *, host_network: bool) -> None:
    _set(
        container,
        imagePullPolicy="Always" if _is_latest(str(container.get("image") or "")) else "IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    _absent(container, resources={})
    for port in container.get("ports") or ():
        _set(port, protocol="TCP")
        if host_network:
            _set(port, hostPort=port.get("containerPort"))
    for variable in container.get("env") or ():
        _field_reference((variable.get("valueFrom") or {}).get("fieldRef"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None:
            _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _http(probe.get("httpGet"))
            if probe.get("grpc") is not None:
                _absent(probe["grpc"], service="")
    for hook in ("postStart", "preStop"):
        _http(((container.get("lifecycle") or {}).get(hook) or {}).get("httpGet"))


def _is_latest(image: str) -> bool:
    """Whether an image's tag is latest, or it has neither tag nor digest (parsers.ParseImageName)."""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag == "latest" or (not tag and not at)


def _http(action: Json | None) -> None:
    if action is not None:
        _set(action, path="/", scheme="HTTP")


def _field_reference(reference: Json | None) -> None:
    if reference is not None:
        _set(reference, apiVersion="v1")


def _volume(volume: Json) -> None:
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(name) is not None:
            _absent(volume[name], defaultMode=0o644)
    for source in [volume.get("downwardAPI") or {}, *_projections(volume)]:
        for item in source.get("items") or ():
            _field_reference(item.get("fieldRef"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("serviceAccountToken") is not None:
            _absent(source["serviceAccountToken"], expirationSeconds=3600)
    if volume.get("hostPath") is not None:
        _absent(volume["hostPath"], type="")
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        _absent(template.setdefault("spec", {}), volumeMode="Filesystem")


def _projections(volume: Json) -> Iterator[Json]:
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("downwardAPI") is not None:
            yield source["downwardAPI"]


def _deployment(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _template(spec)
    _absent(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = _child(spec, "strategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _absent(_child(strategy, "rollingUpdate"), maxUnavailable="25%", maxSurge="25%")


def _daemon_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _template(spec)
    _absent(spec, revisionHistoryLimit=10)
    strategy = _child(spec, "updateStrategy")
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _absent(_child(strategy, "rollingUpdate"), maxUnavailable=1, maxSurge=0)


def _stateful_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _template(spec)
    _set(spec, podManagementPolicy="OrderedReady")
    strategy = _child(spec, "updateStrategy")
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        _absent(strategy, rollingUpdate={})
    if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        _absent(strategy["rollingUpdate"], partition=0)
    retention = _child(spec, "persistentVolumeClaimRetentionPolicy")
    _set(retention, whenDeleted="Retain", whenScaled="Retain")
    _absent(spec, replicas=1, revisionHistoryLimit=10)
    for claim in spec.get("volumeClaimTemplates") or ():
        _claim(claim)


def _replica_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _template(spec)
    _absent(spec, replicas=1)


def _job(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _job_spec(spec)
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    metadata = _child(obj, "metadata")
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _job_spec(spec: Json) -> None:
    _template(spec)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _absent(spec, parallelism=1)
    _absent(spec, backoffLimit=2147483647 if spec.get("backoffLimitPerIndex") is not None else 6)
    _absent(spec, completionMode="NonIndexed", suspend=False)
    replace = "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed"
    _absent(spec, podReplacementPolicy=replace)
    _absent(spec, manualSelector=False)


def _cron_job(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _set(spec, concurrencyPolicy="Allow")
    _absent(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    template = (spec.get("jobTemplate") or {}).get("spec")
    if isinstance(template, dict):
        _template(template)


def _service(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _set(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "ClientIP":
        client = _child(_child(spec, "sessionAffinityConfig"), "clientIP")
        _absent(client, timeoutSeconds=10800)
    for port in spec.get("ports") or ():
        _set(port, protocol="TCP")
        _set(port, targetPort=port.get("port"))
    kind = spec["type"]
    if kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and spec.get("externalIPs")):
        _set(spec, externalTrafficPolicy="Cluster")
    if kind != "ExternalName":
        _absent(spec, internalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        _absent(spec, allocateLoadBalancerNodePorts=True)


def _claim(obj: Json) -> None:
    _absent(_child(obj, "spec"), volumeMode="Filesystem")
    _set(_child(obj, "status"), phase="Pending")


def _network_policy(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            _absent(port, protocol="TCP")


def _role_binding(obj: Json) -> None:
    _set(_child(obj, "roleRef"), apiGroup=_RBAC)
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in {"User", "Group"}:
            _set(subject, apiGroup=_RBAC)


def _secret(obj: Json) -> None:
    _set(obj, type="Opaque")


def _namespace(obj: Json) -> None:
    metadata = _child(obj, "metadata")
    if metadata.get("name"):
        _child(metadata, "labels")["kubernetes.io/metadata.name"] = metadata["name"]
    _set(_child(obj, "status"), phase="Active")


def _child(holder: Json, name: str) -> Json:
    found = holder.get(name)
    if found is None:
        found = holder[name] = {}
    made: Json = found
    return made


_KINDS: dict[tuple[str, str], Callable[[Json], None]] = {
    ("", "Pod"): _pod,
    ("", "PodTemplate"): _template,
    ("", "ReplicationController"): _replica_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Secret"): _secret,
    ("", "Namespace"): _namespace,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    (_RBAC, "RoleBinding"): _role_binding,
    (_RBAC, "ClusterRoleBinding"): _role_binding,
}


__all__ = ["with_api_defaults"]
