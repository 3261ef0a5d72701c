"""A small client of one API server: what a host needs of its cluster, with the standard library alone.

In a pod: the service account's token, read anew for each request because it is rotated. Outside: a kubeconfig
with a client certificate or a token (exec plugins are not run).
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seawall.core.errors import InputError, UsageError
from seawall.sources.yaml.documents import load_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATIENCE = 30.0
WATCH = 300  # seconds that one watch lasts


class ApiError(InputError):
    """The API server could not be asked, or refused."""

    code = "api-server"

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """Asks one API server; a connection for each request, so that a failed one costs nothing later."""

    def __init__(self, server: str, context: ssl.SSLContext, token: Callable[[], str] | None = None) -> None:
        parts = urlsplit(server)
        if parts.scheme != "https" or not parts.hostname:
            raise UsageError(f"the API server is {server!r}", hint="give an https URL")
        self.server = server
        self._host, self._port, self._prefix = parts.hostname, parts.port or 443, parts.path.rstrip("/")
        self._context = context
        self._token = token

    def ask(self, method: str, path: str, body: Any = None) -> Json:
        """Ask and return the JSON of the answer. Raises ApiError, also for every status but 200 and 201."""
        connection = self._connect(PATIENCE)
        try:
            response = self._send(connection, method, path, body)
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(f"{self.server}{path}: {error}") from None
        finally:
            connection.close()
        try:
            found: Any = json.loads(content)
        except ValueError:
            found = {}
        if response.status not in {200, 201}:
            why = found.get("message") if isinstance(found, dict) else ""
            raise ApiError(f"{method} {path}: {response.status} {why or response.reason}", response.status)
        if not isinstance(found, dict):
            raise ApiError(f"{method} {path}: the answer is no object")
        return found

    def watch(self, path: str, version: str) -> Iterator[Json]:
        """Yield the events of a watch until the server ends it. Raises ApiError."""
        mark = "&" if "?" in path else "?"
        target = (
            f"{path}{mark}watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH}&resourceVersion={version}"
        )
        connection = self._connect(WATCH + PATIENCE)
        try:
            response = self._send(connection, "GET", target, None)
            if response.status != http.client.OK:
                raise ApiError(f"watch {path}: {response.status}", response.status)
            while line := response.readline():
                event: Json = json.loads(line)
                yield event
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ApiError(f"watch {path}: {error}") from None
        finally:
            connection.close()

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=self._context)

    def _send(
        self, connection: http.client.HTTPSConnection, method: str, path: str, body: Any
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token()}"
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, self._prefix + path, data, headers)
        return connection.getresponse()


def in_cluster(account: Path = ACCOUNT) -> Api:
    """Return the API server of the cluster that this process is a pod of. Raises UsageError."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (account / "token").exists():
        raise UsageError(
            "--in-cluster: this is no pod with a service account",
            hint="outside of a cluster give --kubeconfig FILE",
        )
    context = ssl.create_default_context(cafile=str(account / "ca.crt"))
    shown = f"[{host}]" if ":" in host else host
    return Api(
        f"https://{shown}:{port}", context, lambda: (account / "token").read_text(encoding="ascii").strip()
    )


def from_kubeconfig(path: Path) -> Api:
    """Return the API server of a kubeconfig's current context.

    Raises:
        InputError: the file cannot be read.
        UsageError: it lacks a part, or wants a plugin.
    """
    try:
        documents = load_all(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    config: Any = documents[0] if documents else None
    if not isinstance(config, dict):
        raise InputError(f"{path}: no kubeconfig")
    chosen = _named(config, "contexts", str(config.get("current-context") or ""), "context", path)
    cluster = _named(config, "clusters", str(chosen.get("cluster") or ""), "cluster", path)
    user = _named(config, "users", str(chosen.get("user") or ""), "user", path)
    context = ssl.create_default_context()
    authority = _content(cluster, "certificate-authority", path)
    if authority is not None:
        context = ssl.create_default_context(cadata=authority.decode("ascii", "replace"))
    certificate, key = _content(user, "client-certificate", path), _content(user, "client-key", path)
    if certificate is not None and key is not None:
        # OpenSSL reads a chain from a file only; this one is gone before anybody is asked.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    elif not user.get("token") and not user.get("tokenFile"):
        raise UsageError(
            f"{path}: the user has neither a client certificate nor a token",
            hint="exec plugins are not run: give a kubeconfig of a service account",
        )
    token: Callable[[], str] | None = None
    if user.get("tokenFile"):
        file_name = Path(str(user["tokenFile"]))
        token = lambda: file_name.read_text(encoding="ascii").strip()  # noqa: E731 - one line of its kind
    elif user.get("token"):
        text = str(user["token"])
        token = lambda: text  # noqa: E731 - as above
    return Api(str(cluster.get("server") or ""), context, token)


def _named(config: Json, part: str, name: str, inner: str, path: Path) -> Json:
    for item in config.get(part) or ():
        if isinstance(item, dict) and item.get("name") == name and isinstance(item.get(inner), dict):
            found: Json = item[inner]
            return found
    raise UsageError(f"{path}: there is no {inner} {name!r}", hint="check current-context")


def _content(holder: Json, name: str, path: Path) -> bytes | None:
    if data := holder.get(f"{name}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"{path}: {name}-data is not base64") from None
    if file := holder.get(name):
        try:
            return (path.parent / str(file)).read_bytes()
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from None
    return None


__all__ = ["Api", "ApiError", "from_kubeconfig", "in_cluster"]
