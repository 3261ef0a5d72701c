"""Whose token is it? All that the API server and AKS take, over one description of whom they believe."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import msgspec

from seawall.access.attributes import mapping_of, text_of, texts_of
from seawall.access.azure.directory import read_directory
from seawall.access.structured import AuthenticationConfiguration, read_authentication
from seawall.access.tokens import Authenticated, KeySet, ServiceAccountTokens, TokenError, authenticate
from seawall.access.tokens.certificates import certificate_user
from seawall.access.tokens.entra import AKS_SERVER, entra_token, is_pop, pop_token, tenant_of
from seawall.access.tokens.jose import pem_key, read_keys
from seawall.access.tokens.oidc import untrusted_issuer, with_authenticated
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from seawall.access.attributes import User
    from seawall.access.azure.directory import Directory

API_SERVER = "https://kubernetes.default.svc"
"""The usual issuer of service accounts' tokens; AKS has one of its own for each cluster."""


class Entra(msgspec.Struct, frozen=True):
    """How Entra's tokens are taken: of one tenant, for one audience; `host` is what proofs of possession must name."""

    tenant: str
    audience: str = AKS_SERVER
    host: str = ""
    directory: Directory | None = None


class Identities:
    """Who is believed: issuers of a configuration, the API server's own tokens, Entra for one tenant."""

    def __init__(
        self,
        configuration: AuthenticationConfiguration | None = None,
        entra: Entra | None = None,
        accounts: ServiceAccountTokens | None = None,
        keys: dict[str, KeySet] | None = None,
        distributed: dict[str, str] | None = None,
    ) -> None:
        self.configuration, self.entra, self.accounts = configuration, entra, accounts
        self.keys = keys or {}
        self.distributed = distributed or {}

    @classmethod
    def of(cls, world: dict[str, Any]) -> Self:
        """Read a world line: `authentication` (an AuthenticationConfiguration), `keys` (JWKS by issuer).

        `serviceAccounts` {"issuers", "audiences"?, "keys" (PEM)}, `entra` {"tenant", "audience"?, "host"?, "groups"?},
        and `distributed` (tokens by the endpoint that gives them).

        Raises:
            InputError: something of it is of another shape.
        """
        keys = {url: read_keys(given) for url, given in (mapping_of(world, "keys", "world") or {}).items()}
        distributed = mapping_of(world, "distributed", "world") or {}
        given = world.get("authentication")
        return cls(
            None if given is None else read_authentication(given),
            _entra(mapping_of(world, "entra", "world")),
            _accounts(mapping_of(world, "serviceAccounts", "world"), world.get("objects") or []),
            keys,
            {url: str(token) for url, token in distributed.items()},
        )

    def who(self, token: str, now: float, audiences: tuple[str, ...] = ()) -> Authenticated:
        """Return whose token it is at a time (seconds since 1970), or why nobody's; service accounts come first."""
        if self.accounts is not None:
            found = self.accounts.authenticate(token, now, audiences)
            if found is not None:
                return found
        try:
            if self.entra is not None and self.entra.host and is_pop(token):
                token = pop_token(token, self.entra.host, now)
            issuer = untrusted_issuer(token)
        except TokenError as error:
            return Authenticated(None, str(error))
        tenant = tenant_of(issuer)
        if self.entra is not None and tenant is not None and tenant[0].lower() == self.entra.tenant.lower():
            return self._of_entra(self.entra, token, issuer, now)
        if self.configuration is None:
            return Authenticated(None, "no authenticator knows the token's issuer")
        return authenticate(self.configuration, token, self.keys, now, self.distributed)

    def _of_entra(self, entra: Entra, token: str, issuer: str, now: float) -> Authenticated:
        keys = self.keys.get(issuer)
        if keys is None:
            return Authenticated(None, "the keys of Entra are not known", issuer)
        found = entra_token(
            token, entra.tenant, keys, now, audience=entra.audience, directory=entra.directory
        )
        if found.user is None or not found.complete:
            # Half of a user's groups is another user's rights: better nobody than half of somebody.
            return Authenticated(None, found.problem, issuer)
        return Authenticated(with_authenticated(found.user), issuer=issuer)

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer `{"token", "as_of": seconds or RFC 3339, "audiences"?}`, or `{"certificate", "authorities", "as_of"}`.

        Raises:
            InputError: it is not of this form; the text never holds the token.
        """
        now = _time(line.get("as_of"))
        if "certificate" in line:
            pem, roots = (text_of(line, key, "line").encode() for key in ("certificate", "authorities"))
            found = certificate_user(pem, roots, now)
        else:
            found = self.who(text_of(line, "token", "line"), now, texts_of(line, "audiences", "line"))
        answer: dict[str, Any] = {"authenticated": found.user is not None}
        if found.user is not None:
            answer["user"] = user_json(found.user)
        elif found.error:
            answer["error"] = found.error
        return answer


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


def _time(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError("as_of is no time", hint='write "as_of": 1800000000 or "2027-01-15T08:00:00Z"')
    return moment.timestamp()


def _entra(given: dict[str, Any] | None) -> Entra | None:
    if given is None:
        return None
    tenant = text_of(given, "tenant", "entra")
    if not tenant:
        raise InputError("entra.tenant is missing")
    groups = given.get("groups")
    return Entra(
        tenant,
        text_of(given, "audience", "entra") or AKS_SERVER,
        text_of(given, "host", "entra"),
        None if groups is None else read_directory(groups),
    )


def _accounts(given: dict[str, Any] | None, objects: list[Any]) -> ServiceAccountTokens | None:
    if given is None:
        return None
    where = "serviceAccounts"
    keys = KeySet([pem_key(each.encode()) for each in texts_of(given, "keys", where)])
    issuers = texts_of(given, "issuers", where) or (API_SERVER,)
    held = [item for item in objects if isinstance(item, dict)]
    return ServiceAccountTokens(issuers, keys, held, texts_of(given, "audiences", where))
