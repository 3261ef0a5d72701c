"""A quick HTTP client for one API server: kept connections, any identity, thousands of questions a second.

kubectl takes 50 ms and more a call; this takes under a millisecond. It adds nothing and hides nothing:
what the API server answered is what the test sees.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from support.controlplane_pki import Certificate

TIMEOUT = 60  # seconds; the API server's own limit for a request is 60


class Answer(NamedTuple):
    """What the API server answered: status code, body (JSON where it is JSON, else text), headers."""

    status: int
    body: Any
    headers: http.client.HTTPMessage

    @property
    def warnings(self) -> list[str]:
        """The texts of the Warning headers (RFC 7234: code, agent, quoted text)."""
        values = self.headers.get_all("Warning") or []
        return [value.split(" ", 2)[2][1:-1].replace('\\"', '"').replace("\\\\", "\\") for value in values]


class Client:
    """One connection for each thread and certificate; `close` closes them all."""

    def __init__(self, port: int, ca: Path) -> None:
        self.port = port
        self.ca = ca
        self._contexts: dict[Certificate | None, ssl.SSLContext] = {}
        self._mine = threading.local()
        self._all: list[http.client.HTTPSConnection] = []
        self._lock = threading.Lock()

    def ask(
        self,
        certificate: Certificate | None,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; a body that is neither bytes nor str is sent as JSON."""
        sent: dict[str, Any] = {"Accept": "application/json"}
        if body is not None:
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            sent["Content-Type"] = kind
            if not isinstance(body, bytes):
                body = (body if isinstance(body, str) else json.dumps(body)).encode()
        sent |= headers or {}
        connection, kept = self._connection(certificate)
        try:
            response = self._exchange(connection, method, path, body, sent)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            connection.close()
            if not kept:
                raise
            # The server closed a kept connection before this request (a restart, idleness): once more.
            response = self._exchange(connection, method, path, body, sent)
        except BaseException:
            connection.close()  # its state is unknown: half an answer must not meet the next question
            raise
        content = response.read()
        return Answer(response.status, _body(content, response.headers), response.headers)

    def close(self) -> None:
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._mine = threading.local()

    @staticmethod
    def _exchange(
        connection: http.client.HTTPSConnection, method: str, path: str, body: Any, headers: Mapping[str, Any]
    ) -> http.client.HTTPResponse:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            for each in value if isinstance(value, list) else [value]:
                connection.putheader(name, each)
        connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body)
        return connection.getresponse()

    def _connection(self, certificate: Certificate | None) -> tuple[http.client.HTTPSConnection, bool]:
        mine: dict[Certificate | None, http.client.HTTPSConnection]
        mine = self._mine.__dict__.setdefault("connections", {})
        if certificate not in mine:
            made = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=TIMEOUT, context=self._context(certificate)
            )
            mine[certificate] = made
            with self._lock:
                self._all.append(made)
        return mine[certificate], mine[certificate].sock is not None

    def _context(self, certificate: Certificate | None) -> ssl.SSLContext:
        with self._lock:
            if certificate not in self._contexts:
                context = ssl.create_default_context(cafile=str(self.ca))
                if certificate:
                    context.load_cert_chain(certificate.cert, certificate.key)
                self._contexts[certificate] = context
            return self._contexts[certificate]


def impersonation(
    user: str | None,
    groups: Sequence[str] = (),
    uid: str | None = None,
    extra: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return Impersonate-* headers (https://kubernetes.io/docs/reference/access-authn-authz/authentication/)."""
    if user is None:
        if groups or uid or extra:
            raise ValueError("groups, uid and extra are impersonated together with a user: give user=")
        return {}
    headers: dict[str, Any] = {"Impersonate-User": user.encode()}
    if groups:
        headers["Impersonate-Group"] = [group.encode() for group in groups]
    if uid:
        headers["Impersonate-Uid"] = uid.encode()
    for key, values in (extra or {}).items():
        # Keys are lowercased by the server and percent-decoded; "/" is not allowed in a header's name.
        headers[f"Impersonate-Extra-{quote(key, safe='')}"] = [value.encode() for value in values]
    return headers


def over_socket(path: Path, method: str, target: str, body: Any) -> Any:
    """Ask a JSON question over a Unix socket (etcd's gateway); return the JSON answer."""
    connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(TIMEOUT)
        connection.sock.connect(str(path))
        connection.request(method, target, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise RuntimeError(f"{target}: {response.status} {content.decode('utf-8', 'replace')}")
    return json.loads(content)


def _body(content: bytes, headers: http.client.HTTPMessage) -> Any:
    if not content:
        return None
    if headers.get_content_type() == "application/json":
        return json.loads(content)
    return content.decode("utf-8", "replace")
