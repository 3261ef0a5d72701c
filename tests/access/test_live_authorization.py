"""A chain with webhooks in kube-apiserver and in our engine: conditions, failures, denials; tokens of its own accounts."""

from __future__ import annotations

import random
import time

import pytest

from seawall.access import build_world, review_attributes
from seawall.access.structured import WebhookAnswer, authorize_structured, read_authorization
from seawall.access.tokens import KeySet, ServiceAccountTokens
from seawall.access.tokens.jose import pem_key
from support.hooks import Hooks

pytestmark = pytest.mark.live

CACHED = 10.5  # seconds that the server remembers that a token was good
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
CONDITIONS = {
    "first": ["request.user != 'skip'", "!('quiet' in request.groups)"],
    "second": [
        "has(request.resourceAttributes)",
        "request.resourceAttributes.namespace == 'blue' || request.resourceAttributes.verb == 'list'",
        "request.extra['team'][0] == 'x' || request.user != 'fails'",
    ],
    "third": [
        "request.resourceAttributes.fieldSelector.requirements.all(r, r.key != 'a') || request.user == 'ann'"
    ],
}


def said(name, spec):
    user = spec.get("user", "")
    if user == f"{name}-allows":
        return WebhookAnswer(allowed=True, reason=f"{name} says so")
    if user == f"{name}-denies":
        return WebhookAnswer(denied=True, reason=f"{name} says no")
    if user == f"{name}-both":
        return WebhookAnswer(allowed=True, denied=True, reason="both")
    if user == f"{name}-breaks":
        return WebhookAnswer(error="broken")
    return WebhookAnswer(reason=f"{name} does not know" if user == "bob" else "")


def configuration(folder):
    def hook(name, policy):
        return {
            "type": "Webhook",
            "name": name,
            "webhook": {
                "timeout": "3s",
                "subjectAccessReviewVersion": "v1",
                "matchConditionSubjectAccessReviewVersion": "v1",
                "authorizedTTL": "1ms",
                "unauthorizedTTL": "1ms",
                "failurePolicy": policy,
                "connectionInfo": {
                    "type": "KubeConfigFile",
                    "kubeConfigFile": str(folder / f"{name}.kubeconfig"),
                },
                "matchConditions": [{"expression": each} for each in CONDITIONS[name]],
            },
        }

    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [
            hook("first", "NoOpinion"),
            {"type": "Node", "name": "node"},
            {"type": "RBAC", "name": "rbac"},
            hook("second", "Deny"),
            hook("third", "NoOpinion"),
            {"type": "AlwaysDeny", "name": "alwaysdeny"},
        ],
    }


@pytest.fixture(scope="module")
def chained(cluster_factory, tmp_path_factory):
    hooks = Hooks(tmp_path_factory.mktemp("hooks"), said)
    cluster = cluster_factory(
        authorization_config=configuration,
        files={f"{name}.kubeconfig": hooks.kubeconfig(name) for name in CONDITIONS},
    )
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "viewers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "viewers"}],
    }
    status, _ = cluster.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    assert status == 201
    time.sleep(0.5)
    objects = [
        cluster.request("GET", f"/apis/rbac.authorization.k8s.io/v1/{resource}")[1]
        for resource in ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
    ]
    yield cluster, hooks, read_authorization(configuration(cluster.folder)), build_world(objects)
    hooks.close()


USERS = ["ann", "bob", "skip", "fails", "system:node:n1", "admin"]
USERS += [f"{name}-{what}" for name in CONDITIONS for what in ("allows", "denies", "both")]


def test_reviews_by_the_whole_chain(chained):
    """700 reviews: the same status, and the webhooks are asked the same questions in the same order."""
    cluster, hooks, configured, world = chained
    draw = random.Random(31)  # noqa: S311 - the same draw in every run
    kinds = set()
    for _ in range(700):
        spec = {"user": draw.choice(USERS), "groups": draw.sample(["viewers", "quiet", "system:masters"], 1)}
        if draw.random() < 0.5:
            spec["extra"] = {"team": draw.choice([["x"], ["y", "x"]])}
        if draw.random() < 0.2:
            spec["nonResourceAttributes"] = {"path": "/metrics", "verb": "get"}
        else:
            spec["resourceAttributes"] = {
                "verb": draw.choice(["get", "list", "delete"]),
                "resource": draw.choice(["pods", "secrets"]),
                "namespace": draw.choice(["blue", "red", ""]),
            }
            if draw.random() < 0.4:
                key = draw.choice(["a", "b"])
                spec["resourceAttributes"]["fieldSelector"] = {
                    "requirements": [{"key": key, "operator": "In", "values": ["v"]}]
                }
        hooks.seen.clear()
        asked = []

        def ask(name, question, asked=asked):
            asked.append((name, question))
            return said(name, question)

        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status, review = cluster.request("POST", REVIEWS, body)
        assert status == 201, review
        theirs = review["status"]
        ours = authorize_structured(configured, world, review_attributes(spec), ask)
        assert ours.allowed == theirs["allowed"], (spec, theirs, ours)
        assert ours.denied == theirs.get("denied", False), (spec, theirs, ours)
        assert ours.reason == theirs.get("reason", ""), spec
        shown = theirs.get("evaluationError", "")
        assert bool(ours.error) == bool(shown), (spec, shown, ours)
        assert ours.error.partition("resulted in error")[0] == shown.partition("resulted in error")[0]
        assert asked == hooks.seen, spec
        kinds.add((ours.allowed, ours.denied, bool(ours.error)))
    assert len(kinds) >= 5


@pytest.mark.parametrize(("user", "denied"), [("second-breaks", True), ("third-breaks", False)])
def test_a_webhook_that_breaks_is_decided_by_its_failure_policy(chained, user, denied):
    cluster, _, configured, world = chained
    spec = {"user": user, "resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "blue"}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    theirs = cluster.request("POST", REVIEWS, body)[1]["status"]
    ours = authorize_structured(configured, world, review_attributes(spec), said)
    assert (ours.allowed, ours.denied) == (theirs["allowed"], theirs.get("denied", False)) == (False, denied)
    assert theirs["evaluationError"]
    assert ours.error


def test_tokens_of_service_accounts(chained):
    """TokenRequest's own tokens, bound to nothing, a secret, a pod and a node; then what they are bound to goes."""
    cluster, _, _, _ = chained
    base = "/api/v1/namespaces/default"
    assert cluster.request("POST", f"{base}/serviceaccounts", {"metadata": {"name": "robot"}})[0] == 201
    secret = cluster.request("POST", f"{base}/secrets", {"metadata": {"name": "bound"}})[1]
    node = cluster.request("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})[1]
    pod = cluster.request(
        "POST",
        f"{base}/pods",
        {
            "metadata": {"name": "web"},
            "spec": {
                "serviceAccountName": "robot",
                "nodeName": "n1",
                "containers": [{"name": "c", "image": "i"}],
            },
        },
    )[1]
    references = [None] + [
        {"kind": kind, "apiVersion": "v1", "name": item["metadata"]["name"], "uid": item["metadata"]["uid"]}
        for kind, item in (("Secret", secret), ("Pod", pod), ("Node", node))
    ]
    tokens = []
    for reference in references:
        for audiences in (None, ["vault"]):
            spec = {
                key: value
                for key, value in (("boundObjectRef", reference), ("audiences", audiences))
                if value
            }
            status, answer = cluster.request("POST", f"{base}/serviceaccounts/robot/token", {"spec": spec})
            assert status == 201, answer
            tokens.append(answer["status"]["token"])
    users = check_tokens(cluster, tokens)
    assert users.count(None) == 4  # those for the vault
    for path in (f"{base}/secrets/bound", f"{base}/pods/web?gracePeriodSeconds=0", "/api/v1/nodes/n1"):
        assert cluster.request("DELETE", path)[0] == 200
    time.sleep(CACHED)
    assert check_tokens(cluster, tokens).count(None) == 7
    assert cluster.request("DELETE", f"{base}/serviceaccounts/robot")[0] == 200
    time.sleep(CACHED)
    assert check_tokens(cluster, tokens).count(None) == 8


def check_tokens(cluster, tokens):
    """Compare all answers with TokenReview's; return the users."""
    objects = []
    for kind, path in (
        ("ServiceAccount", "namespaces/default/serviceaccounts"),
        ("Secret", "namespaces/default/secrets"),
        ("Pod", "namespaces/default/pods"),
        ("Node", "nodes"),
    ):
        objects += [{"kind": kind, **item} for item in cluster.request("GET", f"/api/v1/{path}")[1]["items"]]
    key = pem_key((cluster.folder / "sa.pub").read_bytes())
    engine = ServiceAccountTokens(("https://kubernetes.default.svc",), KeySet([key]), objects)
    users = []
    for token in tokens:
        for audiences in ([], ["vault"]):
            spec = {"token": token} | ({"audiences": audiences} if audiences else {})
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
            status, answer = cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body)
            assert status == 201
            theirs = answer["status"]
            ours = engine.authenticate(token, time.time(), tuple(audiences))
            assert ours is not None
            assert (ours.user is not None) == bool(theirs.get("authenticated")), (ours, theirs)
            if ours.user is None:
                assert ours.error in theirs["error"]
            else:
                user = theirs["user"]
                assert ours.user.name == user["username"]
                assert list(ours.user.groups) == user["groups"]
                assert ours.user.uid == user["uid"]
                assert {key: list(values) for key, values in ours.user.extra} == user.get("extra", {})
            if not audiences:
                users.append(ours.user)
    return users
