"""AuthenticationConfiguration: which issuers are believed, and how claims become a user (specs b9, lab b5).

Source: apiserver 1.34 pkg/apis/apiserver/validation/validation.go. Tokens are checked against it in `tokens/oidc.py`.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from seawall.access.fields import (
    decode,
    domain_path_errors,
    duplicate,
    invalid,
    required,
    too_many,
)
from seawall.access.structured.expressions import Expression, compile_over, fields_used
from seawall.access.text import aggregate, quote
from seawall.core.errors import InputError

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
AUTHENTICATORS = 64
"""JWT authenticators at most."""
_EMAIL = (
    "claims.email_verified must be used in claimMappings.username.expression or "
    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in "
    "claimMappings.username.expression"
)
_PREFIX = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"


class Issuer(msgspec.Struct, frozen=True, rename="camel"):
    """Whose tokens, for which audiences."""

    url: str = ""
    discovery_url: str = msgspec.field(default="", name="discoveryURL")
    certificate_authority: str = ""
    audiences: tuple[str, ...] = ()
    audience_match_policy: str = ""
    egress_selector_type: str = ""


class ClaimValidationRule(msgspec.Struct, frozen=True, rename="camel"):
    """A claim with its required value, or an expression over `claims`."""

    claim: str = ""
    required_value: str = ""
    expression: str = ""
    message: str = ""


class PrefixedMapping(msgspec.Struct, frozen=True):
    """A claim with a prefix, or an expression."""

    claim: str = ""
    prefix: str | None = None
    expression: str = ""


class Mapping(msgspec.Struct, frozen=True):
    """A claim, or an expression."""

    claim: str = ""
    expression: str = ""


class ExtraMapping(msgspec.Struct, frozen=True, rename="camel"):
    """One key of the user's extra, and the expression of its values."""

    key: str = ""
    value_expression: str = ""


class ClaimMappings(msgspec.Struct, frozen=True):
    """How claims become name, groups, uid and extra."""

    username: PrefixedMapping = PrefixedMapping()
    groups: PrefixedMapping = PrefixedMapping()
    uid: Mapping = Mapping()
    extra: tuple[ExtraMapping, ...] = ()


class UserValidationRule(msgspec.Struct, frozen=True):
    """An expression over `user`."""

    expression: str = ""
    message: str = ""


class JwtAuthenticator(msgspec.Struct, frozen=True, rename="camel"):
    """One issuer with its rules and mappings."""

    issuer: Issuer = Issuer()
    claim_validation_rules: tuple[ClaimValidationRule, ...] = ()
    claim_mappings: ClaimMappings = ClaimMappings()
    user_validation_rules: tuple[UserValidationRule, ...] = ()


class AnonymousCondition(msgspec.Struct, frozen=True):
    """A path that may be asked for without a credential."""

    path: str = ""


class Anonymous(msgspec.Struct, frozen=True):
    """Whether and where requests without a credential are taken."""

    enabled: bool = False
    conditions: tuple[AnonymousCondition, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    jwt: tuple[JwtAuthenticator, ...] = ()
    anonymous: Anonymous | None = None


class Compiled(msgspec.Struct, frozen=True):
    """The compiled expressions of one authenticator; rules and extra in the order of the document."""

    username: Expression | None = None
    groups: Expression | None = None
    uid: Expression | None = None
    extra: tuple[tuple[str, Expression], ...] = ()
    claim_rules: tuple[tuple[Expression, str], ...] = ()
    user_rules: tuple[tuple[Expression, str], ...] = ()


class AuthenticationConfiguration:
    """A validated configuration; `jwt` pairs each authenticator with its compiled expressions."""

    def __init__(
        self, jwt: tuple[tuple[JwtAuthenticator, Compiled], ...], anonymous: Anonymous | None
    ) -> None:
        self.jwt = jwt
        self.anonymous = anonymous

    def takes_anonymous(self, path: str) -> bool:
        """Tell whether a request without a credential is taken as system:anonymous (apiserver: anonymous.go)."""
        if self.anonymous is None:
            return True
        conditions = self.anonymous.conditions
        return self.anonymous.enabled and (not conditions or any(each.path == path for each in conditions))


def read_authentication(given: Any, disallowed: tuple[str, ...] = ()) -> AuthenticationConfiguration:
    """Read and validate an AuthenticationConfiguration.

    `disallowed` are issuers that may not be used: the API server's own, of service accounts.

    Raises:
        InputError: the API server would not start with it; the message is its own.
    """
    document = decode(given, _Document, "AuthenticationConfiguration", VERSIONS)
    if len(document.jwt) > AUTHENTICATORS:
        raise InputError(too_many("jwt", len(document.jwt), AUTHENTICATORS))
    errors: list[str] = []
    found: list[tuple[JwtAuthenticator, Compiled]] = []
    issuers: set[str] = set()
    discoveries: set[str] = set()
    for index, each in enumerate(document.jwt):
        where = f"jwt[{index}]"
        validation = _Validation(each, where, disallowed)
        errors += validation.errors
        found.append((each, validation.compiled()))
        if each.issuer.url in issuers:
            errors.append(duplicate(f"{where}.issuer.url", each.issuer.url))
        issuers.add(each.issuer.url)
        if each.issuer.discovery_url:
            if each.issuer.discovery_url in discoveries:
                errors.append(duplicate(f"{where}.issuer.discoveryURL", each.issuer.discovery_url))
            discoveries.add(each.issuer.discovery_url)
    anonymous = document.anonymous
    if anonymous is not None and not anonymous.enabled and anonymous.conditions:
        shown = [{"Path": each.path} for each in anonymous.conditions]
        errors.append(
            invalid(
                "anonymous.conditions", shown, "enabled should be set to true when conditions are defined"
            )
        )
    if errors:
        raise InputError(aggregate(errors))
    return AuthenticationConfiguration(tuple(found), anonymous)


class _Validation:
    """One authenticator: its errors in the server's order, and its compiled expressions."""

    def __init__(self, given: JwtAuthenticator, where: str, disallowed: tuple[str, ...]) -> None:
        self.given, self.where = given, where
        self.errors: list[str] = []
        self.claim_rules: list[tuple[Expression, str]] = []
        self.user_rules: list[tuple[Expression, str]] = []
        self.extra: list[tuple[str, Expression]] = []
        self.username: Expression | None = None
        self.groups: Expression | None = None
        self.uid: Expression | None = None
        self.verified = False
        """claims.email_verified is looked at."""
        self._issuer(given.issuer, f"{where}.issuer", disallowed)
        self._claim_rules(f"{where}.claimValidationRules")
        self._mappings(given.claim_mappings, f"{where}.claimMappings")
        self._user_rules(f"{where}.userValidationRules")

    def compiled(self) -> Compiled:
        return Compiled(
            self.username,
            self.groups,
            self.uid,
            tuple(self.extra),
            tuple(self.claim_rules),
            tuple(self.user_rules),
        )

    # ---- issuer ----

    def _issuer(self, issuer: Issuer, where: str, disallowed: tuple[str, ...]) -> None:
        if not issuer.url:
            self.errors.append(required(f"{where}.url"))
        else:
            self.errors += _url_errors(issuer.url, f"{where}.url", disallowed)
        discovery = issuer.discovery_url
        if discovery:
            place = f"{where}.discoveryURL"
            if issuer.url and issuer.url.rstrip("/") == discovery.rstrip("/"):
                self.errors.append(invalid(place, discovery, "discoveryURL must be different from URL"))
            self.errors += _url_errors(discovery, place, ())
        self._audiences(issuer, where)
        authority = issuer.certificate_authority
        if authority and (wrong := _pem_error(authority)):
            self.errors.append(invalid(f"{where}.certificateAuthority", "<omitted>", wrong))
        if issuer.egress_selector_type not in ("", "controlplane", "cluster"):
            self.errors.append(
                invalid(
                    f"{where}.egressSelectorType",
                    issuer.egress_selector_type,
                    "egress selector must be either controlplane or cluster",
                )
            )

    def _audiences(self, issuer: Issuer, where: str) -> None:
        place, audiences, policy = f"{where}.audiences", issuer.audiences, issuer.audience_match_policy
        if not audiences:
            self.errors.append(required(place, f"at least one {place} is required"))
            return
        seen: set[str] = set()
        for index, audience in enumerate(audiences):
            if not audience:
                self.errors.append(required(f"{place}[{index}]"))
            if audience in seen:
                self.errors.append(duplicate(f"{place}[{index}]", audience))
            seen.add(audience)
        place = f"{where}.audienceMatchPolicy"
        if len(audiences) > 1 and policy != "MatchAny":
            text = "audienceMatchPolicy must be MatchAny for multiple audiences"
            self.errors.append(invalid(place, policy, text))
        if len(audiences) == 1 and policy not in ("", "MatchAny"):
            text = "audienceMatchPolicy must be empty or MatchAny for single audience"
            self.errors.append(invalid(place, policy, text))

    # ---- rules and mappings ----

    def _compile(
        self, variable: Literal["claims", "user"], source: str, where: str, *, boolean: bool = False
    ) -> Expression | None:
        found = compile_over(variable, source, boolean=boolean)
        if isinstance(found, str):
            self.errors.append(invalid(where, source, found))
            return None
        return found

    def _claim_rules(self, where: str) -> None:
        claims: set[str] = set()
        expressions: set[str] = set()
        for index, rule in enumerate(self.given.claim_validation_rules):
            place = f"{where}[{index}]"
            if rule.claim and rule.expression:
                self.errors.append(invalid(place, rule.claim, "claim and expression can't both be set"))
            elif rule.claim:
                if rule.message:
                    text = "may not be specified when claim is set"
                    self.errors.append(invalid(f"{place}.message", rule.message, text))
                if rule.claim in claims:
                    self.errors.append(duplicate(f"{place}.claim", rule.claim))
                claims.add(rule.claim)
            elif rule.expression:
                if rule.required_value:
                    text = "may not be specified when expression is set"
                    self.errors.append(invalid(f"{place}.requiredValue", rule.required_value, text))
                if rule.expression in expressions:
                    self.errors.append(duplicate(f"{place}.expression", rule.expression))
                    continue
                expressions.add(rule.expression)
                found = self._compile("claims", rule.expression, f"{place}.expression", boolean=True)
                if found is not None:
                    self.claim_rules.append((found, rule.message))
                    self.verified = self.verified or _reads(found, "email_verified")
            else:
                self.errors.append(required(place, "claim or expression is required"))

    def _prefixed(self, mapping: PrefixedMapping, where: str, *, needed: bool) -> Expression | None:
        if mapping.expression and mapping.claim:
            self.errors.append(invalid(where, "", "claim and expression can't both be set"))
        elif mapping.expression:
            wrong = mapping.prefix is not None
            if mapping.prefix is not None:
                text = "may not be specified when expression is set"
                self.errors.append(invalid(f"{where}.prefix", mapping.prefix, text))
            found = self._compile("claims", mapping.expression, f"{where}.expression")
            return None if wrong else found
        elif mapping.claim:
            if mapping.prefix is None:
                self.errors.append(required(f"{where}.prefix", _PREFIX))
        elif needed:
            self.errors.append(required(where, "claim or expression is required"))
        return None

    def _mappings(self, mappings: ClaimMappings, where: str) -> None:
        self.username = self._prefixed(mappings.username, f"{where}.username", needed=True)
        self.groups = self._prefixed(mappings.groups, f"{where}.groups", needed=False)
        if mappings.uid.claim and mappings.uid.expression:
            self.errors.append(invalid(f"{where}.uid", "", "claim and expression can't both be set"))
        elif mappings.uid.expression:
            self.uid = self._compile("claims", mappings.uid.expression, f"{where}.uid.expression")
        keys: set[str] = set()
        for index, mapping in enumerate(mappings.extra):
            place = f"{where}.extra[{index}]"
            self._extra_key(mapping.key, f"{place}.key")
            if mapping.key in keys:
                self.errors.append(duplicate(f"{place}.key", mapping.key))
                continue
            keys.add(mapping.key)
            if not mapping.value_expression:
                self.errors.append(required(f"{place}.valueExpression"))
                continue
            found = self._compile("claims", mapping.value_expression, f"{place}.valueExpression")
            if found is not None:
                self.extra.append((mapping.key, found))
                self.verified = self.verified or _reads(found, "email_verified")
        name = self.username
        if name is None or not _reads(name, "email"):
            return
        if not (self.verified or _reads(name, "email_verified")):
            self.errors.append(invalid(f"{where}.username.expression", mappings.username.expression, _EMAIL))

    def _extra_key(self, key: str, where: str) -> None:
        self.errors += domain_path_errors(key, where)
        if key != key.lower():
            self.errors.append(invalid(where, key, "must be lowercase"))
        domain = key.partition("/")[0] if "/" in key else ""
        if any(domain == name or domain.endswith(f".{name}") for name in ("kubernetes.io", "k8s.io")):
            text = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
            self.errors.append(invalid(where, key, text))

    def _user_rules(self, where: str) -> None:
        seen: set[str] = set()
        for index, rule in enumerate(self.given.user_validation_rules):
            place = f"{where}[{index}].expression"
            if not rule.expression:
                self.errors.append(required(place))
            elif rule.expression in seen:
                self.errors.append(duplicate(place, rule.expression))
            else:
                seen.add(rule.expression)
                found = self._compile("user", rule.expression, place, boolean=True)
                if found is not None:
                    self.user_rules.append((found, rule.message))


def _reads(expression: Expression, claim: str) -> bool:
    """Tell whether an expression selects `claims.CLAIM` (hasSelectExp: an index with the name does not count)."""
    return ("claims", claim) in fields_used(expression.source)


def _url_errors(url: str, where: str, disallowed: tuple[str, ...]) -> list[str]:
    """Return what is wrong with an issuer's URL, read as Go's net/url reads it."""
    errors = []
    if url in disallowed:
        listed = f"[{' '.join(sorted(disallowed))}]"
        errors.append(invalid(where, url, f"URL must not overlap with disallowed issuers: {listed}"))
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in url):
        return [
            *errors,
            invalid(where, url, f"parse {quote(url)}: net/url: invalid control character in URL"),
        ]
    rest, _, fragment = url.partition("#")
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", rest)
    if match is None and rest.startswith(":"):
        return [*errors, invalid(where, url, f"parse {quote(url)}: missing protocol scheme")]
    scheme = match[1].lower() if match else ""
    rest = rest[match.end() :] if match else rest
    rest, _, query = rest.partition("?")
    host = rest[2:].partition("/")[0] if rest.startswith("//") else ""
    if scheme != "https":
        errors.append(invalid(where, url, "URL scheme must be https"))
    if "@" in host:
        errors.append(invalid(where, url, "URL must not contain a username or password"))
    if query:
        errors.append(invalid(where, url, "URL must not contain a query"))
    if fragment:
        errors.append(invalid(where, url, "URL must not contain a fragment"))
    return errors


def _pem_error(text: str) -> str:
    """Return why a text holds no certificates (client-go: cert.ParseCertsPEM)."""
    if "-----BEGIN CERTIFICATE-----" not in text or "-----END CERTIFICATE-----" not in text:
        return "data does not contain any valid RSA or ECDSA certificates"
    return ""
