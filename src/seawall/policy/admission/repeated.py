"""Pods that were judged before: the hundredth pod of a ReplicaSet is answered from what the first was told.

An answer of Pod Security depends on the namespace, the pod's specification and its annotations, and on
nothing else of a request where no user is exempt and no policy is loaded. Those parts are compared byte for
byte, as the caller wrote them, without being decoded. Only answers that allow and warn of nothing are kept:
a refusal names the pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from seawall.policy.admission.engine import AdmissionEngine

Json = dict[str, Any]
LARGEST = 64 << 10
KEPT = 16 << 20
"""Bytes: of one review, and of all keys."""


class _Metadata(msgspec.Struct):
    annotations: msgspec.Raw = msgspec.Raw()


class _Pod(msgspec.Struct):
    spec: msgspec.Raw
    metadata: _Metadata


class _Kind(msgspec.Struct):
    kind: str
    group: str = ""


class _Resource(msgspec.Struct):
    resource: str
    group: str = ""


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    operation: str
    kind: _Kind
    resource: _Resource
    namespace: str
    object: _Pod
    sub_resource: str = ""


class _Review(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    request: _Request


class Repeated:
    """Remembers the answers of one world."""

    def __init__(self, engine: AdmissionEngine) -> None:
        self._decode = msgspec.json.Decoder(_Review).decode
        self._known: dict[tuple[str, bytes, bytes], Json] = {}
        self._size = 0
        self.useful = not engine.validating.policies and not engine.pod_security.users

    def find(self, body: bytes) -> tuple[tuple[str, bytes, bytes] | None, str, Json | None]:
        """Return the key of a review (None where it is none to remember), its uid, and what is known of it.

        What is known is a response without a uid. Raises nothing: what cannot be read has no key.
        """
        if not self.useful or len(body) > LARGEST:
            return None, "", None
        try:
            review = self._decode(body)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None, "", None  # the slow way says what is wrong
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
            return None, "", None
        key = (request.namespace, bytes(request.object.spec), bytes(request.object.metadata.annotations))
        return key, request.uid, self._known.get(key)

    def keep(self, key: tuple[str, bytes, bytes], response: Json) -> None:
        """Remember an answer, where it is one that holds for every such pod."""
        if response.get("allowed") is not True or "warnings" in response or "patch" in response:
            return
        self._size += len(key[1]) + len(key[2])
        if self._size > KEPT:
            self._known.clear()
            self._size = len(key[1]) + len(key[2])
        self._known[key] = {name: value for name, value in response.items() if name != "uid"}


__all__ = ["Repeated"]
