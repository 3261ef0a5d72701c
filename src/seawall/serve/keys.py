"""The key sets of issuers: from files, or fetched from the issuer itself and kept (OpenID Connect Discovery 1.0).

A key that is not known is looked for once more, but not more often than each PAUSE: tokens with made-up key ids must
not become requests to the issuer (specs, traps 8).
"""

from __future__ import annotations

import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from seawall.access.tokens.jose import KeySet, TokenError, parse_jws, read_keys
from seawall.core.errors import InputError, SeawallError
from seawall.serve.journal import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

PAUSE = 10.0
"""Seconds between two fetches from one issuer."""
PATIENCE = 5.0
"""Seconds that an issuer may take to answer."""
MOST = 1 << 20
"""Bytes of a document at most."""


class Issuer:
    """One issuer's keys, fetched when they are first needed and when a token names an unknown one."""

    def __init__(self, url: str, discovery: str = "", authority: str = "") -> None:
        """`discovery` is where its configuration lies, if not below `url`; `authority` PEM that it is trusted by."""
        self.url = url
        self.discovery = discovery or f"{url.rstrip('/')}/.well-known/openid-configuration"
        self.context = ssl.create_default_context(cadata=authority or None)
        self._keys: KeySet | None = None
        self._tried = float("-inf")
        self._lock = threading.Lock()

    def keys_for(self, key_id: str) -> KeySet | None:
        """Return the keys, None where they could not be fetched yet.

        One caller fetches; the others go on with what is known meanwhile: an issuer that does not answer must not hold
        up the tokens of those that do.
        """
        if self._is_due(key_id) and self._lock.acquire(blocking=False):
            try:
                if self._is_due(key_id):
                    self._tried = time.monotonic()
                    self._fetch()
            finally:
                self._lock.release()
        return self._keys

    def _is_due(self, key_id: str) -> bool:
        keys = self._keys
        known = keys is not None and key_id in {"", *(identity for identity, _ in keys.keys)}
        return not known and time.monotonic() - self._tried >= PAUSE

    def _fetch(self) -> None:
        try:
            found = _get(self.discovery, self.context)
            if found.get("issuer") != self.url:
                raise InputError(f"{self.discovery} is of another issuer")
            place = found.get("jwks_uri")
            if not isinstance(place, str) or not place.startswith("https://"):
                raise InputError(f"{self.discovery} names no jwks_uri with https")
            self._keys = read_keys(_get(place, self.context))
        except SeawallError as error:
            say("keys-not-fetched", "error", issuer=self.url, error=error.message)
        else:
            say("keys-fetched", issuer=self.url, keys=len(self._keys.keys))


def _get(url: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Fetch a JSON object over HTTPS, without following redirects elsewhere. Raises InputError."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=PATIENCE) as response:
            data = response.read(MOST + 1)
        if len(data) > MOST:
            raise InputError(f"{url}: over {MOST} bytes")
        found = json.loads(data)
    except (urllib.error.URLError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"{url}: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{url} is no JSON object")
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: an issuer's keys come from where the issuer says."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


class KeyRing:
    """The keys of several issuers: given ones, and those that are fetched."""

    def __init__(self, given: Mapping[str, Path], make: Callable[..., Issuer] = Issuer) -> None:
        """`given`: files of key sets by issuer; raises InputError where one cannot be read."""
        self.given = {url: read_key_file(path) for url, path in given.items()}
        self._make = make
        self._issuers: dict[tuple[str, str, str], Issuer] = {}

    def warm(self, places: Iterable[tuple[str, str, str]]) -> None:
        """Fetch the keys of issuers ahead, in the background: the first token need not wait for them."""
        for place in places:
            threading.Thread(target=self.of, args=("", *place), daemon=True).start()

    def of(self, token: str, url: str, discovery: str = "", authority: str = "") -> KeySet | None:
        """Return an issuer's keys for a token."""
        found = self.given.get(url)
        if found is not None:
            return found
        place = (url, discovery, authority)
        issuer = self._issuers.get(place)
        if issuer is None:
            issuer = self._issuers.setdefault(place, self._make(*place))
        try:
            key_id = parse_jws(token).key_id
        except TokenError:
            key_id = ""
        return issuer.keys_for(key_id)


def read_key_file(path: Path) -> KeySet:
    """Read a JWKS from a file. Raises InputError."""
    try:
        return read_keys(json.loads(path.read_bytes()))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} is no JSON") from None
    except InputError as error:
        raise InputError(f"{path}: {error.message}", hint=error.hint) from None


__all__ = ["Issuer", "KeyRing", "read_key_file"]
