"""`seawall serve authentication`: TokenReview in, TokenReview out (specs/access.md b5, b9).

`/authenticate` believes the issuers of the AuthenticationConfiguration in the snapshot, or Entra for one tenant. A token
that proves nobody is answered with 200 and `authenticated: false`; the API server reads an error only there.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import msgspec

from seawall.access.identities import Entra, Identities, user_json
from seawall.access.structured import AuthenticationConfiguration, read_authentication
from seawall.access.tokens import Authenticated, TokenError
from seawall.access.tokens.entra import is_pop, pop_token, tenant_of
from seawall.access.tokens.oidc import untrusted_issuer
from seawall.core.errors import InputError
from seawall.serve.service import BadRequest, Call, Json, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seawall.access.tokens.jose import KeySet
    from seawall.serve.keys import KeyRing
    from seawall.serve.service import Handler

VERSIONS = ("authentication.k8s.io/v1", "authentication.k8s.io/v1beta1")
KIND = "AuthenticationConfiguration"
_encode = msgspec.json.Encoder().encode


class _Spec(msgspec.Struct, gc=False):
    token: str = ""
    audiences: tuple[str, ...] | None = None


class _Review(msgspec.Struct, gc=False):
    kind: str
    spec: _Spec
    version: str = msgspec.field(name="apiVersion")


_decode = msgspec.json.Decoder(_Review).decode


class Authentication:
    """The service; the configuration comes with the world, keys from `ring`."""

    name = "authentication"

    def __init__(self, ring: KeyRing, entra: Entra | None = None) -> None:
        self.ring = ring
        self.entra = entra

    def handlers(self, objects: Sequence[Json]) -> Mapping[str, Handler]:
        """Compile the world's configuration. Raises InputError where there is none, or more than one."""
        found = [item for item in objects if item.get("kind") == KIND]
        if len(found) > 1 or not (found or self.entra):
            raise InputError(
                f"the snapshot holds {len(found)} objects of kind {KIND}",
                hint="give one, or --entra-tenant and none",
            )
        configuration = read_authentication(found[0]) if found else None
        given = [each.issuer for each, _ in configuration.jwt] if configuration is not None else []
        self.ring.warm((each.url, each.discovery_url, each.certificate_authority) for each in given)
        return {"/authenticate": _handler(self, configuration)}

    def who(self, configuration: AuthenticationConfiguration | None, token: str, now: float) -> Authenticated:
        """Return whose token it is, with the keys of the issuer that it claims."""
        keys: dict[str, KeySet] = {}
        try:
            if self.entra is not None and self.entra.host and is_pop(token):
                token = pop_token(token, self.entra.host, now)
            issuer = untrusted_issuer(token)
        except TokenError as error:
            return Authenticated(None, str(error))
        # Only issuers that are believed are asked for keys: a token must not send us anywhere.
        for place in self._places(configuration, issuer):
            found = self.ring.of(token, *place)
            if found is not None:
                keys[issuer] = found
        return Identities(configuration, self.entra, keys=keys).who(token, now)

    def _places(
        self, configuration: AuthenticationConfiguration | None, issuer: str
    ) -> Iterator[tuple[str, str, str]]:
        tenant = tenant_of(issuer)
        if self.entra is not None and tenant is not None and tenant[0].lower() == self.entra.tenant.lower():
            yield issuer, "", ""
        for authenticator, _ in configuration.jwt if configuration is not None else ():
            given = authenticator.issuer
            if given.url == issuer:
                yield issuer, given.discovery_url, given.certificate_authority


def _handler(service: Authentication, configuration: AuthenticationConfiguration | None) -> Handler:
    def answer(call: Call) -> Reply:
        version, spec = read_review(call.body)
        found = service.who(configuration, spec.token, time.time())
        status: Json = {"authenticated": found.user is not None}
        if found.user is not None:
            status["user"] = user_json(found.user)
        elif found.error:
            status["error"] = found.error
        record = {
            # Never the token: who has it is that user.
            "spec": {"token": f"sha256:{hashlib.sha256(spec.token.encode()).hexdigest()}"},
            "status": status,
            "issuer": found.issuer,
        }
        reply = {"apiVersion": version, "kind": "TokenReview", "status": status}
        return Reply(_encode(reply), "authenticated" if found.user is not None else "refused", record)

    return answer


def read_review(body: bytes) -> tuple[str, _Spec]:
    """Read a TokenReview v1 or v1beta1. Raises BadRequest, whose text never holds the token."""
    try:
        review = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is no TokenReview: {error}") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    if review.kind != "TokenReview" or review.version not in VERSIONS:
        raise BadRequest(f"the body is a {review.version} {review.kind}, not a TokenReview of v1 or v1beta1")
    return review.version, review.spec


__all__ = ["Authentication", "read_review"]
