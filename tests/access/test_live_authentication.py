"""Tokens of an issuer on loopback, asked of kube-apiserver (TokenReview) and of us: the user, or the reason."""

from __future__ import annotations

import json
import random
import re
import time

import pytest

from seawall.access.structured import read_authentication
from seawall.access.tokens import authenticate
from seawall.access.tokens.jose import read_keys
from support.issuer import Issuer, SigningKey

pytestmark = pytest.mark.live

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")


def configuration(issuer):
    def each(path, **more):
        audiences = more.pop("audiences", ["cluster"])
        policy = {"audienceMatchPolicy": "MatchAny"} if len(audiences) > 1 else {}
        return {
            "issuer": {
                "url": issuer.urls[path],
                "audiences": audiences,
                "certificateAuthority": issuer.ca,
                **policy,
            },
            **more,
        }

    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]},
        "jwt": [
            each(
                "plain",
                claimMappings={
                    "username": {"claim": "sub", "prefix": "p:"},
                    "groups": {"claim": "groups", "prefix": "g:"},
                    "uid": {"claim": "uid"},
                },
                claimValidationRules=[{"claim": "kind", "requiredValue": "person"}],
            ),
            each(
                "email",
                claimMappings={
                    "username": {"claim": "email", "prefix": ""},
                    "groups": {"claim": "groups", "prefix": ""},
                },
            ),
            each(
                "cel",
                audiences=["cluster", "other"],
                claimMappings={
                    "username": {"expression": "has(claims.upn) ? claims.upn : claims.sub"},
                    "groups": {"expression": "claims.?groups.orValue([])"},
                    "uid": {"expression": "claims.?uid.orValue('none')"},
                    "extra": [
                        {
                            "key": "a.example/team",
                            "valueExpression": "claims.?deep.team__dot__name.orValue('')",
                        },
                        {"key": "a.example/all", "valueExpression": "claims.?groups.orValue(null)"},
                    ],
                },
                claimValidationRules=[
                    {"expression": "!has(claims.level) || claims.level >= 2", "message": "too low"},
                    {"expression": "claims.?deep.list.orValue([1]).all(x, x > 0)", "message": "negative"},
                    {"expression": "!has(claims.deep) || !has(claims.deep.bad)", "message": "bad"},
                ],
                userValidationRules=[
                    {"expression": "!user.username.startsWith('system:')", "message": "reserved"},
                    {"expression": "user.groups.all(g, !g.startsWith('system:'))"},
                    {"expression": "size(user.extra) < 4 && user.uid != 'bad'", "message": "extra"},
                ],
            ),
        ],
    }


@pytest.fixture(scope="module")
def believed(cluster_factory, tmp_path_factory):
    """A cluster that believes our issuer, and the same configuration and keys for us."""
    keys = [SigningKey(f"key-{algorithm}", algorithm) for algorithm in ALGORITHMS]
    with Issuer(tmp_path_factory.mktemp("issuer"), ["plain", "email", "cel", "groups"], keys) as issuer:
        document = configuration(issuer)
        cluster = cluster_factory(api_only=True, authentication_config=document)
        ready = {"iss": issuer.urls["plain"], "aud": "cluster", "exp": time.time() + 600}
        probe = keys[0].sign(ready | {"sub": "probe", "uid": "1", "kind": "person"})
        deadline = time.monotonic() + 40
        while not review(cluster, probe).get("authenticated"):
            assert time.monotonic() < deadline, review(cluster, probe)
            time.sleep(0.2)
        yield cluster, issuer, read_authentication(document), keys


def review(cluster, token):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    status, answer = cluster.request("POST", REVIEWS, body)
    assert status == 201, answer
    return answer["status"]


def ours(believed, token):
    _, issuer, configured, _ = believed
    # The issuer's keys count for every issuer below it: they share one document.
    keys = dict.fromkeys(issuer.urls.values(), read_keys(issuer.key_set()))
    distributed = {f"{issuer.base}{path}": body for path, body in issuer.answers.items()}
    return authenticate(configured, token, keys, time.time(), distributed)


def same(believed, token):
    """Compare both answers; return whether it authenticated."""
    theirs, found = review(believed[0], token), ours(believed, token)
    if theirs.get("authenticated"):
        assert found.user is not None, (found.error, theirs)
        user = theirs["user"]
        assert found.user.name == user.get("username", "")
        assert list(found.user.groups) == user.get("groups", [])
        assert found.user.uid == user.get("uid", "")
        assert {key: list(values) for key, values in found.user.extra} == user.get("extra", {})
        return True
    assert found.user is None, theirs
    error = theirs.get("error", "")
    if "oidc" in error:
        # Times are shown by the server, and not by us: they are no reason.
        shown = re.sub(
            r" \(Token Expiry: [^)]*\)|(?<=current time) .*(?= before the)|(?<=before\) time): .*", "", error
        )
        words = re.sub(r"^\[invalid bearer token, |\]$", "", shown)
        # Texts of Go's decoder and of CEL's values are not promised.
        free = next((each for each in ("unmarshal", "malformed", "resulted in error") if each in words), "")
        if free:
            assert found.error.partition(free)[0] == words.partition(free)[0], theirs
        else:
            assert found.error in (words, words.removesuffix("]")), theirs
    return False


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_server_is_verified(believed, algorithm):
    _, issuer, _, keys = believed
    key = next(each for each in keys if each.algorithm == algorithm)
    claims = base(issuer, "plain")
    assert same(believed, key.sign(claims))
    token = key.sign(claims)
    head, payload, signature = token.split(".")
    flipped = ("A" if signature[9] != "A" else "B").join((signature[:9], signature[10:]))
    assert not same(believed, f"{head}.{payload}.{flipped}")
    for claimed in ("RS256", "ES256", "PS512", "none", "HS256"):
        if claimed != algorithm:
            assert not same(believed, key.sign(claims, algorithm=claimed))
    other = SigningKey(key.identity, algorithm)
    assert not same(believed, other.sign(claims))
    assert same(believed, key.sign(claims, {"kid": None}))
    assert not same(believed, key.sign(claims, {"kid": "key-none"}))
    assert same(believed, key.sign(claims, {"crit": ["b64"], "b64": True}))
    assert not same(believed, key.sign(claims, {"crit": ["b64"], "b64": False}))
    assert not same(believed, key.sign(claims, {"crit": ["b64", "exp"], "b64": True}))
    assert not same(believed, key.sign(claims, {"crit": "b64"}))


def base(issuer, path):
    return {
        "iss": issuer.urls[path],
        "aud": "cluster",
        "exp": int(time.time()) + 600,
        "sub": "jane",
        "uid": "u-1",
        "kind": "person",
        "email": "jane@contoso.com",
    }


VALUES = {
    "aud": ["cluster", ["cluster", "x"], "other", ["other"], [], None, 5, ["cluster", 5]],
    "exp": [None, -5, 5, "soon", 1e12, True],
    "nbf": [-100, 30, 90, "x", None],
    "iat": [0, "x", 5],
    "sub": ["", None, 7, "system:admin", "jane"],
    "uid": ["", None, ["a"], "bad", "u-2"],
    "kind": ["robot", None, 1, ["person"]],
    "email": ["x@y.z", None, 3],
    "email_verified": [True, False, "true", None, 1],
    "groups": [["a", "b"], "one", [], None, ["a", 5], {"a": 1}, ["", "b"], ["system:masters"], 4],
    "upn": ["jane@contoso.com", None, 5, "", "system:x"],
    "jti": ["id-1", "", 5, None],
    "level": [1, 2, 2.5, "3", None],
    "deep": [
        {"team.name": "blue"},
        {"list": [1, -1]},
        {"list": "x"},
        [],
        None,
        {"team.name": ["a", ""]},
        5,
        {"bad": 1},
    ],
    "_claim_names": [{"groups": "src"}, {}, {"x": ""}, "x", {"groups": "none"}],
    "_claim_sources": [{"src": {"endpoint": ""}}, {"src": {"JWT": "x"}}, {}, None],
}


def test_random_tokens(believed):
    """900 tokens: some claims changed, taken away or of another type."""
    _, issuer, _, keys = believed
    draw = random.Random(21)  # noqa: S311 - the same draw in every run
    accepted = 0
    for _ in range(900):
        claims = base(issuer, draw.choice(["plain", "email", "cel"]))
        for name in draw.sample(sorted(VALUES), draw.randint(0, 3)):
            value = draw.choice(VALUES[name])
            if name in ("exp", "nbf") and isinstance(value, int) and not isinstance(value, bool):
                value = int(time.time()) + value * 10
            claims[name] = value
        if draw.random() < 0.2:
            claims.pop(draw.choice(sorted(claims)))
        accepted += same(believed, draw.choice(keys).sign(claims))
    assert 250 < accepted < 750


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "{}", "e30=.e30.e30", "e30.bnVsbA.e30"],
)
def test_what_is_no_token(believed, token):
    assert ours(believed, token).user is None
    if token:
        assert not review(believed[0], token).get("authenticated")


def test_groups_from_where_the_token_points_to(believed):
    """The claim that is there wins; else the endpoint's token is fetched and verified as the first was."""
    _, issuer, _, keys = believed
    inner = {"iss": issuer.urls["groups"], "aud": "cluster", "exp": time.time() + 600}
    issuer.answers["/far"] = keys[0].sign(inner | {"groups": ["far", "away"]})
    issuer.answers["/stale"] = keys[0].sign(inner | {"groups": ["far"], "exp": 5})
    issuer.answers["/none"] = keys[0].sign(inner)
    for path, more, good in (
        ("/far", {}, True),
        ("/far", {"groups": ["near"]}, True),
        ("/stale", {}, False),
        ("/none", {}, False),
    ):
        claims = base(issuer, "plain") | {
            "_claim_names": {"groups": "src"},
            "_claim_sources": {"src": {"endpoint": f"{issuer.base}{path}", "access_token": "t"}},
        }
        token = keys[0].sign(claims | more)
        found = ours(believed, token)
        deadline = time.monotonic() + 15
        # The server makes a verifier for the other issuer when it first meets it, in the background.
        while "not initialized" in review(believed[0], token).get("error", ""):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        theirs = review(believed[0], token)
        assert bool(theirs.get("authenticated")) == good == (found.user is not None), (theirs, found)
        if good:
            assert list(found.user.groups) == theirs["user"]["groups"]


def test_paths_for_those_without_a_credential(believed):
    cluster, _, configured, _ = believed
    for path in ("/livez", "/readyz", "/livez/", "/version"):
        status = cluster.ask("GET", path, anonymous=True).status
        assert configured.takes_anonymous(path) == (status != 401), path


def test_reloading_is_by_content(believed):
    """What the server took at its start is what we read: the document is plain JSON."""
    cluster, _, configured, _ = believed
    files = [path for path in cluster.folder.iterdir() if "authentication-config" in path.name]
    assert len(files) == 1
    again = read_authentication(json.loads(files[0].read_text()))
    assert [each.issuer.url for each, _ in again.jwt] == [each.issuer.url for each, _ in configured.jwt]
