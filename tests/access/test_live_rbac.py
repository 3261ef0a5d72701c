"""The same questions to kube-apiserver and to us: reviews, writes, requests. The server's words are expected."""

from __future__ import annotations

import random
import time

import pytest

from seawall.access.decide import AccessEngine

pytestmark = pytest.mark.live

RBAC = "/apis/rbac.authorization.k8s.io/v1"
GROUPS = ["", "apps", "batch", "rbac.authorization.k8s.io", "*"]
RESOURCES = ["pods", "pods/log", "pods/*", "*/scale", "deployments", "secrets", "*", "roles", "clusterroles"]
VERBS = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "*",
    "escalate",
    "bind",
    "impersonate",
]
URLS = ["*", "/foo*", "/foo**", "/foo/*", "/healthz", "/a*b"]
NAMES = ["one", "two", "edit"]
USERS = ["ann", "bob", "cyd", "system:serviceaccount:blue:robot", "<eve&co>"]
TEAMS = ["red", "green", "system:authenticated"]
SPACES = ["blue", "teal"]


def role(draw, kind, name, namespace=None):
    rules = []
    for _ in range(draw.randint(1, 4)):
        if kind == "ClusterRole" and draw.random() < 0.2:
            rules.append({"verbs": draw.sample(VERBS[:3], 2), "nonResourceURLs": draw.sample(URLS, 2)})
            continue
        rule = {
            "verbs": draw.sample(VERBS, draw.randint(1, 4)),
            "apiGroups": draw.sample(GROUPS, draw.randint(1, 2)),
            "resources": draw.sample(RESOURCES, draw.randint(1, 3)),
        }
        if draw.random() < 0.3:
            rule["resourceNames"] = draw.sample(NAMES, draw.randint(1, 2))
        rules.append(rule)
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "rules": rules,
    }


def subject(draw):
    kind = draw.choice(["User", "User", "Group", "ServiceAccount"])
    if kind == "ServiceAccount":
        return {"kind": kind, "name": "robot", "namespace": draw.choice(SPACES)}
    return {
        "kind": kind,
        "apiGroup": "rbac.authorization.k8s.io",
        "name": draw.choice(USERS if kind == "User" else TEAMS),
    }


def binding(draw, kind, name, namespace=None):
    reference = draw.choice(["ClusterRole", "Role"]) if kind == "RoleBinding" else "ClusterRole"
    target = draw.choice([f"role-{n}" for n in range(10)] + ["view", "absent"])
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": reference, "name": target},
        "subjects": [subject(draw) for _ in range(draw.randint(1, 2))],
    }


def place(item):
    resource = item["kind"].lower() + "s"
    namespace = item["metadata"].get("namespace")
    return f"{RBAC}/namespaces/{namespace}/{resource}" if namespace else f"{RBAC}/{resource}"


@pytest.fixture(scope="module")
def estate(cluster_factory):
    """A cluster with random roles and bindings, and our engine over a dump of it."""
    draw = random.Random(11)  # noqa: S311 - the same draw in every run
    cluster = cluster_factory(audit=True)
    for namespace in SPACES:
        cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    for number in range(10):
        cluster.request("POST", f"{RBAC}/clusterroles", role(draw, "ClusterRole", f"role-{number}"))
        for namespace in SPACES:
            item = role(draw, "Role", f"role-{number}", namespace)
            assert cluster.request("POST", place(item), item)[0] == 201
    aggregated = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "sum"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"sum": "yes"}}]},
        "rules": [],
    }
    assert cluster.request("POST", f"{RBAC}/clusterroles", aggregated)[0] == 201
    for number in range(12):
        item = binding(draw, "ClusterRoleBinding", f"b-{number}")
        assert cluster.request("POST", place(item), item)[0] == 201
        item = binding(draw, "RoleBinding", f"b-{number}", draw.choice(SPACES))
        assert cluster.request("POST", place(item), item)[0] == 201
    writer = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "writer"},
        "rules": [
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["*"],
                "verbs": ["create", "update"],
            }
        ],
    }
    cluster.request("POST", f"{RBAC}/clusterroles", writer)
    held = binding(draw, "ClusterRoleBinding", "writers")
    held["roleRef"]["name"] = "writer"
    held["subjects"] = [{"kind": "Group", "name": "writers"}]
    assert cluster.request("POST", place(held), held)[0] == 201
    time.sleep(1.0)  # the authorizer reads by informers
    objects = []
    for resource in ("clusterroles", "clusterrolebindings", "roles", "rolebindings"):
        status, body = cluster.request("GET", f"{RBAC}/{resource}")
        assert status == 200
        objects.append(body)
    engine = AccessEngine()
    engine.load({"objects": objects})
    return cluster, engine


def test_reviews_as_the_server_answers(estate):
    cluster, engine = estate
    draw = random.Random(12)  # noqa: S311 - the same draw in every run
    allowed = 0
    for _ in range(1200):
        spec = {"user": draw.choice(USERS), "groups": draw.sample(TEAMS, draw.randint(0, 2))}
        if draw.random() < 0.2:
            path = draw.choice(["/foo", "/foobar", "/foo/x", "/healthz", "/a*b", "/axb", "/"])
            spec["nonResourceAttributes"] = {"verb": draw.choice(["get", "list"]), "path": path}
        else:
            resource, _, below = draw.choice(
                ["pods", "pods/log", "deployments/scale", "secrets", "roles"]
            ).partition("/")
            spec["resourceAttributes"] = {
                "verb": draw.choice([*VERBS[:7], "impersonate"]),
                "group": draw.choice(["", "apps", "rbac.authorization.k8s.io"]),
                "resource": resource,
                "subresource": below,
                "name": draw.choice(["", "one", "three"]),
                "namespace": draw.choice(["", *SPACES]),
            }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status, review = cluster.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
        assert status == 201
        theirs, ours = review["status"], engine.answer({"spec": spec})["status"]
        assert ours["allowed"] == theirs["allowed"], spec
        allowed += ours["allowed"]
        if not ours["allowed"]:
            # Errors come in the informer's order, which is none.
            assert sorted(ours.get("reason", "").strip("RBAC: []").split(", ")) == sorted(
                theirs.get("reason", "").strip("RBAC: []").split(", ")
            )
    assert 200 < allowed < 1000


def test_writes_as_the_server_answers(estate):
    cluster, engine = estate
    draw = random.Random(13)  # noqa: S311 - the same draw in every run
    codes = set()
    for number in range(350):
        user, groups = draw.choice(USERS[:3]), draw.sample(TEAMS[:2], draw.randint(0, 1))
        if draw.random() < 0.4:
            groups.append("writers")
        kind = draw.choice(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"])
        namespace = draw.choice(SPACES) if kind in ("Role", "RoleBinding") else None
        update = draw.random() < 0.4
        exists = draw.random() < 0.5
        if kind in ("Role", "ClusterRole"):
            name = f"role-{draw.randint(0, 9)}" if exists else f"new-{number}"
            item = role(draw, kind, name, namespace)
            if kind == "ClusterRole" and draw.random() < 0.3:
                item["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
            if draw.random() < 0.1:
                item["rules"].append({"verbs": [], "nonResourceURLs": ["/x"], "resources": ["<y>"]})
        else:
            name = f"b-{draw.randint(0, 11)}" if exists else f"new-{number}"
            item = binding(draw, kind, name, namespace)
            if draw.random() < 0.1:
                item["subjects"].append({"kind": "Robot", "name": ""})
        path = f"{place(item)}/{name}" if update else place(item)
        status, body = cluster.request(
            "PUT" if update else "POST", f"{path}?dryRun=All", item, user=user, groups=groups
        )
        message = body.get("message", "") if status >= 400 else ""
        codes.add(status)
        ours = engine.answer(
            {
                "write": item,
                "operation": "update" if update else "create",
                "user": {"username": user, "groups": [*groups, "system:authenticated"]},
            }
        )
        assert (ours["code"], plain(ours["message"])) == (status, plain(message)), item
    assert codes >= {200, 201, 403, 404, 409, 422}


def plain(message):
    """The authorizer's errors (after `: RBAC: `) come in no order."""
    head, mark, errors = message.partition(": RBAC: ")
    return head, mark, sorted(errors.strip("[]").split(", "))


TARGETS = [
    "/api/v1/pods",
    "/api/v1/namespaces/blue/pods",
    "/api/v1/namespaces/blue",
    "/api/v1/namespaces/blue/status",
    "/api/v1/namespaces/blue/pods/one/log",
    "/api/v1/namespaces/blue/pods?fieldSelector=metadata.name%3Done",
    "/api/v1/namespaces/blue/pods?watch&timeoutSeconds=1",
    "/api/v1/namespaces/blue/pods?limit=x&watch=1&fieldSelector=metadata.name%3Done&timeoutSeconds=1",
    "/api/v1/watch/namespaces/blue/pods?timeoutSeconds=1",
    "/api/v1/proxy/nodes/one/two",
    "/api/v1/watch",
    "/apis/apps/v1/namespaces/teal/deployments?labelSelector=a+in+(b,c),!d",
    "/apis/apps/v1",
    "/foobar",
    "/api/v1//pods",
    "/api/v1/namespaces/blue/pods/a%2Fb",
    "/api/v1/namespaces/blue/secrets?fieldSelector=a%3D%5Cx",
]


def test_requests_as_the_server_answers(estate):
    cluster, engine = estate
    draw = random.Random(14)  # noqa: S311 - the same draw in every run
    certificates = {user: cluster.client_cert(user, ["red"]) for user in USERS[:3]}
    refused = 0
    for _ in range(300):
        user, target = draw.choice(USERS[:3]), draw.choice(TARGETS)
        method = draw.choice(["GET", "GET", "GET", "DELETE", "PUT"])
        headers = {}
        if draw.random() < 0.5:
            headers["Impersonate-User"] = draw.choice(
                ["bob", "system:serviceaccount:blue:robot", "system:anonymous", "one"]
            )
            if draw.random() < 0.5:
                headers["Impersonate-Group"] = draw.choice(["green", "system:unauthenticated"])
            if draw.random() < 0.2:
                headers["Impersonate-Extra-Scopes%2fx"] = "one"
            if draw.random() < 0.2:
                headers["Impersonate-Uid"] = "one"
        elif draw.random() < 0.1:
            headers["Impersonate-Group"] = "green"
        ours = engine.answer(
            {
                "request": {
                    "method": method,
                    "path": target,
                    "headers": [list(item) for item in headers.items()],
                    "user": {"username": user, "groups": ["red", "system:authenticated"]},
                }
            }
        )
        if ours["status"]["allowed"] and (method != "GET" or "watch" in target):
            continue  # it would be done, or held open
        status, body = cluster.request(method, target, None, headers, certificate=certificates[user])
        if ours["status"]["allowed"]:
            assert status != 403, (target, headers, body)
            continue
        refused += 1
        message = body["message"] if isinstance(body, dict) else body.rstrip("\n")
        assert (ours["code"], plain(ours["message"])) == (status, plain(message)), (target, headers)
    assert refused > 80
