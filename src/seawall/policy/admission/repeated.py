"""New pods read no further than Pod Security looks, and those that were judged before not at all.

An answer of Pod Security depends on the namespace, the pod's specification and its annotations, and on
nothing else of a request where no user is exempt and no policy is loaded. So the hundredth pod of a
ReplicaSet is answered from what the second was told: the parts are compared byte for byte, as the caller
wrote them. Only answers that allow and warn of nothing are kept: a refusal names the pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from seawall.policy.admission.engine import AdmissionEngine

Json = dict[str, Any]
Key = tuple[str, bytes, bytes]
LARGEST = 64 << 10
KEPT = 16 << 20
"""Bytes: of one review, and of all keys."""
SIGHTED = 1 << 16
"""How many keys are known to have been seen once: an answer is kept when a pod comes again."""


class _Metadata(msgspec.Struct):
    annotations: msgspec.Raw = msgspec.Raw()
    name: str = ""


class _Pod(msgspec.Struct):
    spec: msgspec.Raw
    metadata: _Metadata


class _Kind(msgspec.Struct):
    kind: str
    group: str = ""


class _Resource(msgspec.Struct):
    resource: str
    group: str = ""


class _Anything(msgspec.Struct):
    """An object that is not looked into."""


class _Request(msgspec.Struct, rename="camel"):
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


class _Review(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    request: _Request


class NewPod(NamedTuple):
    """A review of a new pod: its uid, what tells its answer, the answer (without uid) where it is known."""

    uid: str
    key: Key
    known: Json | None
    request: _Request

    def review(self) -> Json | None:
        """Return the review with as much of the pod as Pod Security looks at; None where that cannot be read."""
        request = self.request
        pod = request.object
        try:
            spec = msgspec.json.decode(pod.spec)
            annotations = msgspec.json.decode(self.key[2]) if self.key[2] else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        metadata = {"name": pod.metadata.name, "annotations": annotations}
        return {
            "phase": "validating",
            "request": {
                "uid": request.uid,
                "operation": "CREATE",
                "name": request.name,
                "namespace": request.namespace,
                "kind": _POD,
                "resource": _PODS,
                "object": {"kind": "Pod", "metadata": metadata, "spec": spec},
            },
        }


_POD = {"group": "", "version": "v1", "kind": "Pod"}
_PODS = {"group": "", "version": "v1", "resource": "pods"}


class Repeated:
    """Remembers the answers of one world; `useful` says that pods alone decide in it."""

    def __init__(self, engine: AdmissionEngine) -> None:
        self._decode = msgspec.json.Decoder(_Review).decode
        self._known: dict[Key, Json] = {}
        self._size = 0
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
        if (
            review.kind != "AdmissionReview"
            or review.api_version != "admission.k8s.io/v1"
            or not request.uid
            or request.operation != "CREATE"
            or request.sub_resource
            or (request.resource.group, request.resource.resource) != ("", "pods")
            or (request.kind.group, request.kind.kind) != ("", "Pod")
        ):
            return None
        pod = request.object
        key = (request.namespace, bytes(pod.spec), bytes(pod.metadata.annotations))
        return NewPod(request.uid, key, self._known.get(key), request)

    def keep(self, key: Key, response: Json) -> None:
        """Remember an answer when its pod comes for the second time, where it holds for every such pod."""
        if response.get("allowed") is not True or "warnings" in response or "patch" in response:
            return
        sight = hash(key)
        if sight not in self._sighted:
            if len(self._sighted) >= SIGHTED:
                self._sighted.clear()
            self._sighted.add(sight)
            return
        self._size += len(key[1]) + len(key[2])
        if self._size > KEPT:
            self._known.clear()
            self._size = len(key[1]) + len(key[2])
        self._known[key] = {name: value for name, value in response.items() if name != "uid"}


__all__ = ["NewPod", "Repeated"]
