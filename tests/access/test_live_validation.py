"""Roles and bindings that are invalid, written by system:masters: kube-apiserver's words and ours."""

from __future__ import annotations

import itertools

import pytest

from seawall.access.decide import AccessEngine

pytestmark = pytest.mark.live

API = "rbac.authorization.k8s.io"
LONG = "a" * 64
METADATA = [
    {"name": ""},
    {"name": "."},
    {"name": ".."},
    {"name": "a/b%c"},
    {"name": "system:Ok_1"},
    {"name": "", "generateName": "x-"},
    {"labels": {"Ok": "yes"}},
    {"labels": {"a b": "x"}},
    {"labels": {"a": "-x"}},
    {"labels": {LONG: LONG}},
    {"labels": {"/a": "x"}},
    {"labels": {"A.b/c": ""}},
    {"labels": {"a/b/c": ""}},
    {"annotations": {"UPPER.example/Ok": "any thing"}},
    {"annotations": {"a b": "x"}},
    {"annotations": {"a": "x" * (257 << 10)}},
    {"finalizers": ["kubernetes"]},
    {"finalizers": ["plain"]},
    {"finalizers": ["example.com/ok"]},
    {"finalizers": ["a b"]},
    {"finalizers": ["orphan", "foregroundDeletion"]},
    {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]},
    {"ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]},
    {"ownerReferences": [{"apiVersion": "a/", "kind": "K", "name": "n", "uid": "u"}]},
    {
        "ownerReferences": [
            {"apiVersion": "v1", "kind": kind, "name": "p", "uid": "u", "controller": True}
            for kind in ("A", "B")
        ]
    },
]
RULES = [
    [{"verbs": []}],
    [{"verbs": ["get"], "apiGroups": [""]}],
    [{"verbs": ["get"], "resources": ["pods"]}],
    [{"verbs": ["get"], "nonResourceURLs": ["/<x>&"]}],
    [{"verbs": ["get"], "nonResourceURLs": ["/x"], "resourceNames": ["a"]}],
    [{"verbs": [""], "apiGroups": ["*"], "resources": [""]}],
    [],
]
SELECTORS = [
    [],
    [{}],
    [{"matchLabels": {"a b": "x"}}],
    [{"matchLabels": {"a": "x y"}}],
    [{"matchExpressions": [{"key": "a", "operator": "In"}]}],
    [{"matchExpressions": [{"key": "a", "operator": "NotIn", "values": []}]}],
    [{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}],
    [{"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}],
    [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}],
    [
        {"matchExpressions": [{"key": "", "operator": "In", "values": ["-x", "y"]}]},
        {"matchLabels": {"ok": "ok"}},
    ],
]
SUBJECTS = [
    [{"kind": "User", "name": ""}],
    [{"kind": "User", "name": "a", "apiGroup": "x"}],
    [{"kind": "Group", "name": "a", "namespace": "b"}],
    [{"kind": "ServiceAccount", "name": "A_b"}],
    [{"kind": "ServiceAccount", "name": "a", "namespace": "blue", "apiGroup": API}],
    [{"kind": "Robot", "name": "r"}],
    [{"kind": "", "name": ""}],
    [{"kind": "User", "name": "ok"}, {"kind": "ServiceAccount", "name": "a" * 254, "namespace": "x"}],
]
REFERENCES = [
    {"kind": "ClusterRole", "name": "view", "apiGroup": "other"},
    {"kind": "Role", "name": "r"},
    {"kind": "Robot", "name": "r"},
    {"kind": "ClusterRole", "name": ""},
    {"kind": "ClusterRole", "name": "a/b"},
    {"kind": "", "name": ""},
]


def objects():
    kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    reference = {"apiGroup": API, "kind": "ClusterRole", "name": "view"}
    body = {"rules": rules}, {"rules": rules}, {"roleRef": reference}, {"roleRef": reference}
    whole = dict(zip(kinds, body, strict=True))
    for kind, metadata in itertools.product(kinds, METADATA):
        yield kind, metadata, whole[kind]
    for kind, each in itertools.product(kinds[:2], RULES):
        yield kind, {}, {"rules": each}
    for each in SELECTORS:
        yield "ClusterRole", {}, {"rules": [], "aggregationRule": {"clusterRoleSelectors": each}}
    for kind, each in itertools.product(kinds[2:], SUBJECTS):
        yield kind, {}, {"roleRef": reference, "subjects": each}
    for kind, each in itertools.product(kinds[2:], REFERENCES):
        yield kind, {}, {"roleRef": each}


def test_what_is_invalid_is_called_so_in_the_servers_words(cluster):
    """220 objects, created with dryRun by system:masters: code and message."""
    engine = AccessEngine()
    roles = cluster.request("GET", f"/apis/{API}/v1/clusterroles")[1]
    engine.load({"objects": [roles]})
    codes = set()
    for kind, metadata, body in objects():
        space = {"namespace": "default"} if kind in ("Role", "RoleBinding") else {}
        item = {
            "apiVersion": f"{API}/v1",
            "kind": kind,
            "metadata": {"name": "n", **space} | metadata,
            **body,
        }
        where = "namespaces/default/" if space else ""
        path = f"/apis/{API}/v1/{where}{kind.lower()}s?dryRun=All"
        status, answer = cluster.request("POST", path, item)
        user = {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}
        ours = engine.answer({"write": item, "user": user})
        theirs = answer.get("message", "") if status >= 400 else ""
        if metadata.get("generateName"):
            # The name that was made is in the server's text.
            theirs = theirs.replace(answer.get("details", {}).get("name", "\\0"), "")
        assert (ours["code"], ours["message"]) == (status, theirs), item
        codes.add(status)
    assert codes == {201, 422}
