"""Who a token of an OpenID Connect issuer stands for, as the API server decides it.

Sources: apiserver 1.34 plugin/pkg/authenticator/token/oidc/oidc.go, go-oidc v2.3 verify.go. Keys, the clock and the
answers of endpoints of distributed claims are given: this engine asks nobody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import User
from seawall.access.structured.expressions import Expression, ExpressionError
from seawall.access.text import quote, quote_list
from seawall.access.tokens.jose import KeySet, TokenError, b64url, parse_jws, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seawall.access.structured.authentication import (
        AuthenticationConfiguration,
        Compiled,
        JwtAuthenticator,
    )

AUTHENTICATED = "system:authenticated"
CREDENTIAL = "authentication.kubernetes.io/credential-id"
LEEWAY = 60
"""Seconds that `nbf` may lie in the future."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_GOOGLE = "https://accounts.google.com"


class Authenticated(msgspec.Struct, frozen=True):
    """The user, or why there is none; `issuer` is whose token it is, where somebody knows it."""

    user: User | None
    error: str = ""
    issuer: str = ""


def authenticate(
    configuration: AuthenticationConfiguration,
    token: str,
    keys: Mapping[str, KeySet],
    now: float,
    distributed: Mapping[str, str] | None = None,
) -> Authenticated:
    """Authenticate a bearer token.

    Args:
        configuration: the issuers, validated.
        token: the token as sent.
        keys: the key set of each issuer, by its URL; what is absent was not fetched.
        now: the time, in seconds since 1970.
        distributed: what endpoints of distributed claims answer, by URL.
    """
    errors = []
    try:
        issuer = untrusted_issuer(token)
    except TokenError as error:
        return Authenticated(None, f"no authenticator knows the token: {error}")
    known = False
    for authenticator, compiled in configuration.jwt:
        if authenticator.issuer.url != issuer:
            continue
        known = True
        check = _Check(authenticator, compiled, keys, now, distributed or {})
        try:
            user = check.user(token)
        except TokenError as error:
            errors.append(str(error))
            continue
        except RecursionError:
            errors.append("oidc: the claims are nested too deeply")
            continue
        return Authenticated(with_authenticated(user), issuer=issuer)
    if not known:
        return Authenticated(None, "no authenticator knows the token's issuer")
    return Authenticated(None, "; ".join(errors), issuer)


def with_authenticated(user: User) -> User:
    """Add the group that every authenticated user is in (apiserver: authenticated_group_adder.go)."""
    if user.name == "system:anonymous" or {AUTHENTICATED, "system:unauthenticated"} & set(user.groups):
        return user
    return msgspec.structs.replace(user, groups=(*user.groups, AUTHENTICATED))


def untrusted_issuer(token: str) -> str:
    """Return the issuer that a token claims. Raises TokenError where it is no compact token."""
    parts = token.split(".")
    if token.strip().startswith("{") or len(parts) != 3:
        raise TokenError("malformed token")
    issuer = parse_object(b64url(parts[1]), "claims").get("iss")
    if issuer is not None and not isinstance(issuer, str):
        raise TokenError("the token's iss is not a string")
    return _GOOGLE if issuer == "accounts.google.com" else issuer or ""


def verified_claims(
    token: str, issuer: str, audiences: tuple[str, ...], keys: KeySet, now: float
) -> dict[str, Any]:
    """Return the claims of a token whose issuer, audience, times and signature are right, checked in this order.

    Raises:
        TokenError: something is not; the message is go-oidc's where that is free of times and values.
    """
    try:
        jws = parse_jws(token)
        claims = jws.claims()
    except TokenError as error:
        raise TokenError(f"oidc: malformed jwt: {error}") from None
    _check_shapes(claims)
    found = claims.get("iss") or ""
    if found != issuer and not (issuer == _GOOGLE and found == "accounts.google.com"):
        raise TokenError(
            f"oidc: id token issued by a different provider, expected {quote(issuer)} got {quote(found)}"
        )
    given = audience(claims)
    if len(audiences) == 1 and audiences[0] not in given:
        raise TokenError(f"oidc: expected audience {quote(audiences[0])} got {quote_list(given)}")
    expiry = _time(claims.get("exp"))
    if expiry is None or expiry < now:
        raise TokenError("oidc: token is expired")
    not_before = _time(claims.get("nbf"))
    if not_before is not None and now + LEEWAY < not_before:
        raise TokenError("oidc: current time before the nbf (not before) time")
    try:
        keys.verify(jws)
    except TokenError as error:
        raise TokenError(f"oidc: {error}" if "unsupported" in str(error) else str(error)) from None
    if not set(audiences) & set(given):
        raise TokenError(
            f"oidc: expected audience in {quote_list(sorted(audiences))} got {quote_list(given)}"
        )
    return claims


def audience(claims: dict[str, Any]) -> tuple[str, ...]:
    """Return the audiences of claims whose shapes were checked."""
    if "aud" not in claims:
        return ()
    value = claims["aud"]
    # Go reads null into a text as the empty one.
    return tuple(each or "" for each in value) if isinstance(value, list) else (value or "",)


def _check_shapes(claims: dict[str, Any]) -> None:
    """Refuse claims that go-oidc cannot read into its token (`idToken`). Raises TokenError."""
    wrong = next((key for key in ("iss", "sub", "nonce", "at_hash") if not _is(claims.get(key), str)), "")
    aud = claims.get("aud")
    if not _is(aud, str) and not (isinstance(aud, list) and all(_is(each, str) for each in aud)):
        wrong = "aud"
    for key in ("exp", "iat", "nbf"):
        if key in claims and not (claims[key] is None and key == "nbf") and _time(claims[key]) is None:
            wrong = key
    names = claims.get("_claim_names")
    sources = claims.get("_claim_sources")
    if not _is(names, dict) or not all(isinstance(each, str) for each in (names or {}).values()):
        wrong = "_claim_names"
    elif not _is(sources, dict):
        wrong = "_claim_sources"
    if wrong:
        raise TokenError(f"oidc: failed to unmarshal claims: {wrong} is of another type")
    for source in (names or {}).values():
        if not source:
            raise TokenError("oidc: failed to obtain source from claim name")
        if source not in (sources or {}):
            raise TokenError("oidc: source does not exist")


def _is(value: Any, kind: Any) -> bool:
    return value is None or isinstance(value, kind)


def _time(value: Any) -> float | None:
    """Return a NumericDate in whole seconds, a number or the text of one; None where it is none (jsonTime)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        return float(int(float(value)))
    except (ValueError, OverflowError):
        return None


class _Check:
    """One authenticator asked about one token."""

    def __init__(
        self,
        authenticator: JwtAuthenticator,
        compiled: Compiled,
        keys: Mapping[str, KeySet],
        now: float,
        distributed: Mapping[str, str],
    ) -> None:
        self.given, self.compiled = authenticator, compiled
        self.keys, self.now, self.distributed = keys, now, distributed
        self.audiences = authenticator.issuer.audiences

    def user(self, token: str) -> User:
        issuer = self.given.issuer.url
        keys = self.keys.get(issuer)
        if keys is None:
            raise TokenError("oidc: authenticator not initialized")
        try:
            claims = verified_claims(token, issuer, self.audiences, keys, self.now)
        except TokenError as error:
            raise TokenError(f"oidc: verify token: {error}") from None
        self._expand(claims)
        values = cel_value(claims)
        user = User(
            self._username(claims, values),
            self._groups(claims, values),
            self._uid(claims, values),
            self._extra(claims, values),
        )
        self._claim_rules(claims, values)
        self._user_rules(user)
        return user

    # ---- distributed claims ----

    def _expand(self, claims: dict[str, Any]) -> None:
        """Fetch the groups from where the token points to; a claim that is there wins (claimResolver.expand)."""
        wanted = self.given.claim_mappings.groups.claim
        if not wanted or wanted in claims or "_claim_names" not in claims:
            return
        prefix = "oidc: could not expand distributed claims: "
        names, sources = claims["_claim_names"] or {}, claims.get("_claim_sources")
        if "_claim_sources" not in claims:
            raise TokenError(f"{prefix}oidc: no claim sources")
        if wanted not in names:
            return
        source = (sources or {}).get(names[wanted])
        if not isinstance(source, dict):
            raise TokenError(f"{prefix}oidc: could not parse claim sources")
        url = source.get("endpoint") or ""
        if not url:
            return  # an aggregated claim, which is not supported
        answer = self.distributed.get(url)
        if answer is None:
            raise TokenError(
                f"{prefix}while getting distributed claim {quote(wanted)}: the endpoint was not asked"
            )
        try:
            issuer = untrusted_issuer(answer)
            keys = self.keys.get(issuer)
            if keys is None:
                raise TokenError(f"verifier not initialized for issuer: {quote(issuer)}")
            found = verified_claims(answer, issuer, self.audiences, keys, self.now)
        except TokenError as error:
            raise TokenError(f"{prefix}verify distributed claim token: {error}") from None
        if wanted not in found:
            raise TokenError(
                f"{prefix}jwt returned by distributed claim endpoint {quote(url)} did not contain claim: {wanted}"
            )
        claims[wanted] = found[wanted]

    # ---- mappings ----

    def _username(self, claims: dict[str, Any], values: dict[str, Any]) -> str:
        where = "oidc: error evaluating username claim expression"
        if self.compiled.username is not None:
            name = _evaluated(self.compiled.username, values, where)
            if not isinstance(name, str):
                raise TokenError(f"{where}: username claim expression must return a string")
            if not name:
                raise TokenError("oidc: empty username via CEL expression is not allowed")
            return name
        mapping = self.given.claim_mappings.username
        name = _text(claims, mapping.claim, f'oidc: parse username claims "{mapping.claim}"')
        if mapping.claim == "email" and "email_verified" in claims:
            verified = claims["email_verified"]
            if verified is not None and not isinstance(verified, bool):
                raise TokenError(
                    "oidc: parse 'email_verified' claim: json: cannot unmarshal "
                    f"{_json_kind(verified)} into Go value of type bool"
                )
            if verified is not True:
                raise TokenError("oidc: email not verified")
        return f"{mapping.prefix or ''}{name}"

    def _groups(self, claims: dict[str, Any], values: dict[str, Any]) -> tuple[str, ...]:
        mapping = self.given.claim_mappings.groups
        if mapping.claim and mapping.claim in claims:
            found = _text_or_list(claims[mapping.claim], f'oidc: parse groups claim "{mapping.claim}"')
            return tuple(f"{mapping.prefix or ''}{group}" for group in found)
        if self.compiled.groups is None:
            return ()
        where = "oidc: error evaluating group claim expression"
        return _texts(_evaluated(self.compiled.groups, values, where), where)

    def _uid(self, claims: dict[str, Any], values: dict[str, Any]) -> str:
        claim = self.given.claim_mappings.uid.claim
        if claim:
            return _text(claims, claim, f'oidc: parse uid claim "{claim}"')
        if self.compiled.uid is None:
            return ""
        where = "oidc: error evaluating uid claim expression"
        uid = _evaluated(self.compiled.uid, values, where)
        if not isinstance(uid, str):
            raise TokenError(f"{where}: uid claim expression must return a string")
        return uid

    def _extra(
        self, claims: dict[str, Any], values: dict[str, Any]
    ) -> tuple[tuple[str, tuple[str, ...]], ...]:
        extra: dict[str, tuple[str, ...]] = {}
        jti = claims.get("jti")
        if isinstance(jti, str) and jti:
            extra[CREDENTIAL] = (f"JTI={jti}",)
        for key, expression in self.compiled.extra:
            value = _evaluated(expression, values, "")
            where = f"oidc: error evaluating extra claim expression: {expression.source}"
            found = _texts(value, where)
            if found:
                extra[key] = found
        return tuple(sorted(extra.items()))

    # ---- rules ----

    def _claim_rules(self, claims: dict[str, Any], values: dict[str, Any]) -> None:
        for rule in self.given.claim_validation_rules:
            if not rule.claim:
                continue
            if rule.claim not in claims:
                raise TokenError(f"oidc: required claim {rule.claim} not present in ID token")
            value = _text(claims, rule.claim, f"oidc: parse claim {rule.claim}")
            if value != rule.required_value:
                raise TokenError(
                    f"oidc: required claim {rule.claim} value does not match. Got = {value}, "
                    f"want = {rule.required_value}"
                )
        _rules(self.compiled.claim_rules, values, "oidc: error evaluating claim validation expression")

    def _user_rules(self, user: User) -> None:
        value = {
            "username": user.name,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra},
        }
        _rules(self.compiled.user_rules, value, "oidc: error evaluating user info validation rule")


def _rules(rules: tuple[tuple[Expression, str], ...], value: dict[str, Any], where: str) -> None:
    """Evaluate all rules, then look at each (EvalClaimMappings comes before the check)."""
    found = [(expression, message, _evaluated(expression, value, where)) for expression, message in rules]
    for expression, message, result in found:
        if result is not True:
            raise TokenError(f"{where}: validation expression '{expression.source}' failed: {message}")


def _evaluated(expression: Expression, value: dict[str, Any], where: str) -> Any:
    try:
        return expression.evaluate(value)
    except ExpressionError as error:
        raise TokenError(f"{where}: {error}" if where else str(error)) from None


def cel_value(value: Any) -> Any:
    """Return JSON as the server's expressions see it: every number is a double (encoding/json)."""
    if isinstance(value, dict):
        return {key: cel_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [cel_value(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise TokenError("oidc: a number of the claims is too large") from None
    return value


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _text(claims: dict[str, Any], claim: str, where: str) -> str:
    """Read a claim as Go reads it into a string: null is empty. Raises TokenError."""
    if claim not in claims:
        raise TokenError(f"{where}: claim not present")
    value = claims[claim]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TokenError(f"{where}: json: cannot unmarshal {_json_kind(value)} into Go value of type string")
    return value


def _text_or_list(value: Any, where: str) -> tuple[str, ...]:
    """Read a claim that is a text or a list of texts (stringOrArray). Raises TokenError."""
    if value is None:
        return ()
    if isinstance(value, list) and all(_is(each, str) for each in value):
        return tuple(each or "" for each in value)
    if isinstance(value, str):
        return (value,)
    raise TokenError(f"{where}: json: cannot unmarshal {_json_kind(value)} into Go value of type string")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """Read an expression's value as texts; empty ones are left out (convertCELValueToStringList)."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(each for each in value if each)
    raise TokenError(f"{where}: expression must return a string or a list of strings")
