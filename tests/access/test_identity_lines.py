"""Lines of `seawall decide access` about tokens, configurations and configured chains; the commands over the same."""

from __future__ import annotations

import json
import time

import pytest

from seawall.access.decide import AccessEngine
from seawall.core.errors import InputError
from support.command import seawall
from support.issuer import SigningKey

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
AUTHENTICATION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "jwt": [
        {
            "issuer": {"url": ISSUER, "audiences": ["c"]},
            "claimMappings": {"username": {"claim": "sub", "prefix": "x:"}},
        }
    ],
}
WEBHOOK = {
    "timeout": "3s",
    "subjectAccessReviewVersion": "v1",
    "failurePolicy": "Deny",
    "connectionInfo": {"type": "InClusterConfig"},
}
AUTHORIZATION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthorizationConfiguration",
    "authorizers": [
        {"type": "RBAC", "name": "rbac"},
        {"type": "Webhook", "name": "hook", "webhook": WEBHOOK},
    ],
}
SPEC = {"user": "ann", "resourceAttributes": {"verb": "get", "resource": "pods"}}


@pytest.fixture(scope="module")
def key():
    return SigningKey("one", "ES256")


def claims(**more):
    return {"iss": ISSUER, "aud": "c", "exp": NOW + 60, "sub": "ann"} | more


def test_a_token_line(key):
    engine = AccessEngine()
    engine.load({"objects": [], "authentication": AUTHENTICATION, "keys": {ISSUER: {"keys": [key.jwk()]}}})
    user = {"username": "x:ann", "groups": ["system:authenticated"]}
    for moment in (NOW, float(NOW), "2027-01-15T08:00:00Z"):
        assert engine.answer({"token": key.sign(claims()), "as_of": moment}) == {
            "authenticated": True,
            "user": user,
        }
    late = engine.answer({"token": key.sign(claims()), "as_of": NOW + 61})
    assert late == {"authenticated": False, "error": "oidc: verify token: oidc: token is expired"}
    for moment in (None, "noon", "2027-01-15", True):
        with pytest.raises(InputError, match="as_of"):
            engine.answer({"token": "x", "as_of": moment})


def test_an_issuer_whose_keys_are_not_given(key):
    engine = AccessEngine()
    engine.load({"objects": [], "authentication": AUTHENTICATION})
    answer = engine.answer({"token": key.sign(claims()), "as_of": NOW})
    assert answer == {"authenticated": False, "error": "oidc: authenticator not initialized"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"allowed": True, "reason": "yes"}, {"allowed": True, "reason": "yes"}),
        ({"denied": True, "reason": "no"}, {"allowed": False, "denied": True, "reason": "no"}),
        ({}, {"allowed": False}),
        ({"error": "down"}, {"allowed": False, "denied": True, "evaluationError": "down"}),
    ],
)
def test_a_configured_chain_is_asked_with_given_answers(answer, status):
    engine = AccessEngine()
    engine.load({"objects": [], "authorization": AUTHORIZATION})
    line = engine.answer({"spec": SPEC, "webhooks": {"hook": answer}})
    assert line["status"] == status
    assert [step["authorizer"] for step in line["trail"]] == ["RBAC", "hook"]


def test_a_webhook_whose_answer_is_not_given_is_not_known():
    engine = AccessEngine()
    engine.load({"objects": [], "authorization": AUTHORIZATION})
    line = engine.answer({"spec": SPEC})
    assert line["status"] == {
        "allowed": False,
        "reason": "what the webhook hook says is not known here",
        "evaluationError": "what the webhook hook says is not known here",
    }
    assert line["trail"][-1]["decision"] == "unknown"
    with pytest.raises(InputError, match="webhooks"):
        engine.answer({"spec": SPEC, "webhooks": {"hook": 5}})


def test_a_configuration_line():
    engine = AccessEngine()
    assert engine.answer({"configuration": AUTHENTICATION}) == {"valid": True}
    wrong = AUTHORIZATION | {"authorizers": []}
    assert engine.answer({"configuration": wrong}) == {
        "valid": False,
        "message": "authorizers: Required value: at least one authorization mode must be defined",
    }
    with pytest.raises(InputError):
        engine.answer({"configuration": {"kind": "Pod"}})


@pytest.mark.parametrize(
    "world",
    [
        {"keys": 5},
        {"keys": {ISSUER: 5}},
        {"entra": {}},
        {"entra": {"tenant": 5}},
        {"serviceAccounts": {"keys": ["no key"]}},
        {"authentication": 5},
        {"authorization": {"kind": "x"}},
    ],
)
def test_worlds_that_are_refused(world):
    with pytest.raises(InputError):
        AccessEngine().load({"objects": [], **world})


def test_the_command_that_reads_the_servers_files(tmp_path):
    (tmp_path / "good.json").write_text(json.dumps(AUTHENTICATION))
    done = seawall("access", "config", str(tmp_path))
    assert (done.returncode, "AuthenticationConfiguration: valid" in done.stdout) == (0, True)
    (tmp_path / "bad.yaml").write_text(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Everything\n", encoding="utf-8"
    )
    done = seawall("access", "config", str(tmp_path), "-o", "json")
    assert done.returncode == 1
    shown = {each["kind"]: each for each in json.loads(done.stdout)}
    assert "rules[0].level" in shown["Policy"]["message"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert seawall("access", "config", str(empty)).returncode == 3


def test_the_command_that_reads_a_token(tmp_path, key):
    (tmp_path / "authn.yaml").write_text(json.dumps(AUTHENTICATION))
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.jwk()]}))
    (tmp_path / "token").write_text(key.sign(claims()) + "\n")
    arguments = [
        "--configuration",
        str(tmp_path / "authn.yaml"),
        "--jwks",
        f"{ISSUER}={tmp_path / 'keys.json'}",
    ]
    done = seawall("access", "token", str(tmp_path / "token"), *arguments, "--as-of", str(NOW))
    assert (done.returncode, done.stdout) == (0, "user x:ann\n  group system:authenticated\n")
    done = seawall("access", "token", *arguments, "--as-of", "2030-01-01T00:00:00Z", stdin=key.sign(claims()))
    assert (done.returncode, done.stdout) == (1, "nobody: oidc: verify token: oidc: token is expired\n")
    assert seawall("access", "token", "--as-of", "noon", stdin="x").returncode == 2
    assert seawall("access", "token", "--jwks", "x", "--as-of", "5", stdin="x").returncode == 2


def test_a_certificate_line_and_command(tmp_path):
    """An authority of the tests' own, and a client of it."""
    from support.controlplane_pki import Authority

    authority = Authority(tmp_path, "ca")
    client = authority.client("jane", "jane", ["team"])
    now = time.time()
    line = {
        "certificate": client.cert.read_text(),
        "authorities": authority.path.read_text(),
        "as_of": now,
    }
    answer = AccessEngine().answer(line)
    assert answer["user"]["username"] == "jane"
    assert answer["user"]["groups"] == ["team", "system:authenticated"]
    assert AccessEngine().answer(line | {"as_of": now + 10 * 86400})["authenticated"] is False
    done = seawall(
        "access", "token", str(client.cert), "--client-ca", str(authority.path), "--as-of", str(int(now))
    )
    assert done.stdout.startswith("user jane\n  group team\n")


def test_a_world_with_more_fields_is_a_world_line_of_the_command(key):
    world = {"objects": [], "authentication": AUTHENTICATION, "keys": {ISSUER: {"keys": [key.jwk()]}}}
    lines = [world, {"token": key.sign(claims()), "as_of": NOW}]
    done = seawall("decide", "access", stdin="\n".join(map(json.dumps, lines)))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0] == {"objects": 0}
    assert answers[1]["user"]["username"] == "x:ann"
