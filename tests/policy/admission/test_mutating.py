"""Mutating policies: the same changes and the same refusals as the real API server 1.34, from the same objects."""

from __future__ import annotations

import base64
import copy
import json
import time

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.admission.typed import apply_patch
from seawall.policy.decide import engine

GROUP = "admissionregistration.k8s.io"
API = f"{GROUP}/v1beta1"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"app": "d"}},
    "spec": {
        "selector": {"matchLabels": {"app": "d"}},
        "template": {
            "metadata": {"labels": {"app": "d"}},
            "spec": {
                "containers": [
                    {"name": "a", "image": "x:1", "ports": [{"containerPort": 80}], "env": [{"name": "E", "value": "1"}]},
                    {"name": "b", "image": "y", "args": ["-v"]},
                ],
                "tolerations": [{"key": "k", "operator": "Exists"}],
                "volumes": [{"name": "v", "configMap": {"name": "c"}}],
            },
        },
    },
}  # fmt: skip
CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "annotations": {"n": "1"}, "finalizers": ["a.b/c"]},
    "data": {"a": "x", "list": "1,2"},
}
SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
    "spec": {"clusterIP": "None", "ports": [{"name": "p", "port": 80}, {"name": "q", "port": 81}], "selector": {"a": "b"}},
}  # fmt: skip
PLURALS = {
    "Deployment": ("apps", "v1", "deployments"),
    "ConfigMap": ("", "v1", "configmaps"),
    "Service": ("", "v1", "services"),
}


def _apply(expression):
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


def _patch(expression):
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


def _template(inner):
    return f"Object{{spec: Object.spec{{template: Object.spec.template{{spec: Object.spec.template.spec{{{inner}}}}}}}}}"


CONTAINERS = "Object.spec.template.spec.containers"
# name -> (object, mutations, more of the spec)
CASES = {
    "label": (CONFIG_MAP, [_apply('Object{metadata: Object.metadata{labels: {"a": "b"}}}')], {}),
    "annotation-merges": (CONFIG_MAP, [_apply('Object{metadata: Object.metadata{annotations: {"m": "2"}}}')], {}),
    "finalizers-are-a-set": (CONFIG_MAP, [_apply('Object{metadata: Object.metadata{finalizers: ["x.y/z", "a.b/c"]}}')], {}),
    "data": (CONFIG_MAP, [_apply('Object{data: {"a": object.data.a + "!"}}')], {}),
    "data-twice": (CONFIG_MAP, [_apply('Object{data: {"a": object.data.a + "!"}}')], {"reinvocationPolicy": "IfNeeded"}),
    "two-in-order": (
        CONFIG_MAP,
        [_apply('Object{data: {"a": "1"}}'), _apply('Object{data: {"b": object.data.a + "2"}}')], {},
    ),
    "unknown-field": (CONFIG_MAP, [_apply('Object{nothing: "x"}')], {}),
    "wrong-scalar": (CONFIG_MAP, [_apply('Object{data: {"a": 1}}')], {}),
    "wrong-name": (CONFIG_MAP, [_apply('Object{metadata: Object.wrong{labels: {"a": "b"}}}')], {}),
    "null": (CONFIG_MAP, [_apply('Object{data: {"a": null}}')], {}),
    "nested-literal": (DEPLOYMENT, [_apply(_template('volumes: [{"name": "n"}]'))], {}),
    "empty-object": (CONFIG_MAP, [_apply("Object{}")], {"reinvocationPolicy": "IfNeeded"}),
    "other-kind": (CONFIG_MAP, [_apply('Object{kind: "Secret", apiVersion: "v7"}')], {}),
    "fails": (CONFIG_MAP, [_apply('Object{data: {"a": object.data.nothing}}')], {}),
    "fails-ignored": (CONFIG_MAP, [_apply('Object{data: {"a": object.data.nothing}}')], {"failurePolicy": "Ignore"}),
    "half-ignored": (
        CONFIG_MAP,
        [_apply('Object{data: {"x": "1"}}'), _apply('Object{data: {"a": object.data.nothing}}')],
        {"failurePolicy": "Ignore"},
    ),
    "condition-no": (CONFIG_MAP, [_apply('Object{data: {"x": "1"}}')], {"matchConditions": [{"name": "c", "expression": "has(object.data.zz)"}]}),
    "condition-fails": (CONFIG_MAP, [_apply('Object{data: {"x": "1"}}')], {"matchConditions": [{"name": "c", "expression": "object.data.zz == ''"}]}),
    "condition-fails-ignored": (
        CONFIG_MAP, [_apply('Object{data: {"x": "1"}}')],
        {"failurePolicy": "Ignore", "matchConditions": [{"name": "c", "expression": "object.data.zz == ''"}]},
    ),
    "variable": (
        CONFIG_MAP, [_apply('Object{data: {"n": string(variables.n)}}')],
        {"variables": [{"name": "n", "expression": "object.data.size()"}]},
    ),
    "variable-anew": (
        CONFIG_MAP, [_apply('Object{data: {"z": string(variables.n)}}'), _apply('Object{data: {"y": string(variables.n)}}')],
        {"variables": [{"name": "n", "expression": "object.data.size()"}]},
    ),
    "namespace": (CONFIG_MAP, [_apply('Object{data: {"ns": namespaceObject.metadata.name}}')], {}),
    "replicas": (DEPLOYMENT, [_apply("Object{spec: Object.spec{replicas: 7}}")], {}),
    "replicas-text": (DEPLOYMENT, [_apply('Object{spec: Object.spec{replicas: "7"}}')], {}),
    "container-by-name": (DEPLOYMENT, [_apply(_template(f'containers: [{CONTAINERS}{{name: "b", image: "z:2"}}]'))], {}),
    "container-new": (DEPLOYMENT, [_apply(_template(f'containers: [{CONTAINERS}{{name: "s", image: "side"}}]'))], {}),
    "container-order": (
        DEPLOYMENT,
        [_apply(_template(f'containers: [{CONTAINERS}{{name: "b"}}, {CONTAINERS}{{name: "n", image: "n:1"}}, {CONTAINERS}{{name: "a"}}]'))], {},
    ),
    "init-container": (DEPLOYMENT, [_apply(_template('initContainers: [Object.spec.template.spec.initContainers{name: "i", image: "i@sha256:0"}]'))], {}),
    "env-by-name": (
        DEPLOYMENT,
        [_apply(_template(f'containers: object.spec.template.spec.containers.map(c, {CONTAINERS}{{name: c.name, env: [{CONTAINERS}.env{{name: "F", value: "2"}}]}})'))], {},
    ),
    "ports": (
        DEPLOYMENT,
        [_apply(_template(f'containers: [{CONTAINERS}{{name: "a", ports: [{CONTAINERS}.ports{{containerPort: 80, name: "http"}}, {CONTAINERS}.ports{{containerPort: 81, protocol: "UDP"}}]}}]'))], {},
    ),
    "atomic-list": (DEPLOYMENT, [_apply(_template('tolerations: [Object.spec.template.spec.tolerations{key: "x"}]'))], {}),
    "atomic-args": (DEPLOYMENT, [_apply(_template(f'containers: [{CONTAINERS}{{name: "a", args: ["x"]}}]'))], {}),
    "atomic-map": (DEPLOYMENT, [_apply(_template('nodeSelector: {"a": "b"}'))], {}),
    "duplicate-keys": (DEPLOYMENT, [_apply(_template(f'containers: [{CONTAINERS}{{name: "b"}}, {CONTAINERS}{{name: "b"}}]'))], {}),
    "no-key-but-a-default": (DEPLOYMENT, [_apply(_template(f'containers: [{CONTAINERS}{{name: "a", ports: [{CONTAINERS}.ports{{name: "web"}}]}}]'))], {}),
    "no-key": (DEPLOYMENT, [_apply(_template(f'containers: [{CONTAINERS}{{image: "b"}}]'))], {}),
    "volume": (DEPLOYMENT, [_apply(_template('volumes: [Object.spec.template.spec.volumes{name: "w", secret: Object.spec.template.spec.volumes.secret{secretName: "s"}}, Object.spec.template.spec.volumes{name: "e"}]'))], {}),
    "security": (DEPLOYMENT, [_apply(_template("securityContext: Object.spec.template.spec.securityContext{runAsNonRoot: true, runAsUser: 1000}"))], {}),
    "probe": (
        DEPLOYMENT,
        [_apply(_template(f'containers: [{CONTAINERS}{{name: "a", livenessProbe: {CONTAINERS}.livenessProbe{{httpGet: {CONTAINERS}.livenessProbe.httpGet{{port: 80}}}}}}]'))], {},
    ),
    "resources": (
        DEPLOYMENT,
        [_apply(_template(f'containers: [{CONTAINERS}{{name: "a", resources: {CONTAINERS}.resources{{limits: {{"cpu": "1"}}}}}}]'))], {},
    ),
    "account": (DEPLOYMENT, [_apply(_template('serviceAccountName: "robot"'))], {}),
    "service-ports": (SERVICE, [_apply('Object{spec: Object.spec{ports: [Object.spec.ports{port: 81, name: "q2"}, Object.spec.ports{port: 82, name: "r"}]}}')], {}),
    "optional-field": (CONFIG_MAP, [_apply('Object{metadata: Object.metadata{?labels: object.?nothing}, data: {"o": "1"}}')], {}),
    "timestamp": (CONFIG_MAP, [_apply('Object{data: {"t": timestamp("2020-01-01T00:00:00Z")}}')], {}),
    # ---- JSON Patch ----
    "p-add": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/data/b", value: "y"}]')], {}),
    "p-remove": (CONFIG_MAP, [_patch('[JSONPatch{op: "remove", path: "/data/a"}]')], {}),
    "p-remove-absent": (CONFIG_MAP, [_patch('[JSONPatch{op: "remove", path: "/data/zz"}]')], {}),
    "p-remove-absent-ignored": (CONFIG_MAP, [_patch('[JSONPatch{op: "remove", path: "/data/zz"}]')], {"failurePolicy": "Ignore"}),
    "p-replace-absent": (CONFIG_MAP, [_patch('[JSONPatch{op: "replace", path: "/data/zz", value: "1"}]')], {}),
    "p-replace-deep-absent": (CONFIG_MAP, [_patch('[JSONPatch{op: "replace", path: "/zz/zz", value: "1"}]')], {}),
    "p-test-fails": (CONFIG_MAP, [_patch('[JSONPatch{op: "test", path: "/data/a", value: "no"}, JSONPatch{op: "add", path: "/data/b", value: "y"}]')], {}),
    "p-test-holds": (CONFIG_MAP, [_patch('[JSONPatch{op: "test", path: "/data/a", value: "x"}, JSONPatch{op: "add", path: "/data/b", value: "y"}]')], {}),
    "p-copy": (CONFIG_MAP, [_patch('[JSONPatch{op: "copy", from: "/data/a", path: "/data/b"}]')], {}),
    "p-move": (CONFIG_MAP, [_patch('[JSONPatch{op: "move", from: "/data/a", path: "/data/b"}]')], {}),
    "p-escape": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("a.b/c"), value: "1"}]')], {}),
    "p-bad-op": (CONFIG_MAP, [_patch('[JSONPatch{op: "eat", path: "/data/a"}]')], {}),
    "p-append": (DEPLOYMENT, [_patch('[JSONPatch{op: "add", path: "/spec/template/spec/containers/-", value: Object.spec.template.spec.containers{name: "s", image: "side:1"}}]')], {}),
    "p-append-twice": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/metadata/finalizers/-", value: "q.r/" + string(size(object.metadata.finalizers))}]')], {"reinvocationPolicy": "IfNeeded"}),
    "p-index": (DEPLOYMENT, [_patch('[JSONPatch{op: "replace", path: "/spec/template/spec/containers/1/image", value: "new:1"}]')], {}),
    "p-index-negative": (DEPLOYMENT, [_patch('[JSONPatch{op: "replace", path: "/spec/template/spec/containers/-1/image", value: "new:1"}]')], {}),
    "p-index-high": (DEPLOYMENT, [_patch('[JSONPatch{op: "add", path: "/spec/template/spec/containers/9", value: {"name": "x"}}]')], {}),
    "p-map-value": (DEPLOYMENT, [_patch('[JSONPatch{op: "add", path: "/spec/template/spec/nodeSelector", value: {"a": "b"}}]')], {}),
    "p-unknown-field": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/nothing", value: "1"}]')], {}),
    "p-unknown-field-ignored": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/nothing", value: "1"}]')], {"failurePolicy": "Ignore"}),
    "p-wrong-type": (DEPLOYMENT, [_patch('[JSONPatch{op: "add", path: "/spec/replicas", value: "7"}]')], {}),
    "p-wrong-name": (DEPLOYMENT, [_patch('[JSONPatch{op: "add", path: "/spec/template/spec/securityContext", value: Object.a{b: Object.c{}}}]')], {}),
    "p-big-number": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/metadata/generation", value: 9007199254740993}]')], {}),
    "p-fails": (CONFIG_MAP, [_patch('[JSONPatch{op: "add", path: "/data/b", value: object.data.nothing}]')], {}),
    "p-many": (CONFIG_MAP, [_patch('object.data.map(k, JSONPatch{op: "replace", path: "/data/" + k, value: "v"})')], {}),
    "p-conditional": (CONFIG_MAP, [_patch('has(object.data.zz) ? [JSONPatch{op: "remove", path: "/data/zz"}] : [JSONPatch{op: "add", path: "/data/zz", value: "1"}]')], {}),
}  # fmt: skip
_SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


def _policy(name, kind, mutations, more):
    group, version, plural = PLURALS[kind]
    rule = {"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": [plural]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]}, "mutations": mutations, "reinvocationPolicy": "Never", "failurePolicy": "Fail",
    }  # fmt: skip
    match = {"namespaceSelector": {"matchLabels": {"with": name}}}
    return [
        {
            "apiVersion": API,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": spec | more,
        },
        {
            "apiVersion": API,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": f"{name}-b"},
            "spec": {"policyName": name, "matchResources": match},
        },
    ]


def _namespace(name):
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": f"map-{name}", "labels": {"with": name}},
    }


def _path(kind, namespace):
    group, version, plural = PLURALS[kind]
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/{plural}?dryRun=All"


def _plain(obj):
    """Without what the server alone sets, and without the difference of empty and absent."""
    found = copy.deepcopy(obj)
    for key in _SERVERS_OWN:
        found["metadata"].pop(key, None)
    found["metadata"]["namespace"] = "n"
    found.pop("status", None)
    return _filled(found)


def _filled(value):
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items() if item not in (None, "", [], {})}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _review(obj, namespace):
    group, version, plural = PLURALS[obj["kind"]]
    request = {
        "uid": "u", "operation": "CREATE", "name": obj["metadata"]["name"], "namespace": namespace,
        "kind": {"group": group, "version": version, "kind": obj["kind"]},
        "resource": {"group": group, "version": version, "resource": plural},
        "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters"]}, "object": obj,
    }  # fmt: skip
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


@pytest.fixture
def mutating(mutating_cluster):
    return mutating_cluster


def _answer(decide, obj, namespace):
    response = decide.answer(_review(obj, namespace))["response"]
    if not response["allowed"]:
        status = response["status"]
        return status["code"], status["reason"], _cut(status["message"])
    patch = json.loads(base64.b64decode(response["patch"])) if "patch" in response else []
    assert ("patch" in response) == (response.get("patchType") == "JSONPatch")
    return 201, None, _plain(apply_patch(obj, patch))


def _cut(message):
    # What protocol.md calls free.
    for mark in (
        "resulted in error: ", "JSON Patch: ", "failed to convert patch object to typed object: ", "Internal error occurred: ",
    ):  # fmt: skip
        head, found, _ = message.partition(mark)
        message = head + found if found else message
    return message


@pytest.mark.live
def test_mutating_policies_change_and_refuse_as_the_real_server(mutating):
    world, plain = [], {}
    assert mutating.request("POST", "/api/v1/namespaces", {"metadata": {"name": "map-plain"}})[0] == 201
    for name, (obj, mutations, more) in CASES.items():
        for made, plural in zip(
            _policy(name, obj["kind"], mutations, more),
            ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
            strict=True,
        ):
            status, body = mutating.request("POST", f"/apis/{API}/{plural}", made)
            assert status == 201, (name, body)
            world.append(body)
        world.append(mutating.request("POST", "/api/v1/namespaces", _namespace(name))[1])
        if obj["kind"] not in plain:
            plain[obj["kind"]] = mutating.request("POST", _path(obj["kind"], "map-plain"), obj)[1]
    _in_force(mutating)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    different = []
    for name, (obj, _, _) in CASES.items():
        status, body = mutating.request("POST", _path(obj["kind"], f"map-{name}"), obj)
        theirs = (
            (201, None, _plain(body))
            if status == 201
            else (status, body.get("reason"), _cut(body["message"]))
        )
        given = copy.deepcopy(plain[obj["kind"]])
        for key in _SERVERS_OWN:
            given["metadata"].pop(key, None)
        given["metadata"]["namespace"] = f"map-{name}"
        given.pop("status", None)
        if status == 422 and "denied request" not in body["message"]:
            # Admitted and changed; what the API's own validation says then is no matter of admission.
            theirs = (201, None)
        mine = _answer(decide, given, f"map-{name}")
        if mine[: len(theirs)] != theirs:
            different.append((name, mine, theirs))
    assert different == [], "\n\n".join(
        f"{name}\n  mine   {mine}\n  theirs {theirs}" for name, mine, theirs in different
    )


def _made(name, obj, mutations, more=None, **binding):
    policy, bound = _policy(name, obj["kind"], mutations, more or {})
    bound["spec"] |= binding
    return [policy, bound]


# What the objects of the world are to each other: name -> (policies with bindings and params, object)
PARAMS = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
BY_PARAM = [_apply("Object{data: {params.metadata.name: params.data.v}}")]


def _param(name, namespace, value, **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": value}}


CUSTOM = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com"},
    "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing", "singular": "thing"},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "size": {"type": "integer"},
                "mode": {"type": "string", "default": "plain"},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "parts": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                    "items": {"type": "object", "required": ["id"], "properties": {
                        "id": {"type": "string"}, "n": {"type": "integer"}, "kind": {"type": "string", "default": "k"}}},
                },
                "plain": {"type": "array", "items": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "port": {"x-kubernetes-int-or-string": True},
            }}}}},
        }],
    },
}  # fmt: skip
THING = {
    "apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"},
    "spec": {"size": 1, "mode": "plain", "tags": ["a"], "parts": [{"id": "x", "n": 1, "kind": "k"}], "plain": ["p"], "free": {"a": {"b": "c"}}},
}  # fmt: skip
THINGS = {
    "merged": _apply('Object{spec: Object.spec{size: 2, tags: ["b"], parts: [Object.spec.parts{id: "x", n: 5}, Object.spec.parts{id: "y"}]}}'),
    "atomic": _apply('Object{spec: Object.spec{plain: ["q"]}}'),
    "free": _apply('Object{spec: Object.spec{free: Object.spec.free{a: Object.spec.free.a{z: "1"}, n: 3}}}'),
    "unknown": _apply("Object{spec: Object.spec{nothing: 1}}"),
    "mixed": _apply('Object{spec: Object.spec{port: "http"}}'),
    "text": _apply('Object{spec: Object.spec{size: "2"}}'),
    "patched": _patch('[JSONPatch{op: "remove", path: "/spec/mode"}, JSONPatch{op: "add", path: "/spec/tags/0", value: "first"}]'),
}  # fmt: skip
PLURALS["Thing"] = ("example.com", "v1", "things")


@pytest.mark.live
def test_custom_resources_are_changed_by_their_own_types(mutating):
    assert (
        mutating.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CUSTOM)[0] == 201
    )
    world = [CUSTOM]
    for name, mutation in THINGS.items():
        for made, plural in zip(
            _policy(f"thing-{name}", "Thing", [mutation], {}),
            ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
            strict=True,
        ):
            status, body = mutating.request("POST", f"/apis/{API}/{plural}", made)
            assert status == 201, (name, body)
            world.append(body)
        world.append(mutating.request("POST", "/api/v1/namespaces", _namespace(f"thing-{name}"))[1])
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    path = _path("Thing", "map-thing-merged")
    for _ in range(400):  # the server polls for schemas every five seconds
        status, body = mutating.request("POST", path, THING)
        if status == 201 and body["spec"]["size"] == 2:
            break
        time.sleep(0.05)
    different = []
    for name in THINGS:
        status, body = mutating.request("POST", _path("Thing", f"map-thing-{name}"), THING)
        theirs = (
            (201, None, _plain(body)) if status == 201 else (status, body["reason"], _cut(body["message"]))
        )
        given = copy.deepcopy(THING)
        given["metadata"]["namespace"] = f"map-thing-{name}"
        mine = _answer(decide, given, f"map-thing-{name}")
        if mine != theirs:
            different.append((name, mine, theirs))
    assert different == [], "\n\n".join(
        f"{name}\n  mine   {mine}\n  theirs {theirs}" for name, mine, theirs in different
    )


@pytest.mark.live
@pytest.mark.parametrize(
    ("case", "reference", "more"),
    [
        ("named", {"name": "one", "namespace": "map-params", "parameterNotFoundAction": "Deny"}, {}),
        ("selected", {"selector": {"matchLabels": {"k": "v"}}, "namespace": "map-params", "parameterNotFoundAction": "Deny"}, {}),
        ("own-namespace", {"name": "one", "parameterNotFoundAction": "Deny"}, {}),
        ("absent-denied", {"name": "none", "namespace": "map-params", "parameterNotFoundAction": "Deny"}, {}),
        ("absent-allowed", {"name": "none", "namespace": "map-params", "parameterNotFoundAction": "Allow"}, {}),
        ("absent-ignored", {"name": "none", "namespace": "map-params", "parameterNotFoundAction": "Deny"}, {"failurePolicy": "Ignore"}),
        ("again", {"selector": {}, "namespace": "map-params", "parameterNotFoundAction": "Deny"}, {"reinvocationPolicy": "IfNeeded"}),
    ],
)  # fmt: skip
def test_params_of_mutating_policies(mutating, case, reference, more):
    name = f"param-{case}"
    params = [
        _param("one", "map-params", "1", k="v"),
        _param("two", "map-params", "2", k="v"),
        _param("three", "map-params", "3"),
    ]
    mutating.request("POST", "/api/v1/namespaces", {"metadata": {"name": "map-params"}})
    for param in params:
        mutating.request("POST", "/api/v1/namespaces/map-params/configmaps", param)
    probe = _policy(f"{name}-probe", "ConfigMap", [_apply('Object{data: {"probe": "1"}}')], {})
    probe[1]["spec"]["matchResources"] = {"namespaceSelector": {"matchLabels": {"with": name}}}
    made = [*_made(name, CONFIG_MAP, BY_PARAM, PARAMS | more, paramRef=reference), *probe]
    for obj in made:
        plural = {"MutatingAdmissionPolicy": "mutatingadmissionpolicies"}.get(
            obj["kind"], "mutatingadmissionpolicybindings"
        )
        status, body = mutating.request("POST", f"/apis/{API}/{plural}", obj)
        assert status == 201, body
    world = [*made, *params, mutating.request("POST", "/api/v1/namespaces", _namespace(name))[1]]
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    given = copy.deepcopy(CONFIG_MAP)
    given["metadata"]["namespace"] = f"map-{name}"
    mine = _answer(decide, given, f"map-{name}")
    theirs = None
    for _ in range(100):  # policies, bindings and params come into force one after another
        status, body = mutating.request("POST", _path("ConfigMap", f"map-{name}"), CONFIG_MAP)
        theirs = (
            (201, None, _plain(body)) if status == 201 else (status, body["reason"], _cut(body["message"]))
        )
        if theirs == mine:
            break
        time.sleep(0.05)
    assert mine == theirs
    for obj in made:
        plural = {"MutatingAdmissionPolicy": "mutatingadmissionpolicies"}.get(
            obj["kind"], "mutatingadmissionpolicybindings"
        )
        mutating.request("DELETE", f"/apis/{API}/{plural}/{obj['metadata']['name']}")


# ---- what needs no server ----


def _decide(obj, *world, operation="CREATE", namespace="n"):
    made = engine("admission", EngineOptions())
    labelled = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace, "labels": {"with": "p"}},
    }
    made.load({"objects": [labelled, *world]})
    review = _review(obj, namespace)
    review["request"] |= {"operation": operation}
    return made.answer(review)["response"]


def test_pod_security_and_validation_judge_what_mutation_made():
    level = {"pod-security.kubernetes.io/enforce": "restricted", "with": "p"}
    labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": level}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [{"name": "a", "image": "x"}]},
    }
    context = (
        "Object{spec: Object.spec{securityContext: Object.spec.securityContext{runAsNonRoot: true, "
        'seccompProfile: Object.spec.securityContext.seccompProfile{type: "RuntimeDefault"}}, '
        "containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, "
        "securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false}})}}"
    )
    drop = (
        "object.spec.containers.map(c, JSONPatch{op: 'add', path: '/spec/containers/0/securityContext/capabilities', "
        "value: Object.spec.containers.securityContext.capabilities{drop: ['ALL']}})"
    )
    PLURALS["Pod"] = ("", "v1", "pods")
    policy = _policy("p", "Pod", [_apply(context), _patch(drop)], {})
    assert _decide(pod, labelled)["allowed"] is False
    response = _decide(pod, labelled, *policy)
    assert response["allowed"] is True
    patched = apply_patch(pod, json.loads(base64.b64decode(response["patch"])))
    assert patched["spec"]["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_refusal_after_a_mutation_has_no_patch():
    validating = [
        {
            "apiVersion": f"{GROUP}/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "v"},
            "spec": {
                "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
                "validations": [{"expression": "!has(object.data.b)"}],
            },
        },
        {
            "apiVersion": f"{GROUP}/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "vb"},
            "spec": {"policyName": "v", "validationActions": ["Deny"]},
        },
    ]  # fmt: skip
    obj = {**CONFIG_MAP, "data": {"a": "1"}}
    assert _decide(obj, *validating)["allowed"] is True
    response = _decide(obj, *validating, *_policy("p", "ConfigMap", [_apply('Object{data: {"b": "1"}}')], {}))
    assert response["allowed"] is False
    assert "patch" not in response


def test_a_deletion_is_not_changed():
    policy = _policy("p", "ConfigMap", [_apply('Object{data: {"b": "1"}}')], {})
    policy[0]["spec"]["matchConstraints"]["resourceRules"][0]["operations"] = ["*"]
    response = _decide(CONFIG_MAP, *policy, operation="DELETE")
    assert (response["allowed"], "patch" in response) == (True, False)


def test_a_namespace_that_is_not_there_is_404():
    policy = _policy("p", "ConfigMap", [_apply('Object{data: {"b": "1"}}')], {})
    del policy[1]["spec"]["matchResources"]
    made = engine("admission", EngineOptions())
    made.load({"objects": policy})
    status = made.answer(_review(CONFIG_MAP, "gone"))["response"]["status"]
    assert (status["code"], status["reason"], status["message"]) == (
        404,
        "NotFound",
        'namespaces "gone" not found',
    )


def test_only_one_half_runs_where_the_line_says_so():
    policy = _policy("p", "ConfigMap", [_apply('Object{data: {"b": "1"}}')], {})
    made = engine("admission", EngineOptions())
    made.load({"objects": [_namespace("p"), *policy]})
    found = {
        phase: "patch"
        in made.answer(_review(CONFIG_MAP, "map-p") | ({"phase": phase} if phase else {}))["response"]
        for phase in ("", "mutating", "validating")
    }
    assert found == {"": True, "mutating": True, "validating": False}


def _in_force(cluster):
    last = list(CASES)[-1]
    obj = CASES[last][0]
    for _ in range(200):
        status, body = cluster.request("POST", _path(obj["kind"], f"map-{last}"), obj)
        if status == 201 and body["data"].get("zz") == "1":
            return
        time.sleep(0.05)
    raise TimeoutError("the mutating policies did not come into force")
