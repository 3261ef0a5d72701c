"""SubjectAccessReview and TokenReview as the API server's webhooks send them (specs/access.md b5, traps 7)."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time

import pytest

from seawall.core.errors import InputError
from seawall.serve.authorization import Authorization, read_review
from seawall.serve.keys import KeyRing
from seawall.serve.service import BadRequest, Call
from support.issuer import Issuer, SigningKey
from support.serving import ROOT, Served

RBAC = "rbac.authorization.k8s.io"
CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/"
    "Microsoft.ContainerService/managedClusters/blue"
)
OID = "11111111-1111-1111-1111-111111111111"
READER = "7f6c6a51-bcf8-42ba-9220-52d62157d7db"  # Azure Kubernetes Service RBAC Reader


def role(*verbs):
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "keeper"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}],
    }


BINDING = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "keepers"},
    "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "keeper"},
    "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "keepers"}],
}


def assignment(role_id=READER, principal=OID, scope=CLUSTER):
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/a",
        "name": "a",
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role_id}",
            "principalId": principal,
            "scope": scope,
        },
    }


DENIAL = {
    "id": "/subscriptions/x/providers/Microsoft.Authorization/denyAssignments/d",
    "name": "d",
    "type": "Microsoft.Authorization/denyAssignments",
    "properties": {
        "permissions": [{"dataActions": ["Microsoft.ContainerService/managedClusters/secrets/*"]}],
        "principals": [{"id": OID}],
        "scope": CLUSTER,
    },
}


def review(version="v1", user="ann", groups=(), extra=None, **attributes):
    spec = {
        "user": user,
        "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "blue"} | attributes,
    }
    if groups:
        spec["group" if version == "v1beta1" else "groups"] = list(groups)
    if extra:
        spec["extra"] = extra
    return {
        "apiVersion": f"authorization.k8s.io/{version}",
        "kind": "SubjectAccessReview",
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": {"allowed": False},
    }


def ask(objects, body, cluster=""):
    handler = Authorization(cluster).handlers(objects)["/authorize"]
    return json.loads(handler(Call(json.dumps(body).encode(), b"/authorize")).body)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_answer_is_in_the_version_of_the_question(version):
    answer = ask([role("get"), BINDING], review(version, groups=["keepers"]))
    assert answer == {
        "apiVersion": f"authorization.k8s.io/{version}",
        "kind": "SubjectAccessReview",
        "status": {
            "allowed": True,
            "reason": 'RBAC: allowed by ClusterRoleBinding "keepers" of ClusterRole "keeper" to Group "keepers"',
        },
    }


def test_to_know_nothing_is_no_denial():
    """A denial would hide every authorizer behind this one."""
    assert ask([role("get"), BINDING], review())["status"] == {"allowed": False}


def test_system_masters_is_not_ours_to_answer():
    status = ask([role("get"), BINDING], review(groups=["system:masters"]))["status"]
    assert status["allowed"] is False
    assert "denied" not in status


def azure(*rows):
    return [{"kind": "AzureResource", "row": row} for row in rows]


def test_azure_allows_by_assignment_and_denies_by_deny_assignment_only():
    entra = {"oid": [OID]}
    rows = azure(assignment(), DENIAL)
    allowed = ask(rows, review(extra=entra), CLUSTER)["status"]
    assert allowed["allowed"] is True
    assert "Azure Kubernetes Service RBAC Reader" in allowed["reason"]
    denied = ask(rows, review(extra=entra, resource="secrets"), CLUSTER)["status"]
    assert (denied["allowed"], denied["denied"]) == (False, True)
    nothing = ask(rows, review(extra=entra, verb="delete"), CLUSTER)["status"]
    assert nothing["allowed"] is False
    assert "denied" not in nothing
    assert ask(rows, review(extra={"oid": ["x"]}), CLUSTER)["status"]["allowed"] is False


def test_what_cannot_be_known_is_an_error_in_the_answer():
    above = assignment(scope="/providers/Microsoft.Management/managementGroups/top")
    status = ask(azure(above), review(extra={"oid": [OID]}), CLUSTER)["status"]
    assert status["allowed"] is False
    assert "denied" not in status
    assert "not known" in status["evaluationError"]


def test_selectors_come_as_requirements():
    node = {"key": "spec.nodeName", "operator": "In", "values": ["n1"]}
    body = review(user="system:node:n1", groups=["system:nodes"], verb="list", namespace="")
    body["spec"]["resourceAttributes"]["fieldSelector"] = {"requirements": [node]}
    assert ask([], body)["status"]["allowed"] is True
    body["spec"]["resourceAttributes"]["fieldSelector"]["requirements"][0]["values"] = ["n2"]
    assert ask([], body)["status"]["allowed"] is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"apiVersion": "authorization.k8s.io/v2", "kind": "SubjectAccessReview", "spec": {}}',
        b'{"apiVersion": "authorization.k8s.io/v1", "kind": "TokenReview", "spec": {}}',
        b'{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {}}',
        b'{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": 5}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_bodies_that_are_no_review(body):
    with pytest.raises(BadRequest):
        read_review(body)


def test_half_a_world_is_not_served():
    with pytest.raises(InputError, match="keepers"):
        Authorization().handlers([BINDING | {"subjects": 5}])


def test_over_the_wire_with_a_reload_a_decision_log_and_metrics(tmp_path):
    world = tmp_path / "world"
    world.mkdir()
    (world / "binding.json").write_text(json.dumps(BINDING))
    (world / "role.json").write_text(json.dumps(role("list")))
    log = tmp_path / "decisions.jsonl"
    arguments = ["--snapshot", str(world), "--decision-log", str(log)]
    with Served(tmp_path, "authorization", *arguments) as served:
        body = review(groups=["keepers"])
        assert served.ask("POST", "/authorize?timeout=3s", body)[1]["status"] == {"allowed": False}
        scratch = world / "role.json.new"
        scratch.write_text(json.dumps(role("get")))
        scratch.replace(world / "role.json")
        served.wait("world-loaded")
        assert served.ask("POST", "/authorize?timeout=3s", body)[1]["status"]["allowed"] is True
        (world / "role.json").write_text("{not yaml: [")
        served.wait("world-not-loaded")
        assert served.ask("POST", "/authorize", body)[1]["status"]["allowed"] is True
        assert served.ask("POST", "/authorize", b"{}")[0] == 400
        metrics = served.ask("GET", "/metrics")[1]
        assert 'service="authorization",verdict="allow",status="200"' in metrics
        assert 'service="authorization",verdict="no-opinion",status="200"' in metrics
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["status"]["allowed"] for line in lines] == [False, True, True]
    assert lines[0]["spec"]["user"] == "ann"
    # A line is a question again: `seawall decide access` answers it.
    from seawall.access.decide import AccessEngine

    engine = AccessEngine()
    engine.load({"objects": [role("get"), BINDING]})
    assert engine.answer({"spec": lines[1]["spec"]})["status"]["allowed"] is True


# ---- TokenReview ----


def token_review(token, version="v1"):
    return {"apiVersion": f"authentication.k8s.io/{version}", "kind": "TokenReview", "spec": {"token": token}}


def believing(issuer):
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [
            {
                "issuer": {"url": issuer.urls["a"], "audiences": ["c"], "certificateAuthority": issuer.ca},
                "claimMappings": {"username": {"claim": "sub", "prefix": "x:"}},
            }
        ],
    }


def test_tokens_are_reviewed_with_keys_that_the_issuer_gives(tmp_path):
    """Keys are fetched from the issuer; the token itself is nowhere in log and answer."""
    key = SigningKey("one", "ES256")
    world = tmp_path / "world"
    world.mkdir()
    log = tmp_path / "decisions.jsonl"
    with Issuer(tmp_path / "issuer", ["a"], [key]) as issuer:
        (world / "authn.json").write_text(json.dumps(believing(issuer)))
        arguments = ["--snapshot", str(world), "--decision-log", str(log)]
        claims = {"iss": issuer.urls["a"], "aud": "c", "exp": time.time() + 60, "sub": "ann"}
        token = key.sign(claims)
        with Served(tmp_path, "authentication", *arguments) as served:
            served.wait("keys-fetched")
            for version in ("v1", "v1beta1"):
                status, answer = served.ask("POST", "/authenticate?timeout=30s", token_review(token, version))
                assert status == 200
                assert answer == {
                    "apiVersion": f"authentication.k8s.io/{version}",
                    "kind": "TokenReview",
                    "status": {
                        "authenticated": True,
                        "user": {"username": "x:ann", "groups": ["system:authenticated"]},
                    },
                }
            bad = key.sign(claims | {"exp": 5})
            answer = served.ask("POST", "/authenticate", token_review(bad))[1]["status"]
            assert answer == {"authenticated": False, "error": "oidc: verify token: oidc: token is expired"}
            assert served.ask("POST", "/authenticate", token_review(5))[0] == 400
        text = log.read_text() + json.dumps(served.events)
        assert token not in text
        assert token.split(".")[2] not in text
        assert [json.loads(line)["status"]["authenticated"] for line in log.read_text().splitlines()] == [
            True,
            True,
            False,
        ]


def test_an_unknown_key_is_looked_for_once_and_not_again_for_a_while(tmp_path):
    fetched = []
    first, second = SigningKey("one", "ES256"), SigningKey("two", "ES256")
    with Issuer(tmp_path / "issuer", ["a"], [first]) as issuer:
        inner = issuer.body
        issuer.body = lambda path: fetched.append(path) or inner(path)
        ring = KeyRing({})
        url = issuer.urls["a"]
        assert len(ring.of(first.sign({}), url, "", issuer.ca).keys) == 1
        issuer.keys.append(second)
        for number in range(20):
            assert len(ring.of(SigningKey(f"k{number}", "ES256").sign({}), url, "", issuer.ca).keys) == 1
        assert fetched.count("/keys") == 1


def test_an_issuer_that_says_another_name_is_not_believed(tmp_path):
    with Issuer(tmp_path / "issuer", ["a", "b"], [SigningKey("one", "ES256")]) as issuer:
        ring = KeyRing({})
        discovery = f"{issuer.urls['b']}/.well-known/openid-configuration"
        assert ring.of("x", issuer.urls["a"], discovery, issuer.ca) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--jwks", "nothing"], "--jwks nothing"),
        (["--jwks", "https://a=/nowhere.json"], "/nowhere.json"),
        (["--pop-host", "x"], "--entra-tenant"),
        ([], "AuthenticationConfiguration"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(tmp_path, arguments, words):
    server = Served(tmp_path, "authentication", *arguments, plain=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        server.command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr


def test_an_issuer_that_does_not_answer_holds_up_one_caller_only(tmp_path):
    """While one waits for the keys, others are answered with what is known: nothing yet."""
    entered, leave = threading.Event(), threading.Event()
    with Issuer(tmp_path / "issuer", ["a"], [SigningKey("one", "ES256")]) as issuer:
        inner = issuer.body

        def slow(path):
            entered.set()
            leave.wait(10)
            return inner(path)

        issuer.body = slow
        ring = KeyRing({})
        place = (issuer.urls["a"], "", issuer.ca)
        ring.warm([place])
        assert entered.wait(10)
        start = time.monotonic()
        assert ring.of("", *place) is None
        assert time.monotonic() - start < 1
        leave.set()
        deadline = time.monotonic() + 10
        while ring.of("", *place) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
