"""Who a service account's token stands for (kubernetes 1.34 pkg/serviceaccount/{jwt,claims,legacy}.go).

A token counts while what it is bound to is there with the same uid: the account, and a secret, pod or node.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from typing import TYPE_CHECKING, Any

from seawall.access.attributes import User
from seawall.access.names import service_account_groups, service_account_user, split_service_account
from seawall.access.text import quote_list
from seawall.access.tokens.jose import TokenError, parse_jws
from seawall.access.tokens.oidc import (
    CREDENTIAL,
    Authenticated,
    audience,
    untrusted_issuer,
    with_authenticated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.tokens.jose import KeySet

LEGACY_ISSUER = "kubernetes/serviceaccount"
"""The issuer of tokens that lie in secrets."""
LEEWAY = 60
"""Seconds by which clocks may differ (go-jose: DefaultLeeway)."""
_LEGACY = "kubernetes.io/serviceaccount"
_INVALID = "kubernetes.io/legacy-token-invalid-since"
_EXTRA = "authentication.kubernetes.io"


class ServiceAccountTokens:
    """The API server's own tokens: its issuers, its audiences, its keys, and the objects that tokens are bound to."""

    def __init__(
        self,
        issuers: tuple[str, ...],
        keys: KeySet,
        objects: Iterable[dict[str, Any]],
        audiences: tuple[str, ...] = (),
    ) -> None:
        """Audiences of the API server are its issuers unless others are given (`--api-audiences`)."""
        self.issuers = issuers
        self.keys = keys
        self.audiences = audiences or issuers
        self._objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        for item in objects:
            metadata = item.get("metadata")
            kind = item.get("kind")
            if isinstance(metadata, dict) and kind in ("ServiceAccount", "Secret", "Pod", "Node"):
                namespace = "" if kind == "Node" else str(metadata.get("namespace") or "default")
                self._objects[str(kind), namespace, str(metadata.get("name") or "")] = item

    def authenticate(self, token: str, now: float, audiences: tuple[str, ...] = ()) -> Authenticated | None:
        """Authenticate a token; None where it is none of these issuers', so that others may know it."""
        try:
            issuer = untrusted_issuer(token)
        except TokenError:
            return None
        if issuer != LEGACY_ISSUER and issuer not in self.issuers:
            return None
        try:
            jws = parse_jws(token)
            self.keys.verify(jws)
            claims = jws.claims()
            self._check_audience(claims, audiences or self.audiences)
            user = self._legacy(claims, token) if issuer == LEGACY_ISSUER else self._bound(claims, now)
        except TokenError as error:
            return Authenticated(None, str(error), issuer)
        return Authenticated(with_authenticated(user), issuer=issuer)

    def _check_audience(self, claims: dict[str, Any], wanted: tuple[str, ...]) -> None:
        aud = claims.get("aud")
        if aud is not None and not isinstance(aud, (str, list)):
            raise TokenError("the token's aud is of another type")
        # A token without audiences is for the API server: the old ones in secrets have none.
        given = tuple(map(str, audience(claims))) or self.audiences
        if not set(given) & set(wanted):
            raise TokenError(
                f"token audiences {quote_list(given)} is invalid for the target audiences "
                f"{quote_list(wanted)}"
            )

    # ---- tokens of the TokenRequest API ----

    def _bound(self, claims: dict[str, Any], now: float) -> User:
        _check_times(claims, now)
        private = _object(claims, "kubernetes.io")
        namespace = _string(private, "namespace")
        account = _object(private, "serviceaccount")
        name, uid = _string(account, "name"), _string(account, "uid")
        self._account(namespace, name, uid, now)
        if "secret" in private:
            self._exists("Secret", namespace, _object(private, "secret"), "service account secret ref", now)
        pod, node = private.get("pod"), private.get("node")
        extra: dict[str, tuple[str, ...]] = {}
        if pod is not None:
            pod = _object(private, "pod")
            self._exists("Pod", namespace, pod, "service account pod ref", now)
            if _string(pod, "name") and _string(pod, "uid"):
                extra[f"{_EXTRA}/pod-name"] = (_string(pod, "name"),)
                extra[f"{_EXTRA}/pod-uid"] = (_string(pod, "uid"),)
        if node is not None:
            node = _object(private, "node")
            # Of a pod's token the node is only taken over; a token bound to a node alone needs that node.
            if pod is None:
                self._exists("Node", "", node, "service account node ref", now)
            if _string(node, "name"):
                extra[f"{_EXTRA}/node-name"] = (_string(node, "name"),)
            if _string(node, "name") and _string(node, "uid"):
                extra[f"{_EXTRA}/node-uid"] = (_string(node, "uid"),)
        jti = claims.get("jti")
        if isinstance(jti, str) and jti:
            extra[CREDENTIAL] = (f"JTI={jti}",)
        return _user(namespace, name, uid, extra)

    def _account(self, namespace: str, name: str, uid: str, now: float) -> None:
        found = self._objects.get(("ServiceAccount", namespace, name))
        if found is None:
            raise TokenError(f'serviceaccounts "{name}" not found')
        held = str(found["metadata"].get("uid") or "")
        if held != uid:
            raise TokenError(f"service account UID ({held}) does not match claim ({uid})")
        if _is_gone(found, now):
            raise TokenError(f"service account {namespace}/{name} has been deleted")

    def _exists(self, kind: str, namespace: str, wanted: dict[str, Any], claim: str, now: float) -> None:
        found = self._objects.get((kind, namespace, _string(wanted, "name")))
        if found is None or _is_gone(found, now):
            raise TokenError("service account token has been invalidated")
        held, uid = str(found["metadata"].get("uid") or ""), _string(wanted, "uid")
        if held != uid:
            raise TokenError(f"{kind.lower()} UID ({held}) does not match {claim} claim ({uid})")

    # ---- tokens in secrets ----

    def _legacy(self, claims: dict[str, Any], token: str) -> User:
        subject = _string(claims, "sub")
        if not subject:
            raise TokenError("sub claim is missing")
        parts = []
        for key, what in (
            ("namespace", "namespace"),
            ("secret.name", "secretName"),
            ("service-account.name", "serviceAccountName"),
            ("service-account.uid", "serviceAccountUID"),
        ):
            parts.append(_string(claims, f"{_LEGACY}/{key}"))
            if not parts[-1]:
                raise TokenError(f"{what} claim is missing")
        namespace, secret_name, name, uid = parts
        if split_service_account(subject) != (namespace, name):
            raise TokenError("sub claim is invalid")
        secret = self._objects.get(("Secret", namespace, secret_name))
        if secret is None or secret["metadata"].get("deletionTimestamp") is not None:
            raise TokenError("Token has been invalidated")
        if not hmac.compare_digest(_secret_token(secret), token.encode()):
            raise TokenError("Token does not match server's copy")
        account = self._objects.get(("ServiceAccount", namespace, name))
        if account is None:
            raise TokenError(f'serviceaccounts "{name}" not found')
        if account["metadata"].get("deletionTimestamp") is not None:
            raise TokenError(f"ServiceAccount {namespace}/{name} has been deleted")
        held = str(account["metadata"].get("uid") or "")
        if held != uid:
            raise TokenError(f"ServiceAccount UID ({held}) does not match claim ({uid})")
        labels = secret["metadata"].get("labels")
        if isinstance(labels, dict) and labels.get(_INVALID):
            raise TokenError(
                f"the token in secret {namespace}/{secret_name} for service account {namespace}/{name} has been "
                f"marked invalid by the label {_INVALID}"
            )
        return _user(namespace, name, uid, {})


def _secret_token(secret: dict[str, Any]) -> bytes:
    """Return the token that a secret holds, "" where it holds none."""
    data, plain = secret.get("data"), secret.get("stringData")
    if isinstance(plain, dict) and isinstance(plain.get("token"), str):
        return str(plain["token"]).encode()
    try:
        return base64.b64decode(str(data["token"]), validate=True) if isinstance(data, dict) else b""
    except (KeyError, ValueError):
        return b""


def _user(namespace: str, name: str, uid: str, extra: dict[str, tuple[str, ...]]) -> User:
    return User(
        service_account_user(namespace, name),
        service_account_groups(namespace),
        uid,
        tuple(sorted(extra.items())),
    )


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Check the times with a minute's leeway (go-jose: jwt.Claims.Validate). Raises TokenError."""
    for key, sign, text in (
        ("nbf", 1, "is not valid yet"),
        ("exp", -1, "has expired"),
        ("iat", 1, "is issued in the future"),
    ):
        at = claims.get(key)
        if at is None:
            continue
        if isinstance(at, bool) or not isinstance(at, (int, float)):
            raise TokenError(f"the token's {key} is no time")
        if (at - now) * sign > LEEWAY:
            raise TokenError(f"service account token {text}")


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    if not isinstance(value, dict):
        raise TokenError(f"the token's {key} is no object")
    return value


def _string(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TokenError(f"the token's {key} is no text")
    return value


def _is_gone(item: dict[str, Any], now: float) -> bool:
    """Tell whether an object was deleted more than the leeway ago."""
    stamp = item["metadata"].get("deletionTimestamp")
    if not isinstance(stamp, str):
        return False
    try:
        return datetime.fromisoformat(stamp).timestamp() < now - LEEWAY
    except ValueError:
        # A time that cannot be read is no proof that the object still counts.
        return True
