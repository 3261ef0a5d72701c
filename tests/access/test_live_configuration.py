"""The API server reads its two configuration files, and so do we: what it refuses, and with which words.

Each document starts kube-apiserver 1.34, which ends at once with its error; expected is what it prints.
"""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from seawall.access.structured import read_authentication, read_authorization
from seawall.core.errors import InputError
from support.controlplane_pki import service_account_keys

pytestmark = pytest.mark.live

VERSION = "apiserver.config.k8s.io/v1"
ISSUER = {"url": "https://issuer.example", "audiences": ["a"]}
NAME = {"username": {"claim": "sub", "prefix": ""}}


def jwt(issuer=None, mappings=None, **more):
    return {
        "issuer": ISSUER | (issuer or {}),
        "claimMappings": NAME | (mappings or {}),
        **more,
    }


def authn(*authenticators, **more):
    return {
        "apiVersion": VERSION,
        "kind": "AuthenticationConfiguration",
        "jwt": list(authenticators),
        **more,
    }


def rule(**fields):
    return jwt(claimValidationRules=[fields])


def user_rule(*expressions):
    return jwt(userValidationRules=[{"expression": each} for each in expressions])


def extra(*pairs):
    return jwt(mappings={"extra": [{"key": key, "valueExpression": value} for key, value in pairs]})


AUTHENTICATION = [
    authn(jwt(), foo=1),
    authn(jwt(), jwt({"audience": "x"})),
    authn(jwt({"url": ""})),
    authn(jwt({"url": "http://issuer.example"})),
    authn(jwt({"url": "issuer.example/x"})),
    authn(jwt({"url": "https://u:p@issuer.example?q#f"})),
    authn(jwt({"url": "://x"})),
    authn(jwt({"url": "https://a\u007fb"})),
    authn(jwt(), jwt()),
    authn(jwt({"discoveryURL": "https://issuer.example/"})),
    authn(jwt({"discoveryURL": "https://d"}), jwt({"url": "https://other", "discoveryURL": "https://d"})),
    authn(jwt({"discoveryURL": "ftp://d#x"})),
    authn(jwt({"audiences": []})),
    authn(jwt({"audiences": ["a", "", "a"]})),
    authn(jwt({"audiences": ["a", "b"]})),
    authn(jwt({"audiences": ["a", "b"], "audienceMatchPolicy": "MatchAll"})),
    authn(jwt({"audienceMatchPolicy": "Some"})),
    authn(jwt({"certificateAuthority": "none"})),
    authn(jwt({"egressSelectorType": "moon"})),
    authn(rule(claim="c", expression="true")),
    authn(rule()),
    authn(rule(claim="c", message="m")),
    authn(rule(expression="true", requiredValue="x")),
    authn(rule(expression="claims.x")),
    authn(rule(expression="'a'")),
    authn(rule(expression="1 +")),
    authn(rule(expression="clam.x == 1")),
    authn(rule(expression="user.username == 'a'")),
    authn(jwt(claimValidationRules=[{"claim": "a"}, {"claim": "a"}])),
    authn(jwt(claimValidationRules=[{"expression": "true"}, {"expression": "true"}])),
    authn(jwt(mappings={"username": {}})),
    authn(jwt(mappings={"username": {"claim": "sub"}})),
    authn(jwt(mappings={"username": {"claim": "sub", "expression": "claims.sub"}})),
    authn(jwt(mappings={"username": {"expression": "claims.sub", "prefix": "p"}})),
    authn(jwt(mappings={"username": {"expression": "claims."}})),
    authn(jwt(mappings={"username": {"expression": "claims.email"}})),
    authn(jwt(mappings={"username": {"expression": "claims.?email.orValue('')"}})),
    authn(jwt(mappings={"username": {"expression": "has(claims.email) ? 'a' : 'b'"}})),
    authn(jwt(mappings={"groups": {"claim": "g"}})),
    authn(jwt(mappings={"groups": {"claim": "g", "expression": "claims.g"}})),
    authn(jwt(mappings={"uid": {"claim": "u", "expression": "claims.u"}})),
    authn(jwt(mappings={"uid": {"expression": "nobody"}})),
    authn(extra(("foo", "'x'"))),
    authn(extra(("Example.com/foo", "'x'"))),
    authn(extra(("example.com/FOO", "'x'"), ("example.com/f oo", "'x'"))),
    authn(extra(("", "'x'"))),
    authn(extra(("a.kubernetes.io/x", "'x'"), ("k8s.io/x", "'x'"))),
    authn(extra(("a.example/x", "'x'"), ("a.example/x", "'y'"))),
    authn(extra(("a.example/x", ""))),
    authn(extra(("a.example/x", "claims.x +"))),
    authn(user_rule("")),
    authn(user_rule("true", "true")),
    authn(user_rule("user.username")),
    authn(user_rule("user.groups.all(g, g.startsWith('x')) && claims.x == 'y'")),
    authn(user_rule("user.nothing == ''")),
    authn(jwt(), anonymous={"enabled": False, "conditions": [{"path": "/x"}]}),
    {"apiVersion": VERSION, "kind": "AuthorizationConfiguration"},
    {"apiVersion": "apiserver.config.k8s.io/v9", "kind": "AuthenticationConfiguration"},
    {"kind": "AuthenticationConfiguration"},
    authn(*(jwt({"url": f"https://i{n}.example"}) for n in range(65))),
]

WEBHOOK = {
    "timeout": "3s",
    "subjectAccessReviewVersion": "v1",
    "matchConditionSubjectAccessReviewVersion": "v1",
    "failurePolicy": "NoOpinion",
    "connectionInfo": {"type": "InClusterConfig"},
}


def authz(*authorizers, **more):
    return {
        "apiVersion": VERSION,
        "kind": "AuthorizationConfiguration",
        "authorizers": list(authorizers),
        **more,
    }


def hook(name="hook", **fields):
    webhook = {key: value for key, value in (WEBHOOK | fields).items() if value is not None}
    return {"type": "Webhook", "name": name, "webhook": webhook}


def conditions(*expressions):
    return hook(matchConditions=[{"expression": each} for each in expressions])


AUTHORIZATION = [
    authz(),
    authz(foo=1),
    authz(hook(bar=1)),
    authz({"name": "x"}),
    authz({"type": "Rbac", "name": "rbac"}),
    authz({"type": "RBAC", "name": "rbac"}, {"type": "RBAC", "name": "rbac2"}),
    authz({"type": "RBAC"}),
    authz({"type": "RBAC", "name": "other"}, {"type": "Node", "name": "n"}),
    authz({"type": "RBAC", "name": "rbac", "webhook": WEBHOOK}),
    authz({"type": "Webhook", "name": "hook"}),
    authz(hook("a"), hook("a")),
    authz(hook("A_")),
    authz(hook(timeout=None)),
    authz(hook(timeout="31s")),
    authz(hook(timeout="-1m1.5s")),
    authz(hook(authorizedTTL="-1s", unauthorizedTTL="-1h")),
    authz(hook(subjectAccessReviewVersion=None)),
    authz(hook(subjectAccessReviewVersion="v2")),
    authz(hook(matchConditionSubjectAccessReviewVersion=None, matchConditions=[{"expression": "true"}])),
    authz(hook(matchConditionSubjectAccessReviewVersion="v1beta1")),
    authz(hook(failurePolicy=None)),
    authz(hook(failurePolicy="Allow")),
    authz(hook(connectionInfo={})),
    authz(hook(connectionInfo={"type": "InClusterConfig", "kubeConfigFile": "/x"})),
    authz(hook(connectionInfo={"type": "KubeConfigFile"})),
    authz(hook(connectionInfo={"type": "KubeConfigFile", "kubeConfigFile": "x"})),
    authz(hook(connectionInfo={"type": "Pigeon"})),
    authz(conditions("")),
    authz(conditions("true", "true")),
    authz(conditions("request.user")),
    authz(conditions("request.users == ''")),
    authz(conditions("1 + 1")),
    authz(conditions("request.resourceAttributes.fieldSelector.requirements.exists(r, r.key)")),
    authz(conditions("has(request.nonResourceAttributes) ? 'a' : 'b'")),
    authz(conditions(*(f"{n} == {n}" for n in range(65)))),
    {"apiVersion": VERSION, "kind": "AuthenticationConfiguration"},
]


def last_words(log):
    """The error that the server ended with, as klog writes it: one quoted line, or indented between < and >."""
    found = re.search(r'"command failed" err=("(?:[^"\\]|\\.)*")', log)
    if found:
        return json.loads(found[1])
    found = re.search(r'"command failed" err=<\n(.*?)\n >', log, re.DOTALL)
    assert found, log[-2000:]
    return "\n".join(line.removeprefix("\t") for line in found[1].split("\n"))


@pytest.fixture(scope="module")
def server_says(control_plane, tmp_path_factory):
    """What kube-apiserver ends with when it is given a configuration."""
    folder = tmp_path_factory.mktemp("configuration")
    public, private = service_account_keys(folder)

    def ask(flag, document):
        (folder / "file.json").write_text(json.dumps(document))
        flags = [
            "--etcd-servers=unix://none.sock:0",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}",
            f"--cert-dir={folder / 'certs'}",
            f"--{flag}=file.json",
        ]
        done = subprocess.run(
            ["kube-apiserver", *flags],
            executable=control_plane.programs["kube-apiserver"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        text = last_words(done.stderr)
        for prefix in (
            'failed to load authentication configuration from file "file.json": ',
            "invalid authentication configuration: ",
            "failed to load AuthorizationConfiguration from file: ",
        ):
            text = text.removeprefix(prefix)
        return text

    return ask


def ours(read, document):
    with pytest.raises(InputError) as caught:
        read(document)
    return caught.value.message


def same(ours, theirs):
    """Equal but for the text of a syntax error of CEL, and for where in Go's code a kind was looked for."""
    ours, theirs = (re.sub(r"Syntax error: .*", "Syntax error", text) for text in (ours, theirs))
    theirs = re.sub(r' in scheme "[^"]*"$| in \'\{.*\}\'$', "", theirs)
    assert ours == theirs


@pytest.mark.parametrize("document", AUTHENTICATION, ids=range(len(AUTHENTICATION)))
def test_an_authentication_configuration_is_refused_with_the_servers_words(server_says, document):
    same(ours(read_authentication, document), server_says("authentication-config", document))


def test_the_servers_own_issuer_may_not_be_used(server_says):
    document = authn(jwt({"url": "https://kubernetes.default.svc"}))
    theirs = server_says("authentication-config", document)
    # It is found when the authenticator is made, where paths have no front.
    assert ours(lambda each: read_authentication(each, (document["jwt"][0]["issuer"]["url"],)), document) == (
        f"jwt[0].{theirs}"
    )


@pytest.mark.parametrize("document", AUTHORIZATION, ids=range(len(AUTHORIZATION)))
def test_an_authorization_configuration_is_refused_with_the_servers_words(server_says, document):
    same(ours(read_authorization, document), server_says("authorization-config", document))
