"""What the API server asks its authorizers about a request, seen by a webhook, and what we make of the same request."""

from __future__ import annotations

import random
import socket
import ssl

import pytest

from seawall.access.attributes import User, review_spec
from seawall.access.requestinfo import RequestInfoError, attributes_of
from seawall.access.structured import WebhookAnswer
from seawall.core.errors import InputError
from support.hooks import Hooks

pytestmark = pytest.mark.live


def configuration(folder):
    webhook = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "authorizedTTL": "1ms",
        "unauthorizedTTL": "1ms",
        "failurePolicy": "NoOpinion",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(folder / "seen.kubeconfig")},
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [
            {"type": "Webhook", "name": "seen", "webhook": webhook},
            {"type": "RBAC", "name": "rbac"},
        ],
    }


@pytest.fixture(scope="module")
def watched(cluster_factory, tmp_path_factory):
    """A cluster whose first authorizer only looks on."""
    hooks = Hooks(tmp_path_factory.mktemp("hooks"), lambda *_: WebhookAnswer())
    cluster = cluster_factory(
        api_only=True, authorization_config=configuration, files={"seen.kubeconfig": hooks.kubeconfig("seen")}
    )
    certificate = cluster.client_cert("eve", ["team"])
    context = ssl.create_default_context(cafile=str(cluster.ca))
    context.load_cert_chain(certificate.cert, certificate.key)
    yield cluster, hooks, context
    hooks.close()


METHODS = ["GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
PARTS = ["api", "apis", "v1", "apps", "namespaces", "blue", "pods", "a", "log", "status", "watch", "proxy", "nodes", "finalize",
         "deployments", "scale", "", "..", ".", "%2e%2e", "a%2Fb", "x%20y", "exec", "é", "secrets"]  # fmt: skip
GOOD = [
    "/api/v1/pods",
    "/api/v1/namespaces/blue/pods",
    "/api/v1/namespaces/blue/pods/a",
    "/api/v1/namespaces/blue/pods/a/log",
    "/api/v1/namespaces/blue",
    "/api/v1/namespaces/blue/status",
    "/api/v1/namespaces",
    "/apis/apps/v1/namespaces/blue/deployments/a/scale",
    "/apis/apps/v1/deployments",
    "/api/v1/watch/namespaces/blue/pods",
    "/api/v1/proxy/namespaces/blue/services/a/x",
    "/api/v1/nodes/n/proxy/pods",
    "/healthz/",
]
FIELDS = ["metadata.name=a", "metadata.name=", "metadata.name==a", "metadata.name!=a", "spec.nodeName=n1,metadata.name=a",
          "metadata.name=a,metadata.name=b", "x", "a=b=c", "=", "a\\,=b", "a=b\\,c", "metadata.name=a/b", "a!=b,c=d", ",", "metadata.name=.."]  # fmt: skip
LABELS = ["a=b", "a", "!a", "a in (b,c)", "a in (c,b,b)", "a notin (b)", "a!=b", "a==b", "a>5", "a<x", "a in ()", "a,b", "a b", "=",
          "a in (b", "x/y=z", "a.b/c", "-a=b", "a=,b=c", "a,", ",a", "a in (,)", "(a)", "! a", "a\t=\tb", "in=b", "a=in", "notin in (in)"]  # fmt: skip


def target(draw):
    if draw.random() < 0.5:
        path = draw.choice(GOOD)
    else:
        path = "/" + "/".join(draw.choice(PARTS) for _ in range(draw.randint(1, 8)))
        if draw.random() < 0.7:
            path = draw.choice(["/api/v1", "/apis/apps/v1"]) + path
    query = []
    for name, values in (
        ("fieldSelector", FIELDS),
        ("labelSelector", LABELS),
        ("watch", ["", "true", "false", "0", "1", "TRUE", "False", "x"]),
        ("limit", ["5", "x", "", "-1", "99999999999999999999", "+5", "0x5"]),
        ("timeoutSeconds", ["5", "5s"]),
        ("resourceVersion", ["0", "x"]),
        ("allowWatchBookmarks", ["maybe"]),
        ("sendInitialEvents", ["maybe"]),
    ):
        if draw.random() < 0.25:
            query.append(f"{name}={escaped(draw.choice(values))}")
            if draw.random() < 0.15:
                query.append(f"{name}={escaped(draw.choice(values))}")
    if draw.random() < 0.05:
        query.append(draw.choice(["watch", "a;b=c", "%zz=1", "watch=%zz", "", "fieldSelector"]))
    draw.shuffle(query)
    return path + (f"?{'&'.join(query)}" if query else "")


def escaped(text):
    return "".join(char if char.isalnum() or char in ".-_" else f"%{ord(char):02X}" for char in text)


def ask(port, context, method, target):
    """Send a request as it is, unescaped bytes and all; return the status."""
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(head.encode())
        answer = b""
        while b"\r\n" not in answer:
            data = connection.recv(1 << 16)
            assert data, (method, target)
            answer += data
    return int(answer.split(b" ", 2)[1])


def test_what_is_asked_about_a_request(watched):
    """1,000 requests: the same attributes, selectors as the webhook gets them, or no question at all."""
    cluster, hooks, context = watched
    draw = random.Random(61)  # noqa: S311 - the same draw in every run
    user = User("eve", ("team", "system:authenticated"))
    compared = refused = 0
    for _ in range(1000):
        method, asked = draw.choice(METHODS), target(draw)
        hooks.seen.clear()
        status = ask(cluster.port, context, method, asked)
        try:
            ours = review_spec(attributes_of(method, asked, user))
        except RequestInfoError:
            assert (status, hooks.seen) == (500, []), asked
            refused += 1
            continue
        except InputError:
            assert status == 400, asked
            continue
        if not hooks.seen:
            # What is redirected or answered before anything is authorized.
            assert status in (301, 302, 307, 400), (method, asked, status)
            continue
        theirs = hooks.seen[0][1]
        theirs.pop("extra", None)  # the credential's id
        assert ours == theirs, (method, asked)
        compared += 1
    assert compared > 800
    assert refused >= 3
