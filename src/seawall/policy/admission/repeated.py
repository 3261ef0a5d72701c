"""New pods read no further than Pod Security looks, and those that are to it like one before are not judged again.

An answer of Pod Security depends on the namespace, on some annotations and on a few fields of the specification, and on
nothing else of a request where no user is exempt and no policy is loaded. Only those fields are decoded; where all
checks passed for them before, they pass again: images, environments, names and mounts may be any. Only answers that
allow and warn of nothing are kept: a refusal names the pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from seawall.policy.admission.engine import AdmissionEngine

Json = dict[str, Any]
Key = tuple[Any, ...]
_NOTHING = msgspec.Raw()
LARGEST = 64 << 10
"""Bytes of one review that is read in this way."""
KEPT = 1 << 16
"""How many answers are kept, and how many keys are known to have been seen once: an answer is kept at the second."""


class _Target(msgspec.Struct, gc=False):
    host: str | None = None


class _Handler(msgspec.Struct, gc=False, rename="camel"):
    http_get: _Target | None = None
    tcp_socket: _Target | None = None


class _Lifecycle(msgspec.Struct, gc=False, rename="camel"):
    post_start: _Handler | None = None
    pre_stop: _Handler | None = None


class _Port(msgspec.Struct, gc=False, rename="camel"):
    host_port: int | None = None


class _Container(msgspec.Struct, gc=False, rename="camel"):
    """What the checks read of a container; what is not read may be of any shape."""

    name: str = ""
    security_context: msgspec.Raw = _NOTHING
    ports: list[_Port] | None = None
    liveness_probe: _Handler | None = None
    readiness_probe: _Handler | None = None
    startup_probe: _Handler | None = None
    lifecycle: _Lifecycle | None = None


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    containers: list[_Container]
    init_containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None
    volumes: list[dict[str, msgspec.Raw]] | None = None
    security_context: msgspec.Raw = _NOTHING
    host_network: bool | None = None
    host_pid: bool | None = msgspec.field(default=None, name="hostPID")
    host_ipc: bool | None = msgspec.field(default=None, name="hostIPC")
    host_users: bool | None = None
    os: msgspec.Raw = _NOTHING
    runtime_class_name: str | None = None


class _Metadata(msgspec.Struct, gc=False):
    annotations: msgspec.Raw = _NOTHING
    name: str = ""


class _Pod(msgspec.Struct, gc=False):
    spec: _Spec
    metadata: _Metadata


class _Kind(msgspec.Struct, gc=False):
    kind: str
    group: str = ""


class _Resource(msgspec.Struct, gc=False):
    resource: str
    group: str = ""


class _Anything(msgspec.Struct, gc=False):
    """An object that is not looked into."""


class _Request(msgspec.Struct, gc=False, rename="camel"):
    uid: str
    operation: str
    kind: _Kind
    resource: _Resource
    namespace: str
    object: _Pod
    name: str = ""
    sub_resource: str = ""
    user_info: _Anything | None = None
    old_object: _Anything | None = None


class _Review(msgspec.Struct, gc=False, rename="camel"):
    api_version: str
    kind: str
    request: _Request


class NewPod(NamedTuple):
    """A review of a new pod: its uid, what tells its answer, what was kept of that answer (None: it is not known)."""

    uid: str
    key: Key
    known: Any
    request: _Request

    def review(self) -> Json | None:
        """Return the review with as much of the pod as Pod Security looks at; None where that cannot be read."""
        request = self.request
        try:
            pod = _plain(request.object)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return {
            "phase": "validating",
            "request": {
                "uid": request.uid,
                "operation": "CREATE",
                "name": request.name,
                "namespace": request.namespace,
                "kind": _POD,
                "resource": _PODS,
                "object": pod,
            },
        }


_POD = {"group": "", "version": "v1", "kind": "Pod"}
_PODS = {"group": "", "version": "v1", "resource": "pods"}
_decode = msgspec.json.decode


def _plain(pod: _Pod) -> Json:
    """Return what was read of a pod as the checks read it. Raises DecodeError."""
    given = pod.spec
    spec: Json = {"containers": [_plain_container(each) for each in given.containers]}
    for name, containers in (
        ("initContainers", given.init_containers),
        ("ephemeralContainers", given.ephemeral_containers),
    ):
        if containers is not None:
            spec[name] = [_plain_container(each) for each in containers]
    if given.volumes is not None:
        spec["volumes"] = [{key: _decode(value) for key, value in volume.items()} for volume in given.volumes]
    for name, raw in (("securityContext", given.security_context), ("os", given.os)):
        if raw:
            spec[name] = _decode(raw)
    for name, value in (
        ("hostNetwork", given.host_network), ("hostPID", given.host_pid), ("hostIPC", given.host_ipc),
        ("hostUsers", given.host_users), ("runtimeClassName", given.runtime_class_name),
    ):  # fmt: skip
        if value is not None:
            spec[name] = value
    metadata: Json = {"name": pod.metadata.name}
    if pod.metadata.annotations:
        metadata["annotations"] = _decode(pod.metadata.annotations)
    return {"kind": "Pod", "metadata": metadata, "spec": spec}


def _plain_container(given: _Container) -> Json:
    found: Json = {"name": given.name}
    if given.security_context:
        found["securityContext"] = _decode(given.security_context)
    if given.ports is not None:
        found["ports"] = [
            {} if port.host_port is None else {"hostPort": port.host_port} for port in given.ports
        ]
    for name, value in (
        ("livenessProbe", given.liveness_probe), ("readinessProbe", given.readiness_probe),
        ("startupProbe", given.startup_probe), ("lifecycle", given.lifecycle),
    ):  # fmt: skip
        if value is not None:
            found[name] = msgspec.to_builtins(value)
    return found


def _key(request: _Request) -> Key:
    """Return all that decides whether Pod Security allows a new pod, and nothing that does not."""
    pod = request.object
    spec = pod.spec
    annotations = bytes(pod.metadata.annotations)
    # Only those of AppArmor and seccomp are read; a key may be written with escapes.
    named = b"security" in annotations or b"\\" in annotations or annotations[:1] not in {b"", b"{"}
    containers = spec.containers
    if spec.init_containers or spec.ephemeral_containers:
        containers = [*containers, *(spec.init_containers or ()), *(spec.ephemeral_containers or ())]
    # A check asks the same of each container: how many are alike, and where, makes no difference.
    each = frozenset([_container_key(one, named=named) for one in containers])
    volumes = spec.volumes
    return (
        request.namespace,
        annotations if named else b"",
        bytes(spec.security_context),
        each,
        frozenset([_volume_key(one) for one in volumes]) if volumes else None,
        spec.host_network, spec.host_pid, spec.host_ipc, spec.host_users, bytes(spec.os), spec.runtime_class_name,
    )  # fmt: skip


def _container_key(one: _Container, *, named: bool) -> Any:
    context = bytes(one.security_context)
    if not (one.ports or one.liveness_probe or one.readiness_probe or one.startup_probe or one.lifecycle):
        return (context, one.name) if named else context
    hosts: Any = None
    if one.liveness_probe or one.readiness_probe or one.startup_probe or one.lifecycle:
        hooks = one.lifecycle
        handlers = [one.liveness_probe, one.readiness_probe, one.startup_probe]
        handlers += [hooks.post_start, hooks.pre_stop] if hooks is not None else []
        hosts = tuple(
            sorted({host for handler in handlers if handler is not None for host in _hosts(handler)})
        )
    ports = one.ports
    opened = tuple([port.host_port for port in ports if port.host_port]) if ports else None
    if hosts or opened or named:
        return context, hosts, opened, one.name if named else None
    return context


def _hosts(handler: _Handler) -> list[str]:
    return [
        target.host for target in (handler.http_get, handler.tcp_socket) if target is not None and target.host
    ]


def _volume_key(volume: dict[str, msgspec.Raw]) -> Any:
    found = [name for name, value in volume.items() if name != "name" and bytes(value) != b"null"]
    if len(found) == 1:
        return found[0]
    found.sort()
    return tuple(found)


class Repeated:
    """Remembers the answers of one world; `useful` says that pods alone decide in it."""

    def __init__(self, engine: AdmissionEngine) -> None:
        self._decode = msgspec.json.Decoder(_Review).decode
        self._known: dict[Key, Any] = {}
        self._sighted: set[int] = set()
        self.useful = not engine.validating.policies and not engine.pod_security.users

    def find(self, body: bytes) -> NewPod | None:
        """Read a review; None where it is not of a new pod, or cannot be read: the slow way says why."""
        if not self.useful or len(body) > LARGEST:
            return None
        try:
            review = self._decode(body)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        request = review.request
        resource, kind = request.resource, request.kind
        if (
            review.kind != "AdmissionReview"
            or review.api_version != "admission.k8s.io/v1"
            or not request.uid
            or request.operation != "CREATE"
            or request.sub_resource
            or resource.resource != "pods"
            or resource.group
            or kind.kind != "Pod"
            or kind.group
        ):
            return None
        key = _key(request)
        return NewPod(request.uid, key, self._known.get(key), request)

    def keep(self, key: Key, response: Json, made: Any) -> None:
        """Keep `made` for an answer whose like comes for the second time, where it holds for every such pod."""
        if response.get("allowed") is not True or "warnings" in response or "patch" in response:
            return
        sight = hash(key)
        if sight not in self._sighted:
            if len(self._sighted) >= KEPT:
                self._sighted.clear()
            self._sighted.add(sight)
            return
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[key] = made


__all__ = ["NewPod", "Repeated"]
