"""The certificate that the host shows: watched files, or files of an own authority; renewed without a break."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from seawall.core.errors import SeawallError
from seawall.serve.bundle import inject_file
from seawall.serve.cluster import inject_object
from seawall.serve.journal import say
from seawall.serve.tls import Current, context

if TYPE_CHECKING:
    from pathlib import Path

    from seawall.serve.api import Api
    from seawall.serve.authority import Authority
    from seawall.serve.cluster import SecretFolder


CLUSTER_BEAT = 60.0  # seconds between looks at the Secret and at the configurations in a cluster


class TlsSettings(NamedTuple):
    """Which certificate: `certificate` and `key` are files in PEM; with `own`, names to make one for.

    `folder` is the own authority's. `client_ca` is the authority of callers that must show a certificate.
    """

    certificate: Path | None = None
    key: Path | None = None
    folder: Path | None = None
    names: tuple[str, ...] = ()
    client_ca: Path | None = None
    webhook_configs: tuple[Path, ...] = ()
    secret: SecretFolder | None = None
    """Where the own authority's folder is kept in a cluster."""
    webhook_objects: tuple[tuple[Api, str, str], ...] = ()
    """Configurations in a cluster whose caBundle is kept right: API server, resource, name."""


class Certificates:
    """Loads, renews and swaps; `outer` is the context to serve with."""

    def __init__(self, settings: TlsSettings) -> None:
        self.settings = settings
        self.outer = Current()
        self.ends = datetime.max.replace(tzinfo=UTC)
        self.loaded = 0
        self._seen: object = None
        self._complaint = ""
        self._asked = 0.0
        self.authority: Authority | None = None
        if settings.folder is not None:
            from seawall.serve.authority import Authority  # noqa: PLC0415 - only an own authority signs

            self.authority = Authority(settings.folder, settings.names)
            self.certificate, self.key = settings.folder / "tls.crt", settings.folder / "tls.key"
        elif settings.certificate is not None and settings.key is not None:
            self.certificate, self.key = settings.certificate, settings.key
        else:
            raise ValueError("neither files nor a folder")

    def start(self) -> None:
        """Load for the first time. Raises SeawallError."""
        self._renew(force=False)
        self._load()

    def refresh(self, *, rotate: bool = False) -> bool:
        """Renew what is due and load what has changed; what does not load leaves the old one in force.

        `rotate` makes a new certificate now (own authority only). Returns whether another one is served.
        """
        try:
            self._renew(force=rotate)
            if self._stamp() == self._seen:
                return False
            self._load()
        except SeawallError as error:
            if error.message != self._complaint:
                say("certificate-not-loaded", "error", error=error.message)
            self._complaint = error.message
            return False
        self._complaint = ""
        return True

    def _renew(self, *, force: bool) -> None:
        if self.authority is None:
            return
        settings = self.settings
        # Asking the cluster each second would be too often; what is due is due for weeks.
        remote = self.loaded == 0 or force or time.monotonic() > self._asked + CLUSTER_BEAT
        if remote:
            self._asked = time.monotonic()
            if settings.secret is not None:
                settings.secret.pull()
        done = self.authority.renew(datetime.now(UTC), force=force)
        if done and settings.secret is not None and not settings.secret.push():
            say("certificate", step="another replica was first: its certificate is taken")
            settings.secret.pull()
        for step in done:
            say("certificate", step=step, folder=str(self.authority.folder))
        if done or not self.loaded:
            for path in settings.webhook_configs:
                if changed := inject_file(path, self.authority.bundle()):
                    say("ca-bundle-injected", path=str(path), webhooks=changed)
        if done or remote:
            for api, resource, name in settings.webhook_objects:
                if changed := inject_object(api, resource, name, self.authority.bundle()):
                    say("ca-bundle-injected", object=f"{resource}/{name}", webhooks=changed)

    def _load(self) -> None:
        seen = self._stamp()
        inner, self.ends = context(self.certificate, self.key, self.settings.client_ca)
        self.outer.use(inner)
        self._seen = seen
        self.loaded += 1

    def _stamp(self) -> object:
        found = []
        for path in (self.certificate, self.key, self.settings.client_ca):
            if path is not None:
                try:
                    status = os.stat(path)  # noqa: PTH116 - each second, three files: no Path each
                    found.append((status.st_mtime_ns, status.st_size, status.st_ino))
                except OSError:
                    found.append((0, 0, 0))
        return tuple(found)


__all__ = ["Certificates", "TlsSettings"]
