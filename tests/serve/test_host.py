"""The server as a process: what callers, operators and a crash may do to it."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import ssl
import threading
import time

import pytest

from seawall.serve.authority import Pair, new_authority
from support.command import seawall
from support.serving import Served

PREFIX = "pod-security.kubernetes.io/"


def _namespace(level):
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {f"{PREFIX}enforce": level}},
    }


def _review(obj=None, uid="u-1", operation="CREATE", **more):
    obj = obj or {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"containers": [{"name": "a", "image": "x"}]},
    }
    request = {
        "uid": uid, "operation": operation, "name": obj["metadata"]["name"], "namespace": "shop",
        "kind": {"group": "", "version": "v1", "kind": obj["kind"]},
        "resource": {"group": "", "version": "v1", "resource": f"{obj['kind'].lower()}s"},
        "userInfo": {"username": "kim"}, "object": obj,
    }  # fmt: skip
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request | more}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    (folder / "ns.json").write_text(json.dumps(_namespace("restricted")))
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("served")
    with Served(
        folder, "admission", "--snapshot", str(world), "--decision-log", str(folder / "log.jsonl")
    ) as made:
        yield made


def test_a_pod_is_refused_over_https_with_its_uid(served):
    status, review = served.ask("POST", "/validate?timeout=10s", _review(uid="7-x"))
    assert status == 200
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response = review["response"]
    assert (response["uid"], response["allowed"], response["status"]["code"]) == ("7-x", False, 403)
    assert 'violates PodSecurity "restricted:latest"' in response["status"]["message"]
    # The API server puts "WEBHOOK/" before each key: one with a slash of its own would be refused.
    assert response["auditAnnotations"] == {"pod-security.kubernetes.io_enforce-policy": "restricted:latest"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"), (b"{", "not JSON"), (b"\xff\xfe{}", "not JSON"), (b"[]", "no AdmissionReview"),
        (b"null", "no AdmissionReview"), (b'"AdmissionReview"', "no AdmissionReview"),
        (b'{"kind": "AdmissionReview"}', "apiVersion is None"),
        (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"}', "admissionReviewVersions"),
        (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}', "no request with a uid"),
        (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": 3}}', "uid"),
        (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "u"}}', "operation"),
        (json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
            "uid": "u", "operation": "CREATE", "kind": 1, "resource": []}}).encode(), "kind"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"1" * 5000, "not JSON"),
    ],
)  # fmt: skip
def test_a_malformed_body_is_400_and_says_why(served, body, says):
    status, text = served.ask("POST", "/validate", body)
    assert (status, says in text) == (400, True), text


@pytest.mark.parametrize(
    "change",
    [
        {"object": []}, {"object": {"metadata": []}}, {"object": {"spec": 1}}, {"object": {"spec": {"containers": 1}}},
        {"object": {"spec": {"containers": [1]}}}, {"userInfo": 1}, {"namespace": {}}, {"oldObject": "x"}, {"name": []},
        {"object": {"metadata": {"labels": 1}, "spec": {"containers": [{"securityContext": 3}]}}},
        {"object": {"spec": {"volumes": [None], "containers": []}}},
        {"resource": {"group": [], "version": {}, "resource": None}}, {"kind": {}}, {"options": [1]},
    ],
)  # fmt: skip
def test_a_request_out_of_shape_is_answered_and_the_server_lives(served, change):
    review = _review()
    review["request"] |= change
    status, _ = served.ask("POST", "/validate", review)
    assert status in {200, 400}
    assert served.ask("GET", "/healthz") == (200, "ok\n")


def test_a_body_of_three_megabytes_is_judged(served):
    pod = _review()["request"]["object"]
    pod["metadata"]["annotations"] = {"a": "x" * (3 << 20)}
    status, review = served.ask("POST", "/validate", _review(pod))
    assert (status, review["response"]["allowed"]) == (200, False)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200), ("POST", "/healthz", 405),
        ("GET", "/validate", 405), ("GET", "/", 404), ("POST", "/v1/decide/nothing", 404), ("GET", "/v1/decide/access", 405),
    ],
)  # fmt: skip
def test_the_other_paths(served, method, path, status):
    assert served.ask(method, path, b"")[0] == status


def test_metrics_are_prometheus_text_and_count(served):
    def counted():
        _, text = served.ask("GET", "/metrics")
        rows = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return int(
            rows.get('seawall_requests_total{service="admission",verdict="deny",status="200"}', 0)
        ), rows

    before, _ = counted()
    served.ask("POST", "/validate", _review())
    after, rows = counted()
    assert after == before + 1
    assert int(rows['seawall_request_duration_seconds_count{service="admission"}']) == int(
        rows['seawall_request_duration_seconds_bucket{service="admission",le="+Inf"}']
    )
    assert float(rows["seawall_certificate_not_after_seconds"]) > time.time() + 300 * 86400


def test_decide_over_http_answers_as_the_command_does(served):
    lines = [
        {"object": _review()["request"]["object"], "level": "baseline"},
        {"level": "restricted"},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    status, text = served.ask("POST", "/v1/decide/pod-security", body.encode())
    assert status == 200
    assert text == seawall("decide", "pod-security", stdin=body).stdout
    # The world of the server is there, and a world line holds for its own request only.
    review = json.dumps(_review())
    own = json.dumps({"objects": [_namespace("privileged")]})
    answers = [
        [
            json.loads(line)
            for line in served.ask("POST", "/v1/decide/admission", text.encode())[1].splitlines()
        ]
        for text in (review, f"{own}\n{review}", review)
    ]
    assert [answer[-1]["response"]["allowed"] for answer in answers] == [False, True, False]


def test_the_decision_log_is_replayed_to_the_same_answers(served, world):
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"},
        "data": {"password": base64.b64encode(b"hunter2-hunter2").decode()}, "stringData": {"pin": "hunter2-plain"},
    }  # fmt: skip
    served.ask("POST", "/validate", _review(secret))
    served.ask("POST", "/validate", _review(dryRun=True))
    text = (served.folder / "log.jsonl").read_text()
    assert "hunter2" not in text
    assert base64.b64encode(b"hunter2-hunter2").decode() not in text
    logged = [json.loads(line) for line in text.splitlines()]
    assert len(logged) >= 2
    done = seawall("decide", "admission", "--snapshot", str(world), stdin=text)
    assert done.returncode == 0
    replayed = [json.loads(line)["response"] for line in done.stdout.splitlines()]
    assert replayed == [line["response"] for line in logged]
    assert {line["seawall"]["service"] for line in logged} == {"admission"}


def test_a_changed_world_is_taken_up_and_a_broken_one_is_not(tmp_path):
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "ns.json").write_text(json.dumps(_namespace("restricted")))
    with Served(tmp_path, "admission", "--snapshot", str(folder), plain=True) as served:

        def allowed():
            return served.ask("POST", "/validate", _review())[1]["response"]["allowed"]

        assert allowed() is False
        (folder / "ns.json").write_text(json.dumps(_namespace("privileged")))
        served.signal(signal.SIGHUP)
        served.wait("world-loaded")
        assert allowed() is True
        (folder / "ns.json").write_text('{"kind": ')
        served.wait("world-not-loaded")
        assert allowed() is True
        assert "seawall_world_stale 1" in served.ask("GET", "/metrics")[1]
        (folder / "ns.json").write_text(json.dumps(_namespace("restricted")))
        served.wait("world-loaded", 2)
        assert allowed() is False


def test_a_config_map_that_is_mounted_and_swapped(tmp_path):
    # As the kubelet lays it: name -> ..data/name, ..data -> a folder with a date, which is replaced as one.
    folder = tmp_path / "mount"
    for level in ("restricted", "privileged"):
        (folder / f"..{level}").mkdir(parents=True)
        (folder / f"..{level}" / "ns.json").write_text(json.dumps(_namespace(level)))
    (folder / "..data").symlink_to("..restricted")
    (folder / "ns.json").symlink_to("..data/ns.json")
    with Served(tmp_path, "admission", "--snapshot", str(folder / "ns.json"), plain=True) as served:
        assert served.ask("POST", "/validate", _review())[1]["response"]["allowed"] is False
        (folder / "..tmp").symlink_to("..privileged")
        (folder / "..tmp").rename(folder / "..data")
        served.wait("world-loaded")
        assert served.ask("POST", "/validate", _review())[1]["response"]["allowed"] is True


def test_sigterm_answers_what_is_under_way_and_new_requests_for_a_while(tmp_path):
    with Served(tmp_path, "admission", "--drain-seconds", "1", plain=True) as served:
        kept = served.connect()
        kept.connect()
        served.signal(signal.SIGTERM)
        served.wait("draining")
        assert served.ask("GET", "/readyz") == (503, "draining\n")
        assert served.ask("GET", "/healthz")[0] == 200
        kept.request("POST", "/validate", json.dumps(_review()))
        response = kept.getresponse()
        assert (response.status, response.headers["Connection"]) == (200, "close")
        kept.close()
        assert served.process.wait(20) == 0
        served.wait("stopped")


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = seawall("serve", "admission", "--plain-http", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "address already in use" in done.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "which certificate?"),
        (["--tls-cert", "a"], "which certificate?"),
        (["--plain-http", "--tls-own", "x"], "no other option"),
        (["--tls-own", "x", "--tls-cert", "a", "--tls-key", "b"], "one of the two"),
        (["--tls-cert", "a", "--tls-key", "b"], "No such file"),
        (["--plain-http", "--webhook-config", "x"], "no other option|needs --tls-own"),
        (["--tls-cert", "a", "--tls-key", "b", "--webhook-config", "x"], "needs --tls-own"),
        (["--plain-http", "--snapshot", "/nowhere"], "no such file"),
        (["--plain-http", "--kubernetes-version", "x"], "no version of Kubernetes"),
        (["--plain-http", "--decision-log", "/nowhere/log"], "needs a file it can write"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_said_at_once(arguments, says):
    import re

    done = seawall("serve", "admission", "--port", "0", *arguments)
    assert done.returncode == 2, done.stderr
    assert re.search(says, done.stderr)
    assert "Traceback" not in done.stderr


def _client_certificate(authority, usage):
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "caller")]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(made, key)


def test_callers_without_a_certificate_are_turned_away_and_probes_are_not(tmp_path):
    from datetime import UTC, datetime

    from cryptography.x509.oid import ExtendedKeyUsageOID

    authority, other = new_authority(datetime.now(UTC)), new_authority(datetime.now(UTC))
    (tmp_path / "ca.crt").write_bytes(authority.pem())

    def ask(served, pair):
        (tmp_path / "c.pem").write_bytes(pair.pem() + pair.key_pem())
        context = served.context()
        context.load_cert_chain(tmp_path / "c.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", served.port, context=context, timeout=10)
        try:
            connection.request("POST", "/validate", json.dumps(_review()))
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    with Served(tmp_path, "admission", "--client-ca", str(tmp_path / "ca.crt")) as served:
        assert served.ask("POST", "/validate", _review())[0] == 401
        assert served.ask("POST", "/v1/decide/access", b"")[0] == 401
        assert served.ask("GET", "/healthz")[0] == 200
        assert ask(served, _client_certificate(authority, ExtendedKeyUsageOID.CLIENT_AUTH)) == 200
        # Of another authority, or for servers (RFC 5280, 4.2.1.12): no handshake.
        assert ask(served, _client_certificate(other, ExtendedKeyUsageOID.CLIENT_AUTH)) is None
        assert ask(served, _client_certificate(authority, ExtendedKeyUsageOID.SERVER_AUTH)) is None


def test_rotations_under_load_fail_no_request(tmp_path, world):
    certificate = tmp_path / "own" / "tls.crt"
    with Served(tmp_path, "admission", "--snapshot", str(world), "--tls-name", "localhost") as served:
        stop, failures, answers = threading.Event(), [], [0, 0]

        def load(number, fresh):
            connection = served.connect()
            while not stop.is_set():
                try:
                    if fresh:
                        connection.close()
                    connection.request("POST", "/validate", json.dumps(_review()))
                    if connection.getresponse().read() == b"":
                        failures.append("empty")
                    answers[number] += 1
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))
            connection.close()

        threads = [threading.Thread(target=load, args=(number, bool(number))) for number in (0, 1)]
        for thread in threads:
            thread.start()
        seen = set()
        for _ in range(10):
            before = certificate.read_bytes()
            certificate.unlink()  # the authority makes another pair
            served.signal(signal.SIGHUP)
            until = time.monotonic() + 10
            while time.monotonic() < until and (
                not certificate.exists() or certificate.read_bytes() == before
            ):
                time.sleep(0.01)
            seen.add(certificate.read_bytes())
        stop.set()
        for thread in threads:
            thread.join()
        # The files are there a moment before the server takes them up.
        wanted, until = ssl.PEM_cert_to_DER_cert(certificate.read_text()), time.monotonic() + 10
        shown = b""
        while shown != wanted and time.monotonic() < until:
            shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", served.port)))
    assert failures == []
    assert min(answers) > 10
    assert len(seen) == 10
    assert shown == wanted


def test_killed_and_started_again_it_serves_and_its_log_goes_on(tmp_path, world):
    log = tmp_path / "log.jsonl"
    arguments = ("--snapshot", str(world), "--decision-log", str(log))
    with Served(tmp_path, "admission", *arguments) as first:
        assert first.ask("POST", "/validate", _review(uid="before"))[0] == 200
        trusted = first.context()
        first.signal(signal.SIGKILL)
        first.process.wait(10)
    with log.open("ab") as file:
        file.write(b'{"torn": ')  # what a crash of the machine may leave
    with Served(tmp_path, "admission", *arguments) as second:
        # The same authority: whoever trusted the server before still does.
        connection = http.client.HTTPSConnection("127.0.0.1", second.port, context=trusted, timeout=10)
        connection.request("POST", "/validate", json.dumps(_review(uid="after")))
        assert connection.getresponse().status == 200
        connection.close()
    lines = log.read_text().splitlines()
    assert [json.loads(lines[n])["request"]["uid"] for n in (0, 2)] == ["before", "after"]
