"""Client certificates of every kind, shown to kube-apiserver and to our engine: the user, or none."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from seawall.access.tokens.certificates import UID, certificate_user
from seawall.core.errors import InputError

HOUR = dt.timedelta(hours=1)
CLIENT = [ExtendedKeyUsageOID.CLIENT_AUTH]
CN, ORG, UNIT = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME


class Maker:
    """Makes certificates below an authority."""

    def __init__(self, name, key=None, certificate=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.certificate = certificate or self.issue(self, [(CN, name)], self.key, authority=True)

    def issue(
        self, issuer, subject, key, *, usages=CLIENT, begin=-HOUR, end=HOUR, authority=False, length=None
    ):
        now = dt.datetime.now(dt.UTC)
        name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
        signer = issuer.certificate.subject if hasattr(issuer, "certificate") else name
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(signer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
        )
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
        elif usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(issuer.key, hashes.SHA256())

    def client(self, subject, **options):
        key = ec.generate_private_key(ec.SECP256R1())
        return self.issue(self, subject, key, **options), key

    def below(self, name, **options):
        key = ec.generate_private_key(ec.SECP256R1())
        return Maker(name, key, self.issue(self, [(CN, name)], key, authority=True, **options))


def pem(*certificates):
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def cases(root):
    """(what, certificates, key) for one authority."""
    jane = [(CN, "jane")]
    other, inner = Maker("other"), root.below("inner")
    deep = root.below("narrow", length=0).below("too-deep")
    yield "plain", *one(root.client(jane))
    yield "groups", *one(root.client([(ORG, "a"), (CN, "jane"), (ORG, "b"), (UNIT, "c")]))
    yield "no name", *one(root.client([(ORG, "a")]))
    yield "two names", *one(root.client([(CN, "first"), (CN, "second")]))
    yield "uid", *one(root.client([*jane, (ObjectIdentifier(UID), "u-1")]))
    yield (
        "two uids",
        *one(root.client([*jane, (ObjectIdentifier(UID), "u-1"), (ObjectIdentifier(UID), "u-2")])),
    )
    yield "expired", *one(root.client(jane, begin=-2 * HOUR, end=-HOUR))
    yield "too early", *one(root.client(jane, begin=HOUR, end=2 * HOUR))
    yield "for servers", *one(root.client(jane, usages=[ExtendedKeyUsageOID.SERVER_AUTH]))
    yield "for both", *one(root.client(jane, usages=[ExtendedKeyUsageOID.SERVER_AUTH, *CLIENT]))
    yield "for any", *one(root.client(jane, usages=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]))
    yield "for nothing said", *one(root.client(jane, usages=[]))
    yield "of another authority", *one(other.client(jane))
    certificate, key = inner.client(jane)
    yield "by an intermediate", [certificate, inner.certificate], key
    yield "without its intermediate", [certificate], key
    certificate, key = deep.client(jane)
    yield "by too long a path", [certificate, deep.certificate], key
    leaf, leaf_key = root.client([(CN, "leaf")])
    fake = Maker("leaf", leaf_key, leaf)
    certificate, key = fake.client(jane)
    yield "signed by a client", [certificate, leaf], key
    yield "masters", *one(root.client([(CN, "admin"), (ORG, "system:masters")]))
    yield "system name", *one(root.client([(CN, "system:kube-scheduler")]))


def one(pair):
    return [pair[0]], pair[1]


@pytest.mark.live
def test_client_certificates_of_every_kind(cluster, tmp_path):
    authority = x509.load_pem_x509_certificate(cluster.ca.read_bytes())
    key = cluster._files.authority.key
    root = Maker("ca", key, authority)
    seen = set()
    for what, chain, key in cases(root):
        file = tmp_path / "client.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(pem(*chain) + private)
        context = ssl.create_default_context(cafile=str(cluster.ca))
        context.load_cert_chain(file)
        connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=context, timeout=20)
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        ours = certificate_user(pem(*chain), cluster.ca.read_bytes(), time.time())
        user = answer["status"]["userInfo"] if response.status == 201 else {}
        # A certificate that proves nobody is 401; one without a name is passed over: the request is anonymous.
        anonymous = user.get("username") == "system:anonymous" and ours.user is None
        assert (ours.user is not None) == (response.status == 201 and not anonymous), (what, answer, ours)
        seen.add(ours.user is not None)
        if ours.user is not None:
            assert ours.user.name == user["username"], what
            assert list(ours.user.groups) == user.get("groups", []), what
            assert ours.user.uid == user.get("uid", ""), what
            assert {key: list(values) for key, values in ours.user.extra} == user.get("extra", {}), what
    assert seen == {True, False}


def test_certificates_without_a_server():
    """The same cases, by what RFC 5280 and the API server's source say of them."""
    root = Maker("root")
    good = {"plain", "groups", "two names", "uid", "for both", "for any", "for nothing said", "by an intermediate",
            "masters", "system name"}  # fmt: skip
    for what, chain, _ in cases(root):
        found = certificate_user(pem(*chain), pem(root.certificate), time.time())
        assert (found.user is not None) == (what in good), (what, found.error)
        assert bool(found.error) == (what not in good)


@pytest.mark.parametrize(
    "text", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate(text):
    with pytest.raises(InputError):
        certificate_user(text, text, 0)
