"""Signed tokens and the keys that prove them (RFC 7515, 7517, 7518), as strict as the API server's libraries.

The algorithm comes from a list of the asker's, never from the token alone: `none` and the HMACs are not in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Any, Final

import msgspec

from seawall.core.errors import InputError, MissingExtraError

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
"""What the API server takes with an AuthenticationConfiguration (oidc.AllValidSigningAlgorithms)."""
MOST: Final = 1 << 20
"""Characters of a token at most: a header of HTTP holds no more."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_CURVES = {"P-256": 32, "P-384": 48, "P-521": 66}
_ES_SIZE = {"ES256": 32, "ES384": 48, "ES512": 66}


class TokenError(Exception):
    """A token proves nobody; the message says why and never holds the token."""


class Jws(msgspec.Struct, frozen=True):
    """A compact JWS, taken apart and not verified: nothing in it may be believed yet."""

    header: dict[str, Any]
    payload: bytes
    signature: bytes
    signed: bytes
    """What the signature is over: `HEADER.PAYLOAD`."""
    understood: bool = True
    """False where the header says that an extension must be understood which is not (RFC 7515, 4.1.11)."""

    @property
    def algorithm(self) -> str:
        """The header's `alg`."""
        return str(self.header.get("alg") or "")

    @property
    def key_id(self) -> str:
        """The header's `kid`, "" where it has none."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else ""

    def claims(self) -> dict[str, Any]:
        """Return the payload as an object. Raises TokenError."""
        return parse_object(self.payload, "claims")


def b64url(text: str) -> bytes:
    """Decode base64url without padding, strictly. Raises TokenError."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise TokenError("illegal base64url data")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise TokenError("illegal base64url data") from None


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object of a token. Raises TokenError where it is none, nested too deeply or not UTF-8."""
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenError(f"the {what} of the token are no JSON") from None
    if not isinstance(value, dict):
        raise TokenError(f"the {what} of the token are no JSON object")
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def parse_jws(token: str) -> Jws:
    """Take a compact token apart.

    Raises:
        TokenError: it is no JWS in compact form.
    """
    if len(token) > MOST:
        raise TokenError("the token is too long")
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError(f"malformed jwt: compact JWS format must have three parts, this has {len(parts)}")
    header = parse_object(b64url(parts[0]), "header")
    payload = b64url(parts[1])
    critical = header.get("crit", [])
    encoded = header.get("b64", True)
    understood = isinstance(critical, list) and set(map(str, critical)) <= {"b64"}
    signed = f"{parts[0]}.".encode() + (payload if encoded is False else parts[1].encode())
    return Jws(header, payload, b64url(parts[2]), signed, understood and isinstance(encoded, bool))


class KeySet:
    """Public keys by id, read from a JWKS; keys of kinds that sign nothing here are passed over."""

    def __init__(self, keys: list[tuple[str, Any]]) -> None:
        self.keys = keys

    def verify(self, jws: Jws, algorithms: tuple[str, ...] = ALGORITHMS) -> None:
        """Check a signature by every key with the token's id, or by all where it names none (go-oidc: jwks.go).

        Raises:
            TokenError: the algorithm is not allowed, or no key verifies.
        """
        if jws.algorithm not in algorithms:
            listed = " ".join(f'"{each}"' for each in algorithms)
            raise TokenError(
                f'id token signed with unsupported algorithm, expected [{listed}] got "{jws.algorithm[:32]}"'
            )
        for identity, key in self.keys:
            if not jws.understood:
                break
            if jws.key_id in ("", identity) and verifies(key, jws.algorithm, jws.signature, jws.signed):
                return
        raise TokenError("failed to verify signature: failed to verify id token signature")


def read_keys(given: Any) -> KeySet:
    """Read a JWKS: RSA keys and keys of the curves P-256, P-384, P-521.

    Raises:
        InputError: it is no JWKS, or a key of a known kind is broken.
    """
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list):
        raise InputError(
            "the key set is no JWKS", hint='write {"keys": [{"kty": "RSA", "n": ..., "e": ...}]}'
        )
    found = []
    for index, item in enumerate(keys):
        if not isinstance(item, dict):
            raise InputError(f"keys[{index}] is not an object")
        try:
            key = public_key(item)
        except (TokenError, ValueError, TypeError):
            raise InputError(f"keys[{index}] is broken") from None
        if key is not None:
            found.append((str(item.get("kid") or ""), key))
    return KeySet(found)


def public_key(item: dict[str, Any]) -> Any:
    """Return the key of a JWK, None where it is of a kind that signs nothing here. Raises TokenError or ValueError."""
    crypto = _cryptography()
    if item.get("kty") == "RSA":
        n, e = (int.from_bytes(b64url(str(item.get(part) or "")), "big") for part in ("n", "e"))
        return crypto.rsa.RSAPublicNumbers(e, n).public_key()
    if item.get("kty") == "EC" and item.get("crv") in _CURVES:
        x, y = (int.from_bytes(b64url(str(item.get(part) or "")), "big") for part in ("x", "y"))
        curve = {"P-256": crypto.ec.SECP256R1, "P-384": crypto.ec.SECP384R1, "P-521": crypto.ec.SECP521R1}
        return crypto.ec.EllipticCurvePublicNumbers(x, y, curve[item["crv"]]()).public_key()
    return None


def pem_key(data: bytes) -> tuple[str, Any]:
    """Return a PEM public key with the id that the API server gives it: the hash of its DER form (jwt.go: keyID).

    Raises:
        InputError: it is no public key.
    """
    crypto = _cryptography()
    try:
        key = crypto.serialization.load_pem_public_key(data)
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm):
        raise InputError("the file holds no public key", hint="give a PEM file, such as sa.pub") from None
    der = key.public_bytes(
        crypto.serialization.Encoding.DER, crypto.serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode(), key


def thumbprint(item: dict[str, Any]) -> str:
    """Return the SHA-256 thumbprint of an RSA JWK (RFC 7638)."""
    canonical = json.dumps(
        {"e": item.get("e"), "kty": item.get("kty"), "n": item.get("n")}, separators=(",", ":")
    )
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def verifies(key: Any, algorithm: str, signature: bytes, signed: bytes) -> bool:
    """Tell whether a signature is good. A key of the wrong kind for the algorithm verifies nothing."""
    crypto = _cryptography()
    digest = {"256": crypto.hashes.SHA256, "384": crypto.hashes.SHA384, "512": crypto.hashes.SHA512}
    chosen = digest[algorithm[2:]]()
    try:
        if algorithm.startswith("ES"):
            return _verify_ec(crypto, key, algorithm, signature, signed, chosen)
        if not isinstance(key, crypto.rsa.RSAPublicKey):
            return False
        pad = (
            crypto.padding.PKCS1v15()
            if algorithm.startswith("RS")
            else crypto.padding.PSS(crypto.padding.MGF1(chosen), crypto.padding.PSS.AUTO)
        )
        key.verify(signature, signed, pad, chosen)
    except crypto.InvalidSignature:
        return False
    return True


def _verify_ec(crypto: Any, key: Any, algorithm: str, signature: bytes, signed: bytes, chosen: Any) -> bool:
    size = _ES_SIZE[algorithm]
    if not isinstance(key, crypto.ec.EllipticCurvePublicKey) or (key.curve.key_size + 7) // 8 != size:
        return False
    if len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(crypto.encode_dss_signature(r, s), signed, crypto.ec.ECDSA(chosen))
    return True


class _Cryptography:
    """The parts of `cryptography` that are used; imported when the first signature is checked."""

    def __init__(self) -> None:
        try:
            from cryptography.exceptions import (  # noqa: PLC0415 - an extra, heavy: imported late
                InvalidSignature,
                UnsupportedAlgorithm,
            )
            from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - the same
            from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: PLC0415 - the same
            from cryptography.hazmat.primitives.asymmetric.utils import (  # noqa: PLC0415 - the same
                encode_dss_signature,
            )
        except ModuleNotFoundError:
            raise MissingExtraError("the library cryptography", "serve") from None
        self.InvalidSignature, self.UnsupportedAlgorithm = InvalidSignature, UnsupportedAlgorithm
        self.serialization, self.hashes = serialization, hashes
        self.ec, self.padding, self.rsa = ec, padding, rsa
        self.encode_dss_signature = encode_dss_signature


_LOADED: list[_Cryptography] = []


def _cryptography() -> _Cryptography:
    if not _LOADED:
        _LOADED.append(_Cryptography())
    return _LOADED[0]
