"""One admission request, read out of an AdmissionReview, and the answer in the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class Denied(Exception):  # noqa: N818 - an answer, not a failure
    """The request is refused; carries the API server's status."""

    def __init__(self, code: int, reason: str, message: str, causes: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status: Json = {"status": "Failure", "message": message, "reason": reason, "code": code}
        if causes is not None:
            self.status["details"] = {"causes": causes}


class Request:
    """The attributes of a request as the admission plugins see them."""

    def __init__(self, review: Json) -> None:
        request = review.get("request")
        if not isinstance(request, dict):
            raise InputError("`request` is missing", hint="give an AdmissionReview of admission.k8s.io/v1")
        self.raw: Json = request
        self.uid = request.get("uid", "")
        self.operation = str(request.get("operation") or "")
        if self.operation not in {"CREATE", "UPDATE", "DELETE", "CONNECT"}:
            raise InputError(
                f"`request.operation` is {self.operation!r}", hint="CREATE, UPDATE, DELETE or CONNECT"
            )
        self.kind: Json = _part(request, "kind")
        self.resource: Json = _part(request, "resource")
        self.subresource = str(request.get("subResource") or "")
        self.name = str(request.get("name") or "")
        self.namespace = str(request.get("namespace") or "")
        self.user: Json = request.get("userInfo") or {}
        self.object: Json | None = request.get("object")
        self.old: Json | None = request.get("oldObject")
        for what, value in (("object", self.object), ("oldObject", self.old), ("userInfo", self.user)):
            if value is not None and not isinstance(value, dict):
                raise InputError(f"`request.{what}` is not an object")
        self.warnings: list[str] = []
        self.failures: list[Json] = []
        """What policies with the action Audit found, in order; published under one key."""
        self.costs: dict[str, int] = {}
        """What each validating policy cost, in CEL's units: the most of its bindings and params."""
        self.expired: Callable[[], bool] | None = None
        """Says that whoever waits for the answer is about to give up; policies then fail as they say."""
        self.annotations: dict[str, str] = {}

    @property
    def group(self) -> str:
        """The API group of the resource."""
        return str(self.resource.get("group") or "")

    @property
    def plural(self) -> str:
        """The resource, such as `pods`."""
        return str(self.resource.get("resource") or "")

    def annotate(self, key: str, value: str) -> None:
        """Add an audit annotation; the first of a key stays (the server refuses to overwrite)."""
        self.annotations.setdefault(key, value)

    def forbidden(self, text: str) -> str:
        """Return the message of a refusal: `pods "x" is forbidden: ...`."""
        resource = f"{self.plural}.{self.group}" if self.group else self.plural
        named = f' "{self.name or self._object_name()}"' if self.name or self._object_name() else ""
        return f"{resource}{named} is forbidden: {text}"

    def _object_name(self) -> str:
        return str(((self.object or self.old or {}).get("metadata") or {}).get("name") or "")


def _part(request: Json, name: str) -> Json:
    value = request.get(name)
    if not isinstance(value, dict):
        raise InputError(f"`request.{name}` is missing", hint="give group, version and kind or resource")
    return value
