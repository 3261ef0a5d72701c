"""Defaults of the core group (pkg/apis/core/v1/defaults.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel import CelError
from seawall.policy.admission.typed.defaults.filling import absent, child, inherited, zero
from seawall.policy.admission.typed.quantities import larger, total

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


def _pod(pod: Json) -> None:
    spec = child(pod, "spec")
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    for container in containers:
        # Only of a Pod itself, not of a template.
        resources = container.get("resources") or {}
        inherited(resources, "requests", resources.get("limits"))
    _pod_resources(spec)
    absent(spec, enableServiceLinks=True)
    if spec.get("hostNetwork"):
        for container in containers:
            for port in container.get("ports") or ():
                zero(port, hostPort=port.get("containerPort"))


def _pod_resources(spec: Json) -> None:
    """Fill the resources of the pod as a whole, where they are given in part (feature PodLevelResources)."""
    resources = spec.get("resources")
    if not isinstance(resources, dict):
        return
    try:
        if resources.get("limits") or resources.get("requests"):
            limits = dict(resources.get("limits") or {})
            for name, value in _summed(spec, "limits").items():
                if name.startswith("hugepages-") and name not in (resources.get("requests") or {}):
                    limits.setdefault(name, value)
            if limits:
                resources["limits"] = limits
        if resources.get("limits"):
            requests = dict(resources.get("requests") or {})
            for name, value in _summed(spec, "requests").items():
                if name in {"cpu", "memory"}:
                    requests.setdefault(name, value)
            for name, value in resources["limits"].items():
                if name in {"cpu", "memory"} or name.startswith("hugepages-"):
                    requests.setdefault(name, value)
            if requests:
                resources["requests"] = requests
    except CelError:
        return  # a quantity that is none: the decoder says so


def _summed(spec: Json, what: str) -> Json:
    """Return the resources of all containers together (component-helpers resource.AggregateContainerRequests)."""
    found: Json = {}

    def add(into: Json, more: Json) -> None:
        for name, value in more.items():
            into[name] = total([into[name], value], into[name]) if name in into else value

    for container in spec.get("containers") or ():
        add(found, (container.get("resources") or {}).get(what) or {})
    sidecars: Json = {}
    first: Json = {}
    for container in spec.get("initContainers") or ():
        own = dict((container.get("resources") or {}).get(what) or {})
        if container.get("restartPolicy") == "Always":
            add(found, own)
            add(sidecars, own)
            own = dict(sidecars)
        else:
            add(own, sidecars)
        for name, value in own.items():
            first[name] = larger(first[name], value) if name in first else value
    for name, value in first.items():
        found[name] = larger(found[name], value) if name in found else value
    return found


def _pod_template(template: Json) -> None:
    child(template, "spec")


def _pod_spec(spec: Json) -> None:
    zero(spec, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler")
    absent(spec, securityContext={}, terminationGracePeriodSeconds=30)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        # One field under two names: the older one follows (pkg/apis/core/v1/conversion.go).
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _container(container: Json) -> None:
    zero(
        container,
        imagePullPolicy="Always" if _is_latest(str(container.get("image") or "")) else "IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    absent(container, resources={})


def _is_latest(image: str) -> bool:
    """Whether an image's tag is latest, or it has neither tag nor digest (parsers.ParseImageName)."""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag == "latest" or (not tag and not at)


def _volume(volume: Json) -> None:
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}


def _service(obj: Json) -> None:
    spec = child(obj, "spec")
    zero(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["sessionAffinity"] == "ClientIP":
        absent(child(child(spec, "sessionAffinityConfig"), "clientIP"), timeoutSeconds=10800)
    for port in spec.get("ports") or ():
        zero(port, protocol="TCP", targetPort=port.get("port"))
    kind = spec["type"]
    if kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and spec.get("externalIPs")):
        zero(spec, externalTrafficPolicy="Cluster")
    if kind in {"NodePort", "LoadBalancer", "ClusterIP"}:
        absent(spec, internalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        absent(spec, allocateLoadBalancerNodePorts=True)
        for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
            if ingress.get("ip"):
                absent(ingress, ipMode="VIP")


def _replication_controller(obj: Json) -> None:
    spec = child(obj, "spec")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        if not spec.get("selector"):
            spec["selector"] = dict(labels)
        metadata = child(obj, "metadata")
        if not metadata.get("labels"):
            metadata["labels"] = dict(labels)


def _limit_range_item(item: Json) -> None:
    if item.get("type") == "Container":
        inherited(item, "default", item.get("max"))
        inherited(item, "defaultRequest", item.get("default"))
        inherited(item, "defaultRequest", item.get("min"))


def _namespace(obj: Json) -> None:
    metadata = child(obj, "metadata")
    if metadata.get("name"):
        child(metadata, "labels")["kubernetes.io/metadata.name"] = metadata["name"]
    zero(child(obj, "status"), phase="Active")


def _volume_of_cluster(obj: Json) -> None:
    spec = child(obj, "spec")
    zero(child(obj, "status"), phase="Pending")
    zero(spec, persistentVolumeReclaimPolicy="Retain")
    absent(spec, volumeMode="Filesystem")


def _claim(obj: Json) -> None:
    child(obj, "spec")
    zero(child(obj, "status"), phase="Pending")


def _node_status(status: Json) -> None:
    if status.get("capacity") is not None and status.get("allocatable") is None:
        status["allocatable"] = dict(status["capacity"])


def _mode(source: Json) -> None:
    absent(source, defaultMode=0o644)


RULES: dict[str, Callable[[Json], None]] = {
    "core.v1.Pod": _pod,
    "core.v1.PodTemplateSpec": _pod_template,
    "core.v1.PodSpec": _pod_spec,
    "core.v1.Container": _container,
    "core.v1.EphemeralContainer": _container,
    "core.v1.Probe": lambda it: zero(
        it, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3
    ),
    "core.v1.HTTPGetAction": lambda it: zero(it, path="/", scheme="HTTP"),
    "core.v1.GRPCAction": lambda it: absent(it, service=""),
    "core.v1.ObjectFieldSelector": lambda it: zero(it, apiVersion="v1"),
    "core.v1.Volume": _volume,
    "core.v1.SecretVolumeSource": _mode,
    "core.v1.ConfigMapVolumeSource": _mode,
    "core.v1.DownwardAPIVolumeSource": _mode,
    "core.v1.ProjectedVolumeSource": _mode,
    "core.v1.ServiceAccountTokenProjection": lambda it: absent(it, expirationSeconds=3600),
    "core.v1.AzureDiskVolumeSource": lambda it: absent(it, readOnly=False),
    "core.v1.HostPathVolumeSource": lambda it: absent(it, type=""),
    "core.v1.PersistentVolumeClaimTemplate": lambda it: zero(child(it, "spec")),
    "core.v1.PersistentVolumeClaimSpec": lambda it: absent(it, volumeMode="Filesystem"),
    "core.v1.PersistentVolumeClaim": _claim,
    "core.v1.PersistentVolume": _volume_of_cluster,
    "core.v1.ReplicationController": _replication_controller,
    "core.v1.Service": _service,
    "core.v1.Secret": lambda it: zero(it, type="Opaque"),
    "core.v1.Namespace": _namespace,
    "core.v1.NodeStatus": _node_status,
    "core.v1.EndpointPort": lambda it: zero(it, protocol="TCP"),
    "core.v1.LimitRangeItem": _limit_range_item,
}
