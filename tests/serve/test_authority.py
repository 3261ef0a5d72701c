"""Own certificates: periods of open-policy-agent/cert-controller (specs/policy.md b8), and a change of authority."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from seawall.core.errors import InputError, UsageError
from seawall.serve.authority import Authority
from seawall.serve.tls import Current, context

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def _load(path):
    return x509.load_pem_x509_certificates(path.read_bytes())


@pytest.fixture
def own(tmp_path):
    made = Authority(tmp_path / "own", ["seawall.seawall.svc", "127.0.0.1", "::1"])
    made.renew(NOW)
    return made


def test_the_first_time_makes_both_with_their_periods(own):
    (authority,), (server,) = _load(own.folder / "ca.crt"), _load(own.folder / "tls.crt")
    assert authority.not_valid_before_utc == server.not_valid_before_utc == NOW - timedelta(hours=1)
    assert authority.not_valid_after_utc == NOW + 3650 * DAY
    assert server.not_valid_after_utc == NOW + 365 * DAY
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["seawall.seawall.svc", "127.0.0.1", "::1"]
    server.verify_directly_issued_by(authority)


def test_keys_are_the_owners_alone(own):
    assert oct((own.folder / "ca.key").stat().st_mode & 0o777) == "0o600"
    assert oct((own.folder / "tls.key").stat().st_mode & 0o777) == "0o600"
    assert oct(own.folder.stat().st_mode & 0o777) == "0o700"


@pytest.mark.parametrize(
    ("after", "done"),
    [
        (1 * DAY, []),
        (274 * DAY, []),
        (275 * DAY, ["server certificate made"]),  # 90 days ahead
        (400 * DAY, ["server certificate made"]),  # after a long sleep
    ],
)
def test_the_server_certificate_is_renewed_ahead(own, after, done):
    assert own.renew(NOW + after) == done
    assert own.renew(NOW + after) == []


def test_other_names_make_another_certificate(own):
    assert Authority(own.folder, ["other.svc"]).renew(NOW + DAY) == ["server certificate made"]


def test_a_new_authority_is_trusted_for_a_day_before_it_signs(own):
    near = NOW + 3650 * DAY - 90 * DAY
    own.renew(near - DAY)
    old = own.bundle()
    done = own.renew(near)
    assert done[0] == "next authority made; it signs a day from now"
    both = _load(own.folder / "ca.crt")
    assert len(both) == 2
    assert own.bundle().startswith(old)
    _load(own.folder / "tls.crt")[0].verify_directly_issued_by(both[0])
    assert own.renew(near + timedelta(hours=23)) == []
    assert own.renew(near + timedelta(hours=25)) == [
        "the next authority took over",
        "server certificate made",
    ]
    now_first = _load(own.folder / "ca.crt")
    assert now_first == [both[1], both[0]]  # both are still trusted
    _load(own.folder / "tls.crt")[0].verify_directly_issued_by(both[1])
    assert own.renew(near + timedelta(hours=26)) == []


def test_an_authority_that_has_ended_does_not_wait(own):
    done = own.renew(NOW + 4000 * DAY)
    assert "the next authority took over" in done


def test_a_crash_between_two_files_is_mended(own):
    other = Authority(own.folder.parent / "other", ["x"])
    other.renew(NOW)
    (own.folder / "tls.key").write_bytes((other.folder / "tls.key").read_bytes())
    assert own.renew(NOW) == ["server certificate made"]


def test_what_cannot_be_read_or_written_is_said(own, tmp_path):
    (own.folder / "ca.crt").write_text("nonsense")
    with pytest.raises(InputError, match=r"ca\.crt"):
        own.renew(NOW)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"own|Not a directory"):
        Authority(tmp_path / "file" / "below", ["x"]).renew(NOW)
    with pytest.raises(UsageError, match="needs a name"):
        Authority(tmp_path / "nameless", []).renew(NOW)
    with pytest.raises(UsageError, match="no name for a certificate"):
        Authority(tmp_path / "odd", ["müll"]).renew(NOW)


def test_a_pair_that_does_not_belong_together_is_not_served(own):
    other = Authority(own.folder.parent / "other", ["x"])
    other.renew(NOW)
    with pytest.raises(InputError, match=r"tls\.crt"):
        context(own.folder / "tls.crt", other.folder / "tls.key")


def test_the_outer_context_serves_the_inner_one_of_the_moment(tmp_path):
    now = datetime.now(UTC).replace(microsecond=0)
    own = Authority(tmp_path, ["seawall.seawall.svc"])
    own.renew(now)
    outer = Current()
    seen = []
    for _ in range(2):
        inner, ends = context(own.folder / "tls.crt", own.folder / "tls.key")
        assert ends == now + 365 * DAY
        outer.use(inner)
        client = ssl.create_default_context(cafile=str(own.folder / "ca.crt"))
        seen.append(_handshake(outer, client))
        own.renew(now, force=True)
    assert seen[0] != seen[1]


def _handshake(server_context, client_context):
    """Shake hands in memory; return the certificate that the server showed."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="seawall.seawall.svc")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True)
