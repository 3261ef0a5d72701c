"""Tokens without a server: signatures by the RFCs' own examples, Entra, proof of possession, service accounts."""

from __future__ import annotations

import base64
import json

import pytest

from seawall.access.azure.directory import Directory, read_directory
from seawall.access.structured import read_authentication
from seawall.access.tokens import ServiceAccountTokens, TokenError, authenticate, parse_jws
from seawall.access.tokens.entra import AKS_SERVER, entra_identity, entra_token, is_pop, pop_token
from seawall.access.tokens.jose import KeySet, read_keys, thumbprint
from seawall.core.errors import InputError
from support.issuer import SigningKey
from support.issuer import thumbprint as rfc_thumbprint

NOW = 1_800_000_000.0
# RFC 7515, appendix A.3.
ES256 = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
    "Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
ES256_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
# RFC 7638, section 3.1.
RSA_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
    "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awa"
    "pJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


@pytest.fixture(scope="module")
def rsa():
    return SigningKey("one", "RS256")


def keys(*signing):
    return read_keys({"keys": [each.jwk() for each in signing]})


def test_the_rfcs_own_signature_and_thumbprint():
    read_keys({"keys": [ES256_KEY]}).verify(parse_jws(ES256))
    assert thumbprint(RSA_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_changed_payload_is_refused():
    head, payload, signature = ES256.split(".")
    claims = base64.urlsafe_b64decode(payload + "==").replace(b"joe", b"eve")
    forged = f"{head}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"
    with pytest.raises(TokenError, match="failed to verify"):
        read_keys({"keys": [ES256_KEY]}).verify(parse_jws(forged))


def test_the_algorithm_is_the_askers_not_the_tokens(rsa):
    """`none`, and an HMAC with the public key as its secret, are no algorithms here (specs, traps 8)."""
    for algorithm in ("none", "HS256", "RS384"):
        with pytest.raises(TokenError):
            keys(rsa).verify(parse_jws(rsa.sign({"iss": "x"}, algorithm=algorithm)))
    with pytest.raises(TokenError, match="unsupported algorithm"):
        keys(rsa).verify(parse_jws(rsa.sign({"iss": "x"})), ("ES256",))


@pytest.mark.parametrize(
    "given",
    [None, {}, {"keys": 5}, {"keys": [5]}, {"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]},
     {"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}]}, {"keys": [{"kty": "RSA", "n": "a=", "e": 5}]}],
)  # fmt: skip
def test_broken_key_sets(given):
    with pytest.raises(InputError):
        read_keys(given)


def test_keys_of_other_kinds_are_passed_over():
    assert read_keys({"keys": [{"kty": "oct", "k": "x"}, {"kty": "OKP", "crv": "Ed25519"}]}).keys == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b",
        "..",
        "e30.e30",
        "e30.e30.=",
        "é.é.é",
        "x" * 2_000_000,
        "W10.e30.e30",
        "[" * 90_000 + "...",
    ],
)
def test_hostile_texts_are_no_tokens(token):
    with pytest.raises(TokenError):
        parse_jws(token).claims()


def test_deep_claims_do_not_exhaust_the_stack(rsa):
    token = rsa.sign(b'{"iss":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    configured = read_authentication(
        {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": []}
    )
    assert authenticate(configured, token, {}, NOW).user is None


# ---- Entra ----

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
V1, V2 = f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"


def entra_claims(issuer=V2, **more):
    return {"iss": issuer, "aud": AKS_SERVER, "exp": NOW + 60, "nbf": NOW, "oid": "oid-1"} | more


@pytest.mark.parametrize("issuer", [V1, V2])
def test_entra_tokens_of_both_versions(rsa, issuer):
    token = rsa.sign(entra_claims(issuer, upn="jane@contoso.com", groups=["g1"]))
    found = entra_token(token, TENANT, keys(rsa), NOW)
    assert found.user is not None, found.problem
    assert (found.user.name, found.user.groups, found.kind) == ("jane@contoso.com", ("g1",), "user")


@pytest.mark.parametrize(
    "change",
    [
        {"iss": V2 + "/"},
        {"iss": V1.rstrip("/")},
        {"iss": V1.replace(TENANT, "another")},
        {"iss": "https://login.microsoftonline.com.evil.example/x/v2.0"},
        {"aud": "another"},
        {"exp": NOW - 1},
        {"nbf": NOW + 61},
        {"oid": None},
        {"upn": 5},
        {"upn": "System:admin"},
    ],
)
def test_entra_tokens_that_are_refused(rsa, change):
    found = entra_token(rsa.sign(entra_claims(**change)), TENANT, keys(rsa), NOW)
    assert found.user is None
    assert found.problem


def test_another_key_is_not_entras(rsa):
    other = SigningKey("one", "RS256")
    assert entra_token(other.sign(entra_claims()), TENANT, keys(rsa), NOW).user is None


def test_guests_are_told_apart():
    """A guest's name belongs to the home tenant, which may give it to somebody else (specs, traps 8)."""
    assert (
        entra_identity(entra_claims(idp="https://sts.windows.net/home/", upn="eve@home.example")).kind
        == "guest"
    )
    assert entra_identity(entra_claims(acct=1)).problem
    assert entra_identity(entra_claims(idp=V2)).kind == "user"


def test_overage_is_resolved_by_the_directory_and_never_taken_for_no_groups():
    over = entra_claims(
        _claim_names={"groups": "src1"}, _claim_sources={"src1": {"endpoint": "https://graph"}}
    )
    assert not entra_identity(over).complete
    directory = Directory([("Team", ["OID-1"]), ("all", ["team"]), ("team", ["all"]), ("other", ["x"])])
    found = entra_identity(over, directory)
    assert (found.user.groups, found.complete) == (("all", "team"), True)
    assert entra_identity(over | {"idtyp": "app"}, directory).user is None


def test_groups_as_graph_lists_them():
    given = {
        "value": [{"id": "g", "members": [{"id": "a"}, {"id": "h"}]}, {"id": "h", "members": [{"id": "b"}]}]
    }
    directory = read_directory(given)
    assert directory.groups_of("B") == {"h", "g"}
    assert directory.members_of("g") == {"a", "h", "b"}
    for wrong in (5, {"value": [5]}, [{"id": "g", "members": [{}]}], [{"members": []}]):
        with pytest.raises(InputError):
            read_directory(wrong)


# ---- proof of possession ----


def proof(inner_key, outer_key, header=None, **change):
    jwk = outer_key.jwk()
    inner = inner_key.sign(entra_claims(cnf={"kid": rfc_thumbprint(jwk)}))
    claims = {
        "at": inner,
        "u": "Cluster.example",
        "ts": NOW,
        "cnf": {"jwk": {"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}},
    }
    return outer_key.sign(claims | change, {"typ": "pop"} | (header or {}))


def test_a_proof_of_possession_gives_its_access_token(rsa):
    owner = SigningKey("pop-key", "RS256")
    token = proof(rsa, owner)
    assert is_pop(token)
    assert entra_token(pop_token(token, "cluster.example", NOW), TENANT, keys(rsa), NOW).user is not None


@pytest.mark.parametrize(
    ("change", "header"),
    [
        ({"u": "another.example"}, {}),
        ({"u": None}, {}),
        ({"ts": NOW - 901}, {}),
        ({"ts": "yesterday"}, {}),
        ({"cnf": {}}, {}),
        ({"cnf": {"jwk": {"n": "AQAB", "e": "AQAB"}}}, {}),
        ({"at": 5}, {}),
        ({"at": "x"}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"typ": None}),
        ({}, {"kid": None}),
        ({}, {"alg": "RS384"}),
        ({}, {"crit": ["x"]}),
    ],
)
def test_proofs_that_prove_nothing(rsa, change, header):
    owner = SigningKey("pop-key", "RS256")
    with pytest.raises(TokenError):
        pop_token(proof(rsa, owner, header, **change), "cluster.example", NOW)


def test_a_stolen_access_token_needs_its_own_key(rsa):
    """The inner token names the key that may present it."""
    owner, thief = SigningKey("a", "RS256"), SigningKey("b", "RS256")
    stolen = json.loads(parse_jws(proof(rsa, owner)).payload)["at"]
    with pytest.raises(TokenError, match="mismatch"):
        pop_token(proof(rsa, thief, at=stolen), "cluster.example", NOW)


# ---- service accounts ----

API = "https://kubernetes.default.svc"


def bound(**change):
    private = {
        "namespace": "blue",
        "serviceaccount": {"name": "robot", "uid": "u-1"},
        "pod": {"name": "web", "uid": "p-1"},
        "node": {"name": "n1", "uid": "n-1"},
    }
    return {
        "iss": API,
        "aud": [API],
        "exp": NOW + 600,
        "iat": NOW,
        "nbf": NOW,
        "sub": "system:serviceaccount:blue:robot",
        "jti": "id-1",
        "kubernetes.io": private | change,
    }


def held(kind, name, uid, namespace="blue", **metadata):
    where = {} if kind == "Node" else {"namespace": namespace}
    return {"kind": kind, "metadata": {"name": name, "uid": uid, **where, **metadata}}


OBJECTS = [held("ServiceAccount", "robot", "u-1"), held("Pod", "web", "p-1"), held("Node", "n1", "n-1")]


def service_accounts(rsa, objects=OBJECTS):
    return ServiceAccountTokens((API,), keys(rsa), objects)


def test_a_bound_token_is_its_account(rsa):
    found = service_accounts(rsa).authenticate(rsa.sign(bound()), NOW)
    assert found.user.name == "system:serviceaccount:blue:robot"
    assert dict(found.user.extra) == {
        "authentication.kubernetes.io/credential-id": ("JTI=id-1",),
        "authentication.kubernetes.io/node-name": ("n1",),
        "authentication.kubernetes.io/node-uid": ("n-1",),
        "authentication.kubernetes.io/pod-name": ("web",),
        "authentication.kubernetes.io/pod-uid": ("p-1",),
    }


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        (OBJECTS[1:], 'serviceaccounts "robot" not found'),
        (
            [held("ServiceAccount", "robot", "u-2"), *OBJECTS[1:]],
            "service account UID (u-2) does not match claim (u-1)",
        ),
        ([OBJECTS[0], OBJECTS[2]], "service account token has been invalidated"),
        (
            [OBJECTS[0], held("Pod", "web", "p-2")],
            "pod UID (p-2) does not match service account pod ref claim (p-1)",
        ),
        (
            [OBJECTS[0], held("Pod", "web", "p-1", deletionTimestamp="2020-01-01T00:00:00Z")],
            "service account token has been invalidated",
        ),
    ],
)
def test_a_bound_token_ends_with_what_it_is_bound_to(rsa, objects, words):
    assert service_accounts(rsa, objects).authenticate(rsa.sign(bound()), NOW).error == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exp": NOW - 61}, "service account token has expired"),
        ({"nbf": NOW + 61}, "service account token is not valid yet"),
        ({"iat": NOW + 61}, "service account token is issued in the future"),
        ({"aud": ["vault"]}, 'token audiences ["vault"] is invalid for the target audiences'),
        ({"kubernetes.io": 5}, "the token's kubernetes.io is no object"),
    ],
)
def test_bound_tokens_out_of_their_time_or_place(rsa, change, words):
    assert service_accounts(rsa).authenticate(rsa.sign(bound() | change), NOW).error.startswith(words)


def test_tokens_of_others_are_left_to_others(rsa):
    assert service_accounts(rsa).authenticate(rsa.sign({"iss": "https://else"}), NOW) is None
    assert service_accounts(rsa).authenticate("opaque", NOW) is None


def test_a_token_in_a_secret_counts_while_the_secret_holds_it(rsa):
    prefix = "kubernetes.io/serviceaccount"
    token = rsa.sign(
        {
            "iss": "kubernetes/serviceaccount",
            "sub": "system:serviceaccount:blue:robot",
            f"{prefix}/namespace": "blue",
            f"{prefix}/secret.name": "robot-token",
            f"{prefix}/service-account.name": "robot",
            f"{prefix}/service-account.uid": "u-1",
        }
    )
    secret = held("Secret", "robot-token", "s-1") | {
        "data": {"token": base64.b64encode(token.encode()).decode()}
    }
    assert service_accounts(rsa, [OBJECTS[0], secret]).authenticate(token, NOW).user.extra == ()
    assert service_accounts(rsa, [OBJECTS[0]]).authenticate(token, NOW).error == "Token has been invalidated"
    other = secret | {"data": {"token": "eA=="}}
    found = service_accounts(rsa, [OBJECTS[0], other]).authenticate(token, NOW)
    assert found.error == "Token does not match server's copy"


def test_no_key_means_no_user():
    assert ServiceAccountTokens((API,), KeySet([]), OBJECTS).authenticate(ES256, NOW) is None
