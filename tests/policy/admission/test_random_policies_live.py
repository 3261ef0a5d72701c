"""Random policies, validating and mutating, in the real API server 1.34: verdict, warnings, annotations and object the same.

The server runs several policies in an order of its own: where several deny any of their texts is right, and only one mutates.
"""

from __future__ import annotations

import base64
import copy
import json
import random
import time

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.admission.typed import apply_patch
from seawall.policy.decide import engine
from support import admission
from support.random_policies import Maker

GROUP = "admissionregistration.k8s.io"
REQUESTS = 120
NAMESPACES = {"any-a": {"env": "prod"}, "any-b": {"env": "dev", "l": "1"}, "any-c": {}, "any-p": {}}
_OWN = ("uid", "creationTimestamp", "generation", "resourceVersion", "managedFields", "namespace")
_FAILURE = "validation.policy.admission.k8s.io/validation_failure"
# Text that depends on Go's own words follows these.
_MARKS = (
    "resulted in error: ",
    "JSON Patch: ",
    "failed to convert patch object to typed object: ",
    "Internal error occurred: ",
)
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "random-all"},
    "rules": [{"apiGroups": ["*"], "resources": ["configmaps", "secrets", "namespaces", "clusterroles"], "verbs": ["*"]}],
}  # fmt: skip
GRANT = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "random-all"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "random-all"},
    "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
}  # fmt: skip
KINDS = {
    "ConfigMap": ("", "configmaps"), "Secret": ("", "secrets"), "Namespace": ("", "namespaces"),
    "ClusterRole": ("rbac.authorization.k8s.io", "clusterroles"),
}  # fmt: skip


def _cut(message):
    for mark in _MARKS:
        head, found, _ = (message or "").partition(mark)
        message = head + found
    return message


def _path(kind, namespace):
    group, plural = KINDS[kind]
    base = f"/apis/{group}/v1" if group else "/api/v1"
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"


class World:
    """The objects that stand in the server, its policies, and random requests."""

    def __init__(self, server, seed, *, mutating):
        self.server = server
        self.chance = random.Random(seed)  # noqa: S311 - the same draw in every run
        self.objects = [
            admission.namespace(server, name, **labels) for name, labels in NAMESPACES.items()
        ] + [ROLE, GRANT]
        for obj, plural in ((ROLE, "clusterroles"), (GRANT, "clusterrolebindings")):
            assert server.request("POST", f"/apis/rbac.authorization.k8s.io/v1/{plural}", obj)[0] == 201
        for namespace, name, value in (("any-a", "p0", "1"), ("any-p", "p0", "1"), ("any-p", "p1", "2")):
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"p": "y"}}}
            self._stand(made | {"data": {"v": value}}, namespace)
        self.held = [
            self._stand(self._object(kind, name), namespace)
            for kind in ("ConfigMap", "Secret") for namespace in NAMESPACES for name in ("n0", "n1")
        ]  # fmt: skip
        maker = Maker(self.chance)
        for index in range(5):
            self._policy(f"v{index}", "Validating", "v1", maker.policy(changes=False))
        if mutating:
            self._policy("m", "Mutating", "v1beta1", maker.policy(changes=True))
        time.sleep(8)  # policies, their schemas and params are polled for

    def _stand(self, obj, namespace):
        status, body = self.server.request("POST", _path(obj["kind"], namespace), obj)
        assert status == 201, body
        self.objects.append(body)
        return body

    def _policy(self, name, what, version, specs):
        for suffix, plural, spec in (
            ("", "policies", specs[0]),
            ("Binding", "policybindings", specs[1] | {"policyName": name}),
        ):
            obj = {
                "apiVersion": f"{GROUP}/{version}",
                "kind": f"{what}AdmissionPolicy{suffix}",
                "metadata": {"name": name},
            }
            status, body = self.server.request(
                "POST", f"/apis/{GROUP}/{version}/{what.lower()}admission{plural}", obj | {"spec": spec}
            )
            assert status == 201, body
            self.objects.append(body)

    def _object(self, kind, name):
        version = "rbac.authorization.k8s.io/v1" if kind == "ClusterRole" else "v1"
        made = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
        if self.chance.random() < 0.5:
            made["metadata"]["labels"] = self.chance.choice([{"l": "1"}, {"l": "2"}, {"env": "prod"}])
        if self.chance.random() < 0.3:
            made["metadata"]["annotations"] = {"a": "b"}
        if kind == "ConfigMap":
            return made | self.chance.choice([{}, {"data": {"a": "x"}}, {"data": {"a": "q", "b": "2"}}])
        if kind == "Secret":
            return made | {"data": {"a": "eA=="}, "type": "Opaque"}
        return made | ({"rules": []} if kind == "ClusterRole" else {})

    def request(self, index):
        """Return the server's answer to a request, and the same request as a review."""
        user = self.chance.choice(["jane", "kubernetes-admin"])
        groups = ["dev", "system:authenticated"] if user == "jane" else ["system:masters"]
        operation = self.chance.choice(["CREATE", "CREATE", "UPDATE", "DELETE"])
        old = None
        if operation == "CREATE":
            kind = self.chance.choice(list(KINDS))
            namespace = self.chance.choice(list(NAMESPACES)) if kind in {"ConfigMap", "Secret"} else ""
            new = self._object(
                kind, f"{self.chance.choice(['n0', 'n1'])}" if not namespace else f"new-{index}"
            )
            method, path = "POST", _path(kind, namespace)
        else:
            old = self.chance.choice(self.held)
            kind, namespace = old["kind"], old["metadata"]["namespace"]
            new = copy.deepcopy(old)
            new["metadata"]["labels"] = self.chance.choice([{"l": "1"}, {"env": "dev"}])
            method, path = "PUT", f"{_path(kind, namespace)}/{old['metadata']['name']}"
            if operation == "DELETE":
                method, new = "DELETE", None
        answer = self.server.ask(method, f"{path}?dryRun=All", new, user=user, groups=groups)
        group, plural = KINDS[kind]
        name = (old or new)["metadata"]["name"]
        seen = copy.deepcopy(new)
        if operation == "CREATE" and namespace:
            seen["metadata"]["namespace"] = namespace
        if operation == "CREATE" and kind == "Namespace":
            namespace = name
            seen["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
            seen["spec"] = {"finalizers": ["kubernetes"]}
        review = {
            "uid": "u", "operation": operation, "name": name, "dryRun": True, "object": seen, "oldObject": old,
            "kind": {"group": group, "version": "v1", "kind": kind}, "resource": {"group": group, "version": "v1", "resource": plural},
            "userInfo": {"username": user, "groups": groups}, "options": {},
        }  # fmt: skip
        return answer, review | ({"namespace": namespace} if namespace else {})


def _plain(obj):
    found = copy.deepcopy(obj)
    for key in _OWN:
        found["metadata"].pop(key, None)
    found.pop("status", None)
    return _filled(found)


def _filled(value):
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _filled(item)) not in (None, "", [], {})}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _denial(code, reason, message):
    """Return a denial; of several policies any may speak."""
    return "policy" if "denied request" in message else (code, reason, _cut(message))


def _theirs(server, answer, review, *, annotated):
    good = answer.status < 300
    denial = None if good else _denial(answer.status, answer.body.get("reason"), answer.body["message"])
    found = _plain(answer.body) if good and review["operation"] != "DELETE" else None
    # What a mutation denies ends the request before the policies that warn.
    early = not good and answer.body["message"].startswith("policy '")
    warnings = None if early else sorted(map(_cut, answer.warnings))
    noted = admission.annotations(server, answer.headers["Audit-Id"]) if annotated and not early else {}
    return (
        denial,
        found,
        warnings,
        {key: key if key == _FAILURE else _cut(value) for key, value in noted.items()},
    )


def _mine(response, review, theirs, *, annotated):
    status = response.get("status")
    denial = None if response["allowed"] else _denial(status["code"], status["reason"], status["message"])
    found = None
    if theirs[1] is not None:
        patch = json.loads(base64.b64decode(response["patch"])) if "patch" in response else []
        found = _plain(apply_patch(review["object"], patch))
    warnings = None if theirs[2] is None else sorted(map(_cut, response.get("warnings") or ()))
    noted = (response.get("auditAnnotations") or {}) if annotated and warnings is not None else {}
    return (
        denial,
        found,
        warnings,
        {key: key if key == _FAILURE else _cut(value) for key, value in noted.items()},
    )


@pytest.mark.live
@pytest.mark.parametrize(("seed", "mutating"), [(3, False), (9, False), (5, True), (8, True)])
def test_random_policies_answer_as_in_the_real_server(cluster_factory, seed, mutating):
    server = cluster_factory(api_only=True, audit=True, mutating_admission_policy=mutating)
    world = World(server, seed, mutating=mutating)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world.objects})
    told, different = 0, []
    for index in range(REQUESTS):
        answer, review = world.request(index)
        annotated = index % 3 == 0
        theirs = _theirs(server, answer, review, annotated=annotated)
        response = decide.answer({"request": review})["response"]
        mine = _mine(response, review, theirs, annotated=annotated)
        told += theirs[0] is not None or bool(theirs[2]) or "patch" in response
        if mine != theirs:
            different.append(
                f"{review['operation']} {review['kind']['kind']}\n  mine   {mine}\n  theirs {theirs}"
            )
    assert different == [], "\n".join(different)
    assert told > REQUESTS / 6
