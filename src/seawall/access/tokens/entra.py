"""Who an Entra token stands for on AKS, bare or wrapped in a proof of possession (guard auth/providers/azure; specs b9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.access.attributes import User
from seawall.access.tokens.jose import (
    TokenError,
    b64url,
    parse_jws,
    parse_object,
    public_key,
    thumbprint,
    verifies,
)
from seawall.access.tokens.oidc import verified_claims

if TYPE_CHECKING:
    from seawall.access.azure.directory import Directory
    from seawall.access.tokens.jose import KeySet

AKS_SERVER: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The AKS server application: the audience of tokens for clusters (specs lab b5)."""
POP_VALIDITY: Final = 15 * 60
"""Seconds that a proof of possession counts from its `ts` on."""
_V1 = re.compile(r"https://sts\.windows\.net/([^/]+)/")
_V2 = re.compile(r"https://login\.microsoftonline\.com/([^/]+)/v2\.0")
LIMIT: Final = 200
"""Groups in a token at most; with more it points to Graph instead (overage)."""


class Identity(msgspec.Struct, frozen=True):
    """A user as an authenticator gives it.

    `problem` says what is not known or to be wary of, or why there is no user. `complete` is false where groups
    are missing. `kind` is `user`, `guest` or `application`.
    """

    user: User | None
    problem: str = ""
    complete: bool = True
    kind: str = "user"


def tenant_of(issuer: Any) -> tuple[str, str] | None:
    """Return (tenant, version) of an Entra issuer, exactly as Entra writes it: a slash more or less is another one."""
    if isinstance(issuer, str):
        for pattern, version in ((_V1, "1.0"), (_V2, "2.0")):
            match = pattern.fullmatch(issuer)
            if match:
                return match[1], version
    return None


def entra_token(
    token: str,
    tenant: str,
    keys: KeySet,
    now: float,
    *,
    audience: str = AKS_SERVER,
    directory: Directory | None = None,
) -> Identity:
    """Verify an Entra token (issuer, audience, times, signature) and return its user.

    guard checks the audience only with --azure.verify-clientID; here it is always checked.
    """
    try:
        claims = parse_jws(token).claims()
        found = tenant_of(claims.get("iss"))
        if found is None:
            return Identity(None, "the issuer is none of Entra's")
        if found[0].lower() != tenant.lower():
            return Identity(None, "the token is of another tenant")
        # Tokens of version 1 name the application as it was asked for: by its id, or by a URI with it.
        accepted = (audience, f"spn:{audience}", f"api://{audience}")
        given = claims.get("aud")
        chosen = given if isinstance(given, str) and given in accepted else audience
        claims = verified_claims(token, str(claims["iss"]), (chosen,), keys, now)
    except TokenError as error:
        return Identity(None, f"failed to verify token for azure: {error}")
    return entra_identity(claims, directory)


def entra_identity(claims: dict[str, Any], directory: Directory | None = None) -> Identity:
    """Return the Kubernetes user of an Entra token's verified claims, version 1 or 2.

    The name is `upn`, else `oid`; `oid` goes into extra. With too many groups the token holds a pointer instead
    (overage): a user's groups come from the directory then, and without one the answer is not complete; an
    application's cannot be had, which is an error. A token without either has no groups.
    """
    if tenant_of(claims.get("iss")) is None:
        return Identity(None, "the issuer is none of Entra's")
    oid = claims.get("oid")
    if not isinstance(oid, str) or not oid:
        return Identity(None, "the token has no oid")
    upn = claims.get("upn")
    if "upn" in claims and not isinstance(upn, str):
        return Identity(None, "unable to get username claim: claim upn is not a string")
    name = upn if isinstance(upn, str) and upn else oid
    if name.lower().startswith("system:"):
        return Identity(None, "names of the system are not taken from a token")
    kind, problem = _kind(claims)
    groups, missing = _groups(claims, oid, directory)
    if groups is None:
        return Identity(None, missing, kind=kind)
    user = User(name, groups, "", (("oid", (oid,)),))
    return Identity(user, missing or problem, complete=not missing, kind=kind)


def _kind(claims: dict[str, Any]) -> tuple[str, str]:
    # Tokens of version 1 carry no idtyp: they count as a user's.
    if claims.get("idtyp") == "app":
        return "application", ""
    home = claims.get("idp")
    if claims.get("acct") in (1, "1") or (isinstance(home, str) and home and home != claims.get("iss")):
        text = "a guest: the name is the home tenant's to give again; bind by object id or group"
        return "guest", text
    return "user", ""


def _groups(
    claims: dict[str, Any], oid: str, directory: Directory | None
) -> tuple[tuple[str, ...] | None, str]:
    """Return the groups and what is missing of them; None where the token cannot be used."""
    groups = claims.get("groups")
    if isinstance(groups, list):
        return tuple(each for each in groups if isinstance(each, str)), ""
    pointers = claims.get("_claim_names")
    # `hasgroups` is what implicit flows send instead of the pointer.
    if not (isinstance(pointers, dict) and "groups" in pointers) and claims.get("hasgroups") is not True:
        return (), ""
    if claims.get("idtyp") == "app":
        text = f"the application is in more groups than a token holds ({LIMIT}): assign groups to it directly"
        return None, text
    if directory is None:
        return (), "the groups are not in the token: ask Graph"
    return tuple(sorted(directory.groups_of(oid))), ""


def pop_token(token: str, host: str, now: float) -> str:
    """Verify a proof of possession and return the access token in it, which is still to be verified.

    What binds them: the inner token's `cnf.kid` is the thumbprint of the key that signed the outer one.

    Raises:
        TokenError: it proves nothing; the messages are guard's.
    """
    jws = parse_jws(token)
    if not jws.payload or not jws.signature:
        raise TokenError("PoP token invalid schema. Token length: 3")
    claims = jws.claims()
    if not jws.key_id:
        raise TokenError("No KeyID found in PoP token header")
    if jws.algorithm != "RS256":
        raise TokenError(
            f"Wrong algorithm found in PoP token header, expected 'RS256' having '{jws.algorithm[:32]}'"
        )
    kind = jws.header.get("typ")
    if kind is None:
        raise TokenError("Invalid token. 'typ' claim is missing")
    if not isinstance(kind, str) or kind.lower() != "pop":
        raise TokenError("Wrong typ. Expected 'pop'")
    if "ts" not in claims:
        raise TokenError("Invalid token. 'ts' claim is missing")
    if _seconds(claims["ts"]) + POP_VALIDITY < now:
        raise TokenError("Token is expired")
    reached = claims.get("u")
    if not isinstance(reached, str):
        raise TokenError("Invalid token. 'u' claim is missing")
    if reached.lower() != host.lower():
        raise TokenError("Invalid Pop token due to host mismatch")
    confirmation = claims.get("cnf")
    key = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(key, dict):
        raise TokenError("Invalid token. 'cnf' claim is missing")
    inner = claims.get("at")
    if not isinstance(inner, str):
        raise TokenError("Invalid token. 'at' claim is missing")
    bound = parse_jws(inner).claims().get("cnf")
    if not isinstance(bound, dict) or bound.get("kid") != thumbprint(key):
        raise TokenError("PoP token validate failed: 'cnf' claim mismatch")
    try:
        signer = public_key({"kty": "RSA", "n": key.get("n"), "e": key.get("e")})
    except (TokenError, ValueError):
        raise TokenError("failed while parsing 'jwk' claim in PoP token") from None
    if not jws.understood or not verifies(signer, "RS256", jws.signature, jws.signed):
        raise TokenError("RSA verify err: verification error")
    return inner


def _seconds(value: Any) -> float:
    """Read `ts` as guard does: a number or a text of digits; anything else is 1970."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value) else 0.0


def is_pop(token: str) -> bool:
    """Tell whether a token is a proof of possession by its header's `typ`."""
    try:
        kind = parse_object(b64url(token.split(".", maxsplit=1)[0]), "header").get("typ")
    except TokenError:
        return False
    return isinstance(kind, str) and kind.lower() == "pop"
