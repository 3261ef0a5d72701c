"""TLS whose certificate changes under way: new handshakes see the new one, open connections go on.

asyncio asks an SSLContext for each connection's state machine (`wrap_bio`); `Current` passes that on to the
context of the moment. Loading another certificate into one context would not do: OpenSSL keeps one for each
kind of key, and the old one of another kind would still be served.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from seawall.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


class Current(ssl.SSLContext):
    """A context that stands for another one, which `use` replaces."""

    inner: ssl.SSLContext

    def __new__(cls) -> Self:
        """Make the outer context; it handles no connection itself."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def use(self, inner: ssl.SSLContext) -> None:
        """Serve new connections with this context from now on."""
        self.inner = inner

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """Begin a connection."""
        return self.inner.wrap_bio(*given, **named)


def context(certificate: Path, key: Path, client_ca: Path | None = None) -> tuple[ssl.SSLContext, datetime]:
    """Return a server context of TLS 1.2 and later, and when its certificate ends.

    With `client_ca` a client may show a certificate, which then must be of that authority.

    Raises:
        InputError: a file cannot be read, or certificate and key do not belong together.
    """
    from cryptography import x509  # noqa: PLC0415 - a heavy import that plain HTTP does not need

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(certificate, key)
        ends = x509.load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_after_utc
        if client_ca is not None:
            made.load_verify_locations(client_ca)
            made.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ValueError, IndexError) as error:
        # ssl.SSLError is an OSError; its text names neither file.
        raise InputError(
            f"{certificate}, {key}: {error}", hint="give a certificate in PEM and the key that belongs to it"
        ) from None
    return made, ends.astimezone(UTC)


__all__ = ["Current", "context"]
