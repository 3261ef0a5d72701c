"""An issuer of tokens on loopback: HTTPS, discovery, keys, endpoints of distributed claims; and the signing of tokens."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import ssl
import threading
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from support.controlplane_pki import Authority

if TYPE_CHECKING:
    from pathlib import Path

_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class SigningKey:
    """A private key for one algorithm, with its id and its public JWK."""

    def __init__(self, identity: str, algorithm: str) -> None:
        self.identity, self.algorithm = identity, algorithm
        self.private: Any
        if algorithm.startswith("ES"):
            self.private = ec.generate_private_key(_CURVES[algorithm]())
        else:
            self.private = rsa.generate_private_key(65537, 2048)

    def jwk(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        shown = {"kid": self.identity, "use": "sig", "alg": self.algorithm}
        if hasattr(numbers, "n"):
            return shown | {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        size = (numbers.curve.key_size + 7) // 8
        curve = {32: "P-256", 48: "P-384", 66: "P-521"}[size]
        return shown | {"kty": "EC", "crv": curve, "x": number(numbers.x, size), "y": number(numbers.y, size)}

    def sign(self, claims: Any, header: dict[str, Any] | None = None, algorithm: str = "") -> str:
        """Return a compact token; `header` fields of None are left out, `algorithm` only changes what is claimed."""
        named = {"alg": algorithm or self.algorithm, "kid": self.identity, "typ": "JWT"} | (header or {})
        shown = {key: value for key, value in named.items() if value is not None}
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        signed = f"{b64(json.dumps(shown).encode())}.{b64(payload)}"
        return f"{signed}.{b64(self._signature(signed.encode()))}"

    def _signature(self, data: bytes) -> bytes:
        digest = _HASHES[self.algorithm[2:]]()
        if self.algorithm.startswith("ES"):
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
            size = (self.private.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if self.algorithm.startswith("PS"):
            pad = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            return bytes(self.private.sign(data, pad, digest))
        return bytes(self.private.sign(data, padding.PKCS1v15(), digest))


def thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638, of an RSA key."""
    text = json.dumps({"e": jwk["e"], "kty": "RSA", "n": jwk["n"]}, separators=(",", ":"))
    return b64(hashlib.sha256(text.encode()).digest())


class Issuer:
    """A server with one issuer below each path; `answers` are the bodies of further paths."""

    def __init__(self, folder: Path, paths: list[str], keys: list[SigningKey]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(folder, "issuer-ca")
        certificate = self.authority.server("issuer")
        self.keys = keys
        self.answers: dict[str, str] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = outer.body(self.path)
                self.send_response(200 if body is not None else 404)
                data = (body or "").encode()
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.urls = {path: f"{self.base}/{path}" for path in paths}
        self.ca = self.authority.path.read_text()

    def body(self, path: str) -> str | None:
        if path == "/keys":
            return json.dumps(self.key_set())
        for url in self.urls.values():
            if f"{self.base}{path}" == f"{url}/.well-known/openid-configuration":
                return json.dumps({"issuer": url, "jwks_uri": f"{self.base}/keys"})
        return self.answers.get(path)

    def key_set(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self.keys]}

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
