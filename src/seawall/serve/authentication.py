"""`seawall serve authentication`: TokenReview in, TokenReview out (specs/access.md b5, b9).

`/authenticate` believes the issuers of the AuthenticationConfiguration in the snapshot, or Entra for one tenant. A token
that proves nobody is answered with 200 and `authenticated: false`; the API server reads an error only there.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.structured import AuthenticationConfiguration, read_authentication
from seawall.access.tokens import Authenticated, TokenError, authenticate
from seawall.access.tokens.entra import AKS_SERVER, entra_token, is_pop, pop_token, tenant_of
from seawall.access.tokens.oidc import untrusted_issuer, with_authenticated
from seawall.core.errors import InputError
from seawall.serve.service import BadRequest, Call, Json, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seawall.access.attributes import User
    from seawall.access.azure.directory import Directory
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


class Entra(msgspec.Struct, frozen=True):
    """How Entra's tokens are taken: of one tenant, for one audience; `host` is what proofs of possession must name."""

    tenant: str
    audience: str = AKS_SERVER
    host: str = ""
    directory: Directory | None = None


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
        return {"/authenticate": _handler(self, configuration)}

    def who(self, configuration: AuthenticationConfiguration | None, token: str, now: float) -> Authenticated:
        """Return whose token it is."""
        try:
            if self.entra is not None and self.entra.host and is_pop(token):
                token = pop_token(token, self.entra.host, now)
            issuer = untrusted_issuer(token)
        except TokenError as error:
            return Authenticated(None, str(error))
        entra = tenant_of(issuer)
        if self.entra is not None and entra is not None and entra[0].lower() == self.entra.tenant.lower():
            return self._entra(self.entra, token, issuer, now)
        if configuration is None:
            return Authenticated(None, "no authenticator knows the token's issuer")
        keys = {}
        for authenticator, _ in configuration.jwt:
            given = authenticator.issuer
            if given.url == issuer:
                found = self.ring.of(token, given.url, given.discovery_url, given.certificate_authority)
                if found is not None:
                    keys[issuer] = found
        return authenticate(configuration, token, keys, now)

    def _entra(self, entra: Entra, token: str, issuer: str, now: float) -> Authenticated:
        keys = self.ring.of(token, issuer)
        if keys is None:
            return Authenticated(None, "the keys of Entra could not be fetched", issuer)
        found = entra_token(
            token, entra.tenant, keys, now, audience=entra.audience, directory=entra.directory
        )
        if found.user is not None and not found.complete:
            # Fewer groups than there are would let deny rules by group miss: better nobody than half of somebody.
            return Authenticated(None, found.problem, issuer)
        return Authenticated(
            with_authenticated(found.user) if found.user is not None else None,
            "" if found.user is not None else found.problem,
            issuer,
        )


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


def user_json(user: User) -> dict[str, Any]:
    """Write a UserInfo."""
    written: dict[str, Any] = {"username": user.name}
    if user.uid:
        written["uid"] = user.uid
    if user.groups:
        written["groups"] = list(user.groups)
    if user.extra:
        written["extra"] = {key: list(values) for key, values in user.extra}
    return written


__all__ = ["Authentication", "Entra", "read_review", "user_json"]
