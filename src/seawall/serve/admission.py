"""`seawall serve admission`: AdmissionReview in, AdmissionReview out (kubernetes.io: dynamic admission control).

`/validate` answers with Pod Security and the validating policies, `/mutate` with the mutating ones.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core.engine import EngineOptions
from seawall.policy.admission.engine import AdmissionEngine
from seawall.policy.admission.repeated import Repeated
from seawall.policy.admission.request import Request
from seawall.serve.redact import redacted
from seawall.serve.service import BadRequest, Call, Json, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from seawall.serve.service import Handler

API = "admission.k8s.io/v1"
MAX_WARNINGS = 4096  # characters of all
MAX_WARNING = 256  # of each, where all are over that
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_.-]")


class Admission:
    """The service; `version` is the API server to answer as."""

    name = "admission"

    def __init__(self, version: str = "1.34") -> None:
        self.options = EngineOptions(kubernetes_version=version)

    def handlers(self, objects: Sequence[Json]) -> Mapping[str, Handler]:
        """Compile the policies of a world. Raises SeawallError."""
        made = AdmissionEngine.of(self.options)
        made.load({"objects": list(objects)})
        return {
            "/validate": _remembering(made),
            "/mutate": _handler(made, "mutating"),
        }


def _handler(made: AdmissionEngine, phase: str) -> Handler:
    def answer(call: Call) -> Reply:
        review = read_review(call.body)
        review["phase"] = phase
        request = Request(review)
        request.expired = _clock(call.seconds)
        return _reply(review, made.judge(request, review)["response"])

    return answer


def _clock(seconds: float) -> Callable[[], bool]:
    """Return what says that a caller is about to give up: a fifth of its patience is left for the way back."""
    end = time.monotonic() + seconds * 0.8
    return lambda: time.monotonic() > end


def _remembering(made: AdmissionEngine) -> Handler:
    """Return the handler of the validating half that knows pods which it has judged before."""
    slow = _handler(made, "validating")
    repeated = Repeated(made)
    if not repeated.useful:
        return slow

    def answer(call: Call) -> Reply:
        body = call.body
        found = repeated.find(body)
        if found is None:
            return slow(call)
        known = found.known
        if known is not None:
            tail, response = known
            uid = found.uid
            return Reply(
                b"%b%b%b" % (_HEAD, _encode(uid), tail),
                "allow",
                lambda: _logged(body, {"uid": uid, **response}),
            )
        review = found.review()
        if review is None:
            return slow(call)
        answered = made.answer(review)["response"]
        kept = {name: value for name, value in answered.items() if name != "uid"}
        # The end of the answer as it is written, after the uid.
        repeated.keep(found.key, answered, (b"," + _encode(for_webhook(kept))[1:] + b"}", kept))
        verdict = "allow" if answered["allowed"] else "deny"
        return Reply(_encode(_shown(answered)), verdict, lambda: _logged(body, answered))

    return answer


_HEAD = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":'


def _logged(body: bytes, response: Json) -> Json:
    return _record(read_review(body) | {"phase": "validating"}, response)


def _shown(response: Json) -> Json:
    return {"apiVersion": API, "kind": "AdmissionReview", "response": for_webhook(response)}


def _reply(review: Json, response: Json) -> Reply:
    verdict = "allow" if response["allowed"] else "deny"
    return Reply(_encode(_shown(response)), verdict, lambda: _record(review, response))


def _record(review: Json, response: Json) -> Json:
    """Return the line of the decision log: `seawall decide admission` answers it again."""
    about = {"apiVersion": API, "kind": "AdmissionReview", "phase": review["phase"]}
    return about | {"request": redacted(review["request"]), "response": response}


def read_review(body: bytes) -> Json:
    """Read an AdmissionReview. Raises BadRequest, saying what is wrong."""
    try:
        review: Any = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise BadRequest("the body is no AdmissionReview")
    if review.get("apiVersion") != API:
        raise BadRequest(
            f"apiVersion is {review.get('apiVersion')!r}; put v1 into admissionReviewVersions of the webhook"
        )
    request = review.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("uid"), str) or not request["uid"]:
        raise BadRequest("the AdmissionReview has no request with a uid")
    return review


def for_webhook(response: Json) -> Json:
    """Return a response as the API server takes it from a webhook.

    Keys of annotations without a slash: it prefixes each with the webhook's name and a slash
    (plugin/webhook/validating/dispatcher.go), and what follows must be a name of at most 63 letters, digits,
    `-`, `_` and `.`. Warnings as it would cut them: 256 characters each once all are over 4,096
    (endpoints/filters/warning.go).
    """
    annotations, warnings = response.get("auditAnnotations"), response.get("warnings")
    if annotations:
        shown = {annotation_key(key): text for key, text in annotations.items()}
        response = response | {"auditAnnotations": shown}
    if warnings and sum(map(len, warnings)) > MAX_WARNINGS:
        response = response | {"warnings": _cut(warnings)}
    return response


def _cut(warnings: list[str]) -> list[str]:
    kept: list[str] = []
    total = 0
    for text in warnings:
        short = text[:MAX_WARNING]
        total += len(short)
        if total > MAX_WARNINGS:
            break
        kept.append(short)
    return kept


def annotation_key(key: str) -> str:
    """Return a key as a name without a slash; a long one keeps its end and gets a hash of the whole."""
    plain = _NOT_IN_KEYS.sub("_", key)
    if len(plain) <= 63:
        return plain
    return f"{hashlib.sha256(key.encode()).hexdigest()[:8]}-{plain[-54:].lstrip('._-')}"


__all__ = ["Admission", "annotation_key", "for_webhook", "read_review"]
