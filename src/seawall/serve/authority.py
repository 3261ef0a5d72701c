"""An own certificate authority: server certificates that are renewed long before they end.

The periods are those of open-policy-agent/cert-controller (specs/policy.md b8): an authority of ten years,
server certificates of one year, both renewed 90 days ahead, valid from one hour back for clocks that are late.
"""

from __future__ import annotations

import ipaddress
import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seawall.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AUTHORITY_DAYS = 3650
SERVER_DAYS = 365
AHEAD = timedelta(days=90)
BACK = timedelta(hours=1)
SETTLE = timedelta(hours=24)
"""How long a new authority stands in the bundle before it signs: until every API server has it."""


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        """Return the certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """Return the key, unencrypted: it lies in a folder that only its owner reads."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def new_authority(now: datetime) -> Pair:
    """Make a self-signed authority that may sign server certificates and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "seawall serve")])
    made = _builder(name, name, key, now, AUTHORITY_DAYS)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(sign=True), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Pair(made.sign(key, hashes.SHA256()), key)


def new_server(authority: Pair, names: Sequence[str], now: datetime) -> Pair:
    """Make a server certificate for DNS names and addresses. Raises UsageError."""
    if not names:
        raise UsageError("a server certificate needs a name", hint="give --tls-name seawall.seawall.svc")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    made = _builder(subject, authority.certificate.subject, key, now, SERVER_DAYS)
    made = made.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(sign=False), critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    made = made.add_extension(identifier, critical=False)
    return Pair(made.sign(authority.key, hashes.SHA256()), key)


class Authority:
    """The folder of the own authority: `ca.crt` (the bundle), `ca.key`, `tls.crt`, `tls.key`.

    During a change of authority the bundle holds both, and `next.crt`/`next.key` the new one, which signs
    once it has stood in the bundle for a day.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        self.names = tuple(names)

    def renew(self, now: datetime, *, force: bool = False) -> list[str]:
        """Make what is missing or ends soon; return what was done. `force` makes a new server certificate.

        Raises:
            InputError: a file of the folder cannot be read or is none of ours.
            UsageError: the folder cannot be written, or no name was given.
        """
        done: list[str] = []
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            authority = self._pair("ca")
            if authority is None:
                authority = new_authority(now)
                self._write("ca", authority)
                done.append("authority made")
            authority = self._succession(authority, now, done)
            server = self._pair("tls")
            if force or server is None or self._outdated(server, authority, now):
                self._write("tls", new_server(authority, self.names, now))
                done.append("server certificate made")
        except OSError as error:
            raise UsageError(
                f"{self.folder}: {error.strerror}", hint="--tls-own needs a folder it can write"
            ) from None
        return done

    def bundle(self) -> bytes:
        """Return the PEM of every authority that callers must trust now."""
        return (self.folder / "ca.crt").read_bytes()

    def _succession(self, authority: Pair, now: datetime, done: list[str]) -> Pair:
        if authority.certificate.not_valid_after_utc - now > AHEAD:
            return authority
        following = self._pair("next")
        if following is None:
            following = new_authority(now)
            self._write("next", following)
            _replace(self.folder / "ca.crt", authority.pem() + following.pem(), 0o644)
            done.append("next authority made; it signs a day from now")
        # A certificate says when it was made: an hour after it begins (BACK).
        since = following.certificate.not_valid_before_utc + BACK
        if now - since < SETTLE and authority.certificate.not_valid_after_utc > now:
            return authority
        _replace(self.folder / "ca.key", following.key_pem(), 0o600)
        _replace(self.folder / "ca.crt", following.pem() + authority.pem(), 0o644)
        for name in ("next.crt", "next.key"):
            (self.folder / name).unlink(missing_ok=True)
        done.append("the next authority took over")
        return following

    def _outdated(self, server: Pair, authority: Pair, now: datetime) -> bool:
        certificate = server.certificate
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if [_text(name) for name in found] != [_text(_general(name)) for name in self.names]:
            return True
        try:
            certificate.verify_directly_issued_by(authority.certificate)
        except Exception:  # noqa: BLE001 - any failure of the check has one meaning: not signed by this authority
            return True
        return certificate.not_valid_after_utc - now <= AHEAD

    def _pair(self, stem: str) -> Pair | None:
        certificate, key = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        if not certificate.exists() or not key.exists():
            return None
        try:
            loaded = serialization.load_pem_private_key(key.read_bytes(), None)
            if not isinstance(loaded, ec.EllipticCurvePrivateKey):
                raise ValueError("the key is not an EC key")  # noqa: TRY004 - caught below as bad content
            found = x509.load_pem_x509_certificates(certificate.read_bytes())
            for one in found:
                if one.public_key() == loaded.public_key():
                    return Pair(one, loaded)
        except ValueError as error:
            raise InputError(f"{certificate}: {error}", hint="remove the pair; a new one is made") from None
        # A crash between two writes: the pair is made anew.
        return None

    def _write(self, stem: str, pair: Pair) -> None:
        _replace(self.folder / f"{stem}.key", pair.key_pem(), 0o600)
        _replace(self.folder / f"{stem}.crt", pair.pem(), 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign, key_cert_sign=sign, crl_sign=sign, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise UsageError(f"{name!r} is no name for a certificate", hint="give ASCII DNS names") from None


def _text(name: x509.GeneralName) -> str:
    return str(name.value)


__all__ = ["Authority", "Pair", "new_authority", "new_server"]
