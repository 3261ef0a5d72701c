"""What the checks read of a pod, taken out of the object once."""

from __future__ import annotations

from typing import Any, NamedTuple

from seawall.core.errors import InputError
from seawall.snapshot.workloads import POD_TEMPLATE_OF_KIND

Json = dict[str, Any]


class Container(NamedTuple):
    """One container: its name, its security context ({} where there is none), the whole of it."""

    name: str
    context: Json
    raw: Json


class Pod:
    """A pod or pod template as the checks read it.

    Attributes:
        spec: the pod specification.
        annotations: of the pod or template.
        context: the pod's security context, {} where there is none.
        containers: init, regular, ephemeral, in this order (policy/visitor.go of the reference).
        fields: every key that stands in the specification, in a container or in a security context:
            a check that can only fail when a field is present is not asked when it is absent.
        whole: what the pod was made of, where it holds only some of the containers (`reduced`), else None.
        windows: the pod says that its operating system is Windows.
        user_namespace: the pod runs in a user namespace of its own (`hostUsers: false`).
    """

    __slots__ = (
        "annotations",
        "containers",
        "context",
        "fields",
        "spec",
        "user_namespace",
        "whole",
        "windows",
    )

    def __init__(self, metadata: Json, spec: Json, *, some: list[Json] | None = None) -> None:
        self.spec = spec
        self.whole: tuple[Json, Json] | None = None
        self.annotations: dict[str, str] = metadata.get("annotations") or {}
        self.context: Json = spec.get("securityContext") or {}
        raw = _all_containers(spec) if some is None else some
        self.containers = [Container(c.get("name") or "", c.get("securityContext") or {}, c) for c in raw]
        self.fields: set[str] = set(spec).union(self.context)
        for container in self.containers:
            self.fields.update(container.raw, container.context)
        os = spec.get("os")
        self.windows: bool = os is not None and os.get("name") == "windows"
        self.user_namespace: bool = spec.get("hostUsers") is False


def _all_containers(spec: Json) -> list[Json]:
    raw: list[Json] = spec.get("containers") or []
    if "initContainers" in spec or "ephemeralContainers" in spec:
        return [*(spec.get("initContainers") or ()), *raw, *(spec.get("ephemeralContainers") or ())]
    return raw


def reduced(metadata: Json, spec: Json) -> Pod:
    """Return a pod without the containers that are, for every check, like one before them.

    Where it is allowed the whole pod is: a check asks the same of each container, and looks at its security
    context, host ports, and the hosts of probes and hooks. Where it is not, the whole pod has to be judged,
    so that all containers are named (`registry.judge` does).
    """
    raw = _all_containers(spec)
    if len(raw) < FEW:
        return Pod(metadata, spec)
    first = raw[0].get("securityContext")
    kept = [
        container
        for container in raw
        if container.get("securityContext") != first
        or "livenessProbe" in container
        or "readinessProbe" in container
        or "startupProbe" in container
        or "lifecycle" in container
    ]
    kept += [c for c in raw if "ports" in c for port in c["ports"] or () if "hostPort" in port]
    if len(kept) >= len(raw) - 1:
        return Pod(metadata, spec)
    made = Pod(metadata, spec, some=[raw[0], *kept])
    made.whole = (metadata, spec)
    return made


FEW = 3


def template_of(obj: Json) -> Json | None:
    """Return the part of a workload that has a pod's `metadata` and `spec`; None where there is none.

    Raises:
        InputError: the object is of a kind that holds no pod.
    """
    kind = obj.get("kind", "Pod")
    if not isinstance(kind, str) or kind not in POD_TEMPLATE_OF_KIND:
        raise InputError(
            f"an object of kind {kind!r} holds no pod",
            hint=f"give one of {', '.join(POD_TEMPLATE_OF_KIND)}",
        )
    found: Any = obj
    for step in POD_TEMPLATE_OF_KIND[kind]:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def defaulted(spec: Json, *, template: bool) -> Json:
    """Return the specification with the API server's defaults that the checks can see.

    A volume without a source is an emptyDir. With hostNetwork, a pod's container ports are also host
    ports; a template's are not (feature DefaultHostNetworkHostPortsInPodTemplates, off since 1.28).
    The given object is not changed.
    """
    volumes = spec.get("volumes")
    if volumes and any(not _has_source(volume) for volume in volumes):
        spec = spec | {"volumes": [v if _has_source(v) else v | {"emptyDir": {}} for v in volumes]}
    if spec.get("hostNetwork") and not template:
        spec = spec | {
            key: [_with_host_ports(container) for container in spec[key]]
            for key in ("containers", "initContainers")
            if spec.get(key)
        }
    return spec


def _has_source(volume: Json) -> bool:
    return len(volume) > 1 and any(value is not None for key, value in volume.items() if key != "name")


def _with_host_ports(container: Json) -> Json:
    ports = container.get("ports")
    if not ports:
        return container
    filled = [
        p if p.get("hostPort") or not p.get("containerPort") else p | {"hostPort": p["containerPort"]}
        for p in ports
    ]
    return container | {"ports": filled}
