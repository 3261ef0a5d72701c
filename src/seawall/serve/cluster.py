"""A world that is watched in a cluster, the authority's folder kept in a Secret, caBundle kept right there."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError, UsageError
from seawall.serve.api import Api, ApiError
from seawall.serve.bundle import inject
from seawall.serve.journal import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Json = dict[str, Any]
GONE = 410
CONFLICT = 409
NOT_FOUND = 404
FIRST = 30.0  # seconds until every kind must have been listed
SLOWEST = 30.0
FILES = ("ca.crt", "ca.key", "tls.crt", "tls.key", "next.crt", "next.key")


class Watched:
    """The objects of some resources, listed once and then watched: `v1/namespaces`, `GROUP/VERSION/PLURAL`."""

    def __init__(self, api: Api, resources: Sequence[str]) -> None:
        self.api = api
        self.paths = {resource: _path(resource) for resource in resources}
        self._objects: dict[str, dict[tuple[str, str], Json]] = {}
        self._lock = threading.Lock()
        self._generation = 0
        self._failures: dict[str, str] = {}
        self._started = False
        self._closed = threading.Event()

    def close(self) -> None:
        """Follow no longer; a watch that is open ends by itself."""
        self._closed.set()

    def version(self) -> object:
        """Return a number that grows with each change."""
        return self._generation

    def read(self) -> list[Json]:
        """Return all objects. Raises InputError where a resource could not be listed yet."""
        if not self._started:
            self._started = True
            for resource in self.paths:
                threading.Thread(target=self._follow, args=(resource,), daemon=True).start()
        until = time.monotonic() + FIRST
        while self._objects.keys() != self.paths.keys():
            if time.monotonic() > until:
                missing = sorted(self.paths.keys() - self._objects.keys())
                why = "; ".join(f"{one}: {self._failures.get(one, 'no answer')}" for one in missing)
                raise InputError(
                    f"the cluster's world is not whole: {why}", hint="may it be listed and watched?"
                )
            time.sleep(0.02)
        with self._lock:
            return [obj for resource in self.paths for _, obj in sorted(self._objects[resource].items())]

    def _follow(self, resource: str) -> None:
        pause = 1.0
        while not self._closed.is_set():
            try:
                version = self._list(resource)
                pause = 1.0
                while version:
                    version = self._watch(resource, version)
            except ApiError as error:
                if self._failures.get(resource) != error.message:
                    say("watch-failed", "warning", resource=resource, error=error.message)
                self._failures[resource] = error.message
                self._closed.wait(pause)
                pause = min(SLOWEST, pause * 2)

    def _list(self, resource: str) -> str:
        path, found, more = self.paths[resource], {}, ""
        while True:
            page = self.api.ask("GET", f"{path}?limit=500{more}")
            kind = str(page.get("kind") or "").removesuffix("List")
            for item in page.get("items") or ():
                obj = {"apiVersion": page.get("apiVersion"), "kind": kind, **item}
                found[_key(obj)] = _slim(obj)
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                break
            more = f"&continue={metadata['continue']}"
        with self._lock:
            if self._objects.get(resource) != found:
                self._objects[resource] = found
                self._generation += 1
        self._failures.pop(resource, None)
        return str(metadata.get("resourceVersion") or "")

    def _watch(self, resource: str, version: str) -> str:
        """Follow one watch; return the version to go on from, the empty text where it must be listed again."""
        for event in self.api.watch(self.paths[resource], version):
            obj: Json = event.get("object") or {}
            kind = event.get("type")
            if kind == "ERROR":
                if obj.get("code") == GONE:
                    return ""
                raise ApiError(f"watch {resource}: {obj.get('message')}")
            version = str((obj.get("metadata") or {}).get("resourceVersion") or version)
            if kind == "BOOKMARK":
                continue
            with self._lock:
                known = self._objects[resource]
                if kind == "DELETED":
                    known.pop(_key(obj), None)
                else:
                    known[_key(obj)] = _slim(obj)
                self._generation += 1
        return version


def _path(resource: str) -> str:
    parts = resource.split("/")
    if len(parts) == 2 and parts[0] == "v1":
        return f"/api/{resource}"
    if len(parts) == 3 and all(parts):
        return f"/apis/{resource}"
    raise UsageError(f"--watch {resource}", hint="write v1/namespaces or GROUP/VERSION/PLURAL")


def _key(obj: Json) -> tuple[str, str]:
    metadata = obj.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _slim(obj: Json) -> Json:
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "managedFields"}
    return obj | {"metadata": metadata}


class SecretFolder:
    """The own authority's folder, kept in a Secret: all replicas show certificates of one authority.

    Who renews writes with the version that was read; who loses that race takes what the other wrote.
    """

    def __init__(self, api: Api, namespace: str, name: str, folder: Path) -> None:
        self.api = api
        self.path = f"/api/v1/namespaces/{namespace}/secrets"
        self.name = name
        self.folder = folder
        self._version = ""

    def pull(self) -> None:
        """Write what the Secret holds into the folder. Raises ApiError."""
        try:
            found = self.api.ask("GET", f"{self.path}/{self.name}")
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            self._version = ""
            return
        self._version = str((found.get("metadata") or {}).get("resourceVersion") or "")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = found.get("data") or {}
        for name in FILES:
            file = self.folder / name
            if name not in data:
                file.unlink(missing_ok=True)
                continue
            try:
                content = base64.b64decode(data[name], validate=True)
            except (binascii.Error, ValueError):
                raise ApiError(f"Secret {self.name}: {name} is not base64") from None
            if not file.exists() or file.read_bytes() != content:
                scratch = file.with_name(f".{name}.pull")
                scratch.touch(mode=0o600)
                scratch.write_bytes(content)
                scratch.replace(file)

    def push(self) -> bool:
        """Write the folder into the Secret; return False where another replica was first. Raises ApiError."""
        data = {
            name: base64.b64encode((self.folder / name).read_bytes()).decode()
            for name in FILES
            if (self.folder / name).exists()
        }
        metadata: Json = {"name": self.name}
        if self._version:
            metadata["resourceVersion"] = self._version
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}
        try:
            if self._version:
                found = self.api.ask("PUT", f"{self.path}/{self.name}", body)
            else:
                found = self.api.ask("POST", self.path, body)
        except ApiError as error:
            if error.status == CONFLICT:
                return False
            raise
        self._version = str((found.get("metadata") or {}).get("resourceVersion") or "")
        return True


def inject_object(api: Api, resource: str, name: str, pem: bytes) -> int:
    """Keep caBundle of a webhook configuration in the cluster right; return how many webhooks changed.

    `resource` is validatingwebhookconfigurations or mutatingwebhookconfigurations. Raises ApiError.
    """
    path = f"/apis/admissionregistration.k8s.io/v1/{resource}/{name}"
    for _ in range(5):
        found = api.ask("GET", path)
        changed = inject(found, pem)
        if not changed:
            return 0
        try:
            api.ask("PUT", path, found)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            continue
        return changed
    return 0


__all__ = ["SecretFolder", "Watched", "inject_object"]
