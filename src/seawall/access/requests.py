"""One HTTP request from its headers to the answer: impersonation first, then authorization (specs b3, b6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import Attributes, mapping_of, review_spec, text_of, user_info
from seawall.access.chain import authorize
from seawall.access.impersonation import (
    HeaderError,
    ImpersonationRefusedError,
    impersonate,
    read_headers,
)
from seawall.access.refusals import forbidden_message
from seawall.access.requestinfo import RequestInfoError, attributes_of
from seawall.access.text import escape_html, quote
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from seawall.access.world import AccessWorld


def answer_request(world: AccessWorld, given: Any) -> dict[str, Any]:
    """Answer `{"method", "path", "headers"?, "user"}`: the last check made, and code and message of a refusal.

    Raises:
        InputError: it is not of this form.
    """
    if not isinstance(given, dict):
        raise InputError("request is not an object")
    mapping_of(given, "user", "request")
    user = user_info(given.get("user") or {}, "request.user")
    method, target = text_of(given, "method", "request") or "GET", text_of(given, "path", "request")
    headers = _headers(given.get("headers"))
    try:
        asked = attributes_of(method, target, user)
    except RequestInfoError as error:
        return _failed(target, f"failed to create RequestInfo: {error}", None)
    constraint = ""
    wanted = read_headers(headers)
    if wanted.any or any(name.lower().startswith("impersonate-extra-") for name, _ in headers):
        try:
            effective, constraint = impersonate(world, asked, wanted)
        except HeaderError as error:
            if error.code == 500:
                return _failed(target, str(error), asked)
            return _refused(asked, error.code, str(error))
        except ImpersonationRefusedError as error:
            return _refused(error.last, 403, forbidden_message(error.asked, error.reason))
        asked = msgspec.structs.replace(asked, user=effective)
    decision = authorize(world, asked)
    answer: dict[str, Any] = {"spec": review_spec(asked), "status": {"allowed": decision.allowed}}
    if decision.reason:
        answer["status"]["reason"] = decision.reason
    if constraint:
        answer["constraint"] = constraint
    if not decision.allowed:
        answer |= {"code": 403, "message": forbidden_message(asked, decision.reason)}
    answer["trail"] = [step.as_json() for step in decision.trail]
    return answer


def _headers(given: Any) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise InputError("request.headers is not a list", hint='write [["Impersonate-User", "jane"]]')
    found = []
    for item in given:
        if (
            not isinstance(item, list)
            or len(item) != 2
            or not isinstance(item[0], str)
            or not isinstance(item[1], str)
        ):
            raise InputError("a header is not a pair of texts", hint='write [["Impersonate-User", "jane"]]')
        found.append((item[0], item[1]))
    return found


def _refused(asked: Attributes, code: int, message: str) -> dict[str, Any]:
    return {
        "spec": review_spec(asked),
        "status": {"allowed": False},
        "code": code,
        "message": message,
    }


def _failed(target: str, text: str, asked: Attributes | None) -> dict[str, Any]:
    """Return the plain-text answer of a 500 (responsewriters: InternalError)."""
    message = escape_html(f"Internal Server Error: {quote(target)}: {text}")
    spec = review_spec(asked) if asked is not None else None
    return {"spec": spec, "status": {"allowed": False}, "code": 500, "message": message}
