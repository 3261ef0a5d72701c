"""Mutations of public policies on two pods: the same object, or the same refusal, as the real API server 1.34."""

from __future__ import annotations

import base64
import copy
import json
import time

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.admission.typed import apply_patch
from seawall.policy.decide import engine
from support import shared

API = "admissionregistration.k8s.io/v1beta1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
PODS = {
    "rich": {
        "metadata": {"name": "rich", "labels": {"app": "a", "team": "t"}, "annotations": {"a": "b"}},
        "spec": {
            "containers": [
                {"name": "a", "image": "ghcr.io/team/app:1.2", "env": [{"name": "A", "value": "b"}], "resources": {"limits": {"cpu": "1"}},
                 "securityContext": {"privileged": False}, "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
                {"name": "b", "image": "nginx"},
            ],
            "initContainers": [{"name": "i", "image": "busybox:1"}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "securityContext": {"runAsUser": 1000},
        },
    },
    "bare": {"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}},
}  # fmt: skip
PATH = "/api/v1/namespaces/mutated/pods?dryRun=All"
_SERVERS_OWN = ("resourceVersion", "generation", "managedFields")


def _mutations():
    source = shared("data", "policy", "tables", "real-cel-expressions.json")
    expressions = dict.fromkeys(item["cel"] for item in json.loads(source.read_text(encoding="utf-8")))
    for number, expression in enumerate(expressions):
        if "Object{" not in expression and "JSONPatch{" not in expression:
            continue
        if "variables." in expression or "params" in expression:
            continue
        form = (
            ("JSONPatch", "jsonPatch")
            if "JSONPatch{" in expression
            else ("ApplyConfiguration", "applyConfiguration")
        )
        for again in ("Never", "IfNeeded"):
            spec = {
                "matchConstraints": {"resourceRules": [RULE], "objectSelector": {"matchLabels": {"n": f"{number}-{again}"}}},
                "reinvocationPolicy": again, "failurePolicy": "Fail",
                "mutations": [{"patchType": form[0], form[1]: {"expression": expression}}],
            }  # fmt: skip
            yield f"{number}-{again}", expression, spec


def _made(kind, name, spec):
    return {"apiVersion": API, "kind": kind, "metadata": {"name": f"m-{name.lower()}"}, "spec": spec}


def _plain(obj):
    found = copy.deepcopy(obj)
    for key in (*_SERVERS_OWN, "uid", "creationTimestamp"):
        found["metadata"].pop(key, None)
    found["metadata"]["namespace"] = "n"
    found.pop("status", None)
    return _filled(found)


def _filled(value):
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items() if item not in (None, "", [], {})}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _cut(message):
    for mark in (
        "resulted in error: ", "JSON Patch: ", "failed to convert patch object to typed object: ", "Internal error occurred: ",
    ):  # fmt: skip
        head, found, _ = message.partition(mark)
        message = head + found if found else message
    return message


@pytest.mark.live
def test_public_mutations_do_the_same(mutating_cluster):
    server = mutating_cluster
    server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "mutated"}})
    server.request("POST", "/api/v1/namespaces/mutated/serviceaccounts", {"metadata": {"name": "default"}})
    world = [server.request("GET", "/api/v1/namespaces/mutated")[1]]
    plain = {}
    for name, pod in PODS.items():
        given = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(pod)}
        given["spec"]["automountServiceAccountToken"] = False
        status, plain[name] = server.request("POST", PATH, given)
        assert status == 201, plain[name]
    asked = {}
    for name, expression, spec in _mutations():
        policy = _made("MutatingAdmissionPolicy", name, spec)
        if server.request("POST", f"/apis/{API}/mutatingadmissionpolicies", policy)[0] != 201:
            continue
        binding = _made("MutatingAdmissionPolicyBinding", name, {"policyName": policy["metadata"]["name"]})
        assert server.request("POST", f"/apis/{API}/mutatingadmissionpolicybindings", binding)[0] == 201
        world += [policy, binding]
        asked[name] = expression
    time.sleep(1.5)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    different = []
    for name, expression in asked.items():
        for pod in PODS:
            obj = copy.deepcopy(plain[pod])
            for key in _SERVERS_OWN:
                obj["metadata"].pop(key, None)
            obj["metadata"]["labels"] = {**obj["metadata"].get("labels", {}), "n": name}
            obj.pop("status", None)
            sent = copy.deepcopy(obj)
            for key in ("uid", "creationTimestamp"):
                sent["metadata"].pop(key, None)
            status, body = server.request("POST", PATH, sent)
            request = {
                "uid": "u", "operation": "CREATE", "name": pod, "namespace": "mutated", "object": obj, "dryRun": True,
                "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
                "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
                "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "dryRun": ["All"]},
            }  # fmt: skip
            if status == 201:
                theirs = (201, None, _plain(body))
            elif status in {403, 422} and "denied request" not in body["message"]:
                theirs = (
                    201,
                    None,
                )  # changed; another plugin or the API's validation refuses the result
            else:
                theirs = (status, body["reason"], _cut(body["message"]))
            response = decide.answer({"request": request})["response"]
            if response["allowed"]:
                patch = json.loads(base64.b64decode(response["patch"])) if "patch" in response else []
                mine = (201, None, _plain(apply_patch(obj, patch)))
            else:
                mine = (
                    response["status"]["code"],
                    response["status"]["reason"],
                    _cut(response["status"]["message"]),
                )
            if mine[: len(theirs)] != theirs:
                different.append(
                    f"{name} {pod}\n  mine   {mine}\n  theirs {theirs} {body.get('message')}\n  {expression}"
                )
    for name in asked:
        for plural in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
            server.request("DELETE", f"/apis/{API}/{plural}/m-{name.lower()}")
    assert different == [], "\n".join(different)
    assert len(asked) > 60
