"""Who a client certificate stands for (apiserver 1.34 pkg/authentication/request/x509; Go crypto/x509 Verify)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from seawall.access.attributes import User
from seawall.access.tokens.jose import TokenError
from seawall.access.tokens.oidc import CREDENTIAL, Authenticated, with_authenticated
from seawall.core.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from cryptography import x509

UID: Final = "1.3.6.1.4.1.57683.2"
"""The attribute of a subject that holds a user's uid (AllowParsingUserUIDFromCertAuth, on since 1.33)."""
LONGEST: Final = 8
"""Certificates of a chain at most."""


def certificate_user(pem: bytes, authorities: bytes, now: float) -> Authenticated:
    """Authenticate a client certificate, with its intermediates behind it in the same PEM, against a CA bundle.

    The certificate must be valid at `now`, be meant for clients, and lead to one of the authorities. Its common name is
    the name, each organization a group. Whether it was revoked is not asked: the API server does not either.

    Raises:
        InputError: a PEM holds no certificate.
        MissingExtraError: the library for certificates is not installed.
    """
    given, roots = _load(pem, "the certificate"), _load(authorities, "the bundle of authorities")
    leaf = given[0]
    moment = datetime.fromtimestamp(now, UTC)
    try:
        _verify(leaf, given[1:], roots, moment)
        user = _user(leaf)
    except TokenError as error:
        return Authenticated(None, f"verifying certificate SN={leaf.serial_number} failed: {error}")
    if user is None:
        return Authenticated(None, "a certificate without a common name is nobody's")
    return Authenticated(with_authenticated(user))


def _load(pem: bytes, what: str) -> list[x509.Certificate]:
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra, heavy: imported late
    except ModuleNotFoundError:
        raise MissingExtraError("the library cryptography", "serve") from None
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise InputError(f"{what} is no PEM certificate") from None


def _verify(
    leaf: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate], now: datetime
) -> None:
    """Find a chain from the leaf to a root. Raises TokenError with Go's reason."""
    _check_time(leaf, now)
    if not _is_for_clients(leaf):
        raise TokenError("x509: certificate specifies an incompatible key usage")
    if leaf in roots:
        return
    chains = [[leaf]]
    while chains:
        chain = chains.pop()
        for candidate in (*roots, *between):
            if candidate in chain or not _signs(candidate, chain, now):
                continue
            if candidate in roots:
                return
            if len(chain) < LONGEST:
                chains.append([*chain, candidate])
    raise TokenError("x509: certificate signed by unknown authority")


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise TokenError("x509: certificate has expired or is not yet valid")


def _signs(authority: x509.Certificate, chain: list[x509.Certificate], now: datetime) -> bool:
    """Tell whether an authority, valid now and allowed to, signed the last certificate of a chain."""
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        basic = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        _check_time(authority, now)
        chain[-1].verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, TokenError, ValueError, TypeError, InvalidSignature):
        return False
    # The leaf does not count against the length of the path.
    short = basic.path_length is None or len(chain) - 1 <= basic.path_length
    return basic.ca and short and _may_sign(authority) and _is_for_clients(authority)


def _may_sign(authority: x509.Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.key_cert_sign


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Tell whether extended key usages allow client authentication; without any they do."""
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415 - as above

    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    wanted = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return any(each in usages for each in wanted)


def _user(leaf: x509.Certificate) -> User | None:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - as above

    attributes: list[tuple[str, Any]] = [(each.oid.dotted_string, each.value) for each in leaf.subject]
    names = [str(value) for oid, value in attributes if oid == NameOID.COMMON_NAME.dotted_string]
    if not names or not names[-1]:
        return None
    uids = [str(value) for oid, value in attributes if oid == UID]
    if len(uids) > 1:
        raise TokenError(f"expected 1 UID, but found multiple: [{' '.join(uids)}]")
    if uids == [""]:
        raise TokenError("UID cannot be an empty string")
    groups = tuple(str(value) for oid, value in attributes if oid == NameOID.ORGANIZATION_NAME.dotted_string)
    digest = hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()
    # Of several common names Go keeps the last.
    return User(names[-1], groups, "".join(uids), ((CREDENTIAL, (f"X509SHA256={digest}",)),))
