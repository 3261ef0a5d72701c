"""Tokens: signatures, OpenID Connect, service accounts, Entra, proof of possession (specs b9)."""

from seawall.access.tokens.jose import Jws, KeySet, TokenError, parse_jws
from seawall.access.tokens.oidc import Authenticated, authenticate
from seawall.access.tokens.service_accounts import ServiceAccountTokens

__all__ = [
    "Authenticated",
    "Jws",
    "KeySet",
    "ServiceAccountTokens",
    "TokenError",
    "authenticate",
    "parse_jws",
]
