"""Mutations of kinds that are served in several versions, of kinds of other API servers, and of subresources.

Each is made by the real API server 1.34 and by the engine; what both make of the object is the same.
"""

from __future__ import annotations

import base64
import copy
import json
import time
from http.client import RemoteDisconnected

import pytest

from seawall.core.engine import EngineOptions
from seawall.core.errors import InputError
from seawall.policy.admission.typed import apply_patch
from seawall.policy.decide import engine

GROUP = "admissionregistration.k8s.io"
API = f"{GROUP}/v1beta1"
V1 = ("autoscaling", "v1", "horizontalpodautoscalers")
V2 = ("autoscaling", "v2", "horizontalpodautoscalers")
CORE_EVENT, NEW_EVENT = ("", "v1", "events"), ("events.k8s.io", "v1", "events")
TARGET = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 77}},
}
OTHERS = [
    {"type": "Pods", "pods": {"metric": {"name": "m<1>", "selector": {"matchLabels": {"b": "2", "a": "1"}}}, "target": {"type": "AverageValue", "averageValue": "1000m"}}},
    {"type": "Object", "object": {"metric": {"name": "o"}, "describedObject": {"kind": "Service", "name": "s", "apiVersion": "v1"}, "target": {"type": "Value", "value": "2k"}}},
    {"type": "External", "external": {"metric": {"name": "e"}, "target": {"type": "AverageValue", "averageValue": "3"}}},
    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 50}}},
    {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": {"type": "AverageValue", "averageValue": "100m"}}},
]  # fmt: skip
RULES = {"scaleUp": {"selectPolicy": "Min", "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}]}}


def _hpa(version, **spec):
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 9, **spec},
    }


def _crd(name):
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{name}.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": name, "kind": name.title()},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}}}]},
    }  # fmt: skip


EVENT = {
    "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "versions"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "versions"},
    "message": "hello", "reason": "R", "type": "Normal", "source": {"component": "c"}, "count": 2,
    "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:06Z",
}  # fmt: skip
NEW = {
    "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e", "namespace": "versions"}, "regarding": {"kind": "Pod", "name": "p", "namespace": "versions"},
    "note": "hello", "reason": "R", "type": "Normal", "action": "A", "eventTime": "2026-01-02T03:04:05.000006Z",
    "reportingController": "a.b/c", "reportingInstance": "i",
}  # fmt: skip
SERVICE = {
    "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.example.org"},
    "spec": {"group": "example.org", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, "insecureSkipTLSVerify": True, "service": {"name": "s", "namespace": "n"}},
}  # fmt: skip
POLICY = {
    "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 80, "protocol": "TCP"}]}]},
}  # fmt: skip
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "s"},
    "provisioner": "a.b/c",
    "reclaimPolicy": "Retain",
    "volumeBindingMode": "Immediate",
}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "q"},
    "spec": {"hard": {"pods": "5"}},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s"},
    "type": "Opaque",
    "data": {"a": "eA=="},
}
BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "b"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}},
}
LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "l"},
    "spec": {"holderIdentity": "a"},
}
DRIVER = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": "c"},
    "spec": {"attachRequired": False, "volumeLifecycleModes": ["Persistent"]},
}


def _apply(expression):
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


def _patch(*operations):
    made = ", ".join(
        "JSONPatch{" + ", ".join(f"{key}: {value}" for key, value in each.items()) + "}"
        for each in operations
    )
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{made}]"}}


def _op(op, path, value=None):
    return {"op": f"'{op}'", "path": f"'{path}'"} | ({} if value is None else {"value": value})


MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "x"}}
CASES = {
    "autoscaler-v2-as-v1": (_hpa("v2", metrics=[CPU, *OTHERS], behavior=RULES), V1, _apply("Object{spec: Object.spec{targetCPUUtilizationPercentage: object.spec.targetCPUUtilizationPercentage + 1}}")),
    "autoscaler-v2-as-v1-annotations": (_hpa("v2", metrics=[CPU, *OTHERS], behavior=RULES), V1, _apply("Object{metadata: Object.metadata{labels: {'n': string(object.metadata.annotations.size()), 'm': string(object.metadata.annotations['autoscaling.alpha.kubernetes.io/metrics'].size()), 'b': string(object.metadata.annotations['autoscaling.alpha.kubernetes.io/behavior'].size())}}}")),
    "autoscaler-v2-as-v1-without": (_hpa("v2", metrics=[OTHERS[0]]), V1, _patch(_op("remove", "/metadata/annotations/autoscaling.alpha.kubernetes.io~1metrics"))),
    "autoscaler-v2-as-v1-removed": (_hpa("v2", metrics=[CPU]), V1, _patch(_op("remove", "/spec/targetCPUUtilizationPercentage"))),
    "autoscaler-v1-as-v2": (_hpa("v1", targetCPUUtilizationPercentage=60), V2, _apply("Object{spec: Object.spec{maxReplicas: 12, minReplicas: 2}}")),
    "autoscaler-v1-as-v2-metrics": (_hpa("v1", targetCPUUtilizationPercentage=60), V2, _patch(_op("add", "/spec/metrics/-", "Object.spec.metrics{type: 'Resource', resource: Object.spec.metrics.resource{name: 'memory', target: Object.spec.metrics.resource.target{type: 'AverageValue', averageValue: '1024Mi'}}}"))),
    "autoscaler-v1-as-v2-behavior": (_hpa("v1", targetCPUUtilizationPercentage=60), V2, _apply("Object{spec: Object.spec{behavior: Object.spec.behavior{scaleDown: Object.spec.behavior.scaleDown{stabilizationWindowSeconds: 7}}}}")),
    "autoscaler-v2-own": (_hpa("v2", metrics=[CPU]), V2, _patch(_op("remove", "/spec/metrics"))),
    "event-as-new": (EVENT, NEW_EVENT, _apply("Object{note: object.note + '!', metadata: Object.metadata{labels: {'k': string(object.regarding.kind), 'd': string(object.deprecatedCount), 'has': string(has(object.eventTime))}}}")),
    "event-as-core": (NEW, CORE_EVENT, _apply("Object{message: object.message + '!', metadata: Object.metadata{labels: {'k': string(object.involvedObject.kind), 'c': object.reportingComponent.replace('/', '-'), 's': string(has(object.source))}}}")),
    "api-service": (SERVICE, ("apiregistration.k8s.io", "v1", "apiservices"), _apply("Object{spec: Object.spec{groupPriorityMinimum: 7, service: Object.spec.service{name: 't'}}}")),
    "api-service-port": (SERVICE, ("apiregistration.k8s.io", "v1", "apiservices"), _patch(_op("remove", "/spec/service/port"), _op("replace", "/spec/versionPriority", "9"))),
    "api-service-unknown": (SERVICE, ("apiregistration.k8s.io", "v1", "apiservices"), _apply("Object{spec: Object.spec{nothing: 7}}")),
    "definition": (_crd("apples"), ("apiextensions.k8s.io", "v1", "customresourcedefinitions"), _apply("Object{metadata: Object.metadata{labels: {'a': 'b'}}}")),
    "definition-patched": (_crd("pears"), ("apiextensions.k8s.io", "v1", "customresourcedefinitions"), _patch(_op("add", "/spec/names/shortNames", "['p']"), _op("remove", "/spec/conversion"), _op("remove", "/spec/names/listKind"))),
    "definition-atomic": (_crd("plums"), ("apiextensions.k8s.io", "v1", "customresourcedefinitions"), _apply("Object{spec: Object.spec{names: Object.spec.names{shortNames: ['p']}}}")),
    "network-policy": (POLICY, ("networking.k8s.io", "v1", "networkpolicies"), _patch(_op("remove", "/spec/policyTypes"), _op("add", "/spec/egress", "[{'ports': [{'port': 53}]}]"))),
    "storage-class": (CLASS, ("storage.k8s.io", "v1", "storageclasses"), _patch(_op("remove", "/reclaimPolicy"))),
    "quota": (QUOTA, ("", "v1", "resourcequotas"), _patch(_op("add", "/spec/hard/cpu", "'1000m'"), _op("add", "/spec/hard/memory", "'1024Mi'"))),
    "secret": (SECRET, ("", "v1", "secrets"), _patch(_op("add", "/stringData", "{'b': 'y'}"))),
    "secret-bytes": (SECRET, ("", "v1", "secrets"), _patch(_op("add", "/data/b", "'not base64'"))),
    "secret-bytes-applied": (SECRET, ("", "v1", "secrets"), _apply("Object{data: {'b': 'not base64'}}")),
    "secret-bytes-good": (SECRET, ("", "v1", "secrets"), _apply("Object{data: {'b': 'eQ=='}}")),
    "secret-bytes-short": (SECRET, ("", "v1", "secrets"), _patch(_op("add", "/data/b", "'eQ='"))),
    "binary": (MAP, ("", "v1", "configmaps"), _patch(_op("add", "/binaryData", "{'b': 'x y'}"))),
    "service-bundle": (SERVICE, ("apiregistration.k8s.io", "v1", "apiservices"), _patch(_op("add", "/spec/caBundle", "'&'"))),
    "service-bundle-applied": (SERVICE, ("apiregistration.k8s.io", "v1", "apiservices"), _apply("Object{spec: Object.spec{caBundle: '&'}}")),
    "lease-time": (LEASE, ("coordination.k8s.io", "v1", "leases"), _patch(_op("add", "/spec/renewTime", "'yesterday'"))),
    "lease-time-applied": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{renewTime: 'yesterday'}}")),
    "lease-number": (LEASE, ("coordination.k8s.io", "v1", "leases"), _patch(_op("add", "/spec/leaseDurationSeconds", "1.5"))),
    "lease-number-applied": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{leaseDurationSeconds: 1.5}}")),
    "quota-amount": (QUOTA, ("", "v1", "resourcequotas"), _patch(_op("add", "/spec/hard/cpu", "'many'"))),
    "quota-amount-applied": (QUOTA, ("", "v1", "resourcequotas"), _apply("Object{spec: Object.spec{hard: {'cpu': 'many'}}}")),
    "quota-number": (QUOTA, ("", "v1", "resourcequotas"), _patch(_op("add", "/spec/hard/cpu", "2"))),
    "secret-bytes-lines": (SECRET, ("", "v1", "secrets"), _patch(_op("add", "/data/b", "'eQ\\n=='"))),
    "objects-listed": (SECRET, ("", "v1", "secrets"), _patch(_op("add", "/metadata/ownerReferences", "[Object.metadata.ownerReferences{apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u'}]"))),
    "objects-mapped": (SECRET, ("", "v1", "secrets"), _patch(_op("add", "/metadata/annotations", "{'a': Object.metadata{}}"))),
    "lease-zone": (LEASE, ("coordination.k8s.io", "v1", "leases"), _patch(_op("add", "/spec/renewTime", "'2026-01-02T03:04:05.678901+02:00'"))),
    "lease-zone-applied": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{renewTime: '2026-01-02T03:04:05.678901+02:00'}}")),
    "lease-whole": (LEASE, ("coordination.k8s.io", "v1", "leases"), _patch(_op("add", "/spec/leaseDurationSeconds", "2.0"))),
    "lease-whole-applied": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{leaseDurationSeconds: 2.0}}")),
    "lease-large": (LEASE, ("coordination.k8s.io", "v1", "leases"), _patch(_op("add", "/spec/leaseDurationSeconds", "3000000000"))),
    "lease-large-applied": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{leaseDurationSeconds: 4294967301}}")),
    "quota-suffix": (QUOTA, ("", "v1", "resourcequotas"), _patch(_op("add", "/spec/hard/cpu", "'1Kii'"))),
    "budget-half": (BUDGET, ("policy", "v1", "poddisruptionbudgets"), _patch(_op("add", "/spec/minAvailable", "1.5"))),
    "budget-half-applied": (BUDGET, ("policy", "v1", "poddisruptionbudgets"), _apply("Object{spec: Object.spec{minAvailable: 1.5}}")),
    "lease-time-number": (LEASE, ("coordination.k8s.io", "v1", "leases"), _patch(_op("add", "/spec/renewTime", "5"))),
    "lease-time-number-applied": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{renewTime: 5}}")),
    "budget": (BUDGET, ("policy", "v1", "poddisruptionbudgets"), _apply("Object{spec: Object.spec{minAvailable: '50%'}}")),
    "lease": (LEASE, ("coordination.k8s.io", "v1", "leases"), _apply("Object{spec: Object.spec{leaseDurationSeconds: 5}}")),
    "driver": (DRIVER, ("storage.k8s.io", "v1", "csidrivers"), _patch(_op("remove", "/spec/volumeLifecycleModes"), _op("remove", "/spec/attachRequired"))),
}  # fmt: skip
PANIC = (
    "Internal error occurred: the API server panics here and closes the connection: before 1.35 a JSONPatch's "
    "value may hold no Object in a list or a map"
)
CLUSTER = {"apiservices", "customresourcedefinitions", "storageclasses", "csidrivers"}
PLURALS = {
    "HorizontalPodAutoscaler": "horizontalpodautoscalers", "Event": "events", "APIService": "apiservices",
    "CustomResourceDefinition": "customresourcedefinitions", "NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses",
    "ResourceQuota": "resourcequotas", "Secret": "secrets", "ConfigMap": "configmaps", "PodDisruptionBudget": "poddisruptionbudgets", "Lease": "leases",
    "CSIDriver": "csidrivers",
}  # fmt: skip
_OWN = ("uid", "creationTimestamp", "generation", "resourceVersion", "managedFields")


def _objects(name, rule, mutation):
    group, version, resource = rule
    rules = [
        {"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": [resource]}
    ]
    spec = {
        "matchConstraints": {"resourceRules": rules, "objectSelector": {"matchLabels": {"case": name}}},
        "mutations": [mutation], "reinvocationPolicy": "Never", "failurePolicy": "Fail",
    }  # fmt: skip
    return [
        {"apiVersion": API, "kind": "MutatingAdmissionPolicy", "metadata": {"name": f"v-{name}"}, "spec": spec},
        {"apiVersion": API, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": f"v-{name}"}, "spec": {"policyName": f"v-{name}"}},
    ]  # fmt: skip


def _path(obj):
    api, plural = obj["apiVersion"], PLURALS[obj["kind"]]
    base = f"/apis/{api}" if "/" in api else f"/api/{api}"
    return f"{base}{'' if plural in CLUSTER else '/namespaces/versions'}/{plural}"


def _labelled(obj, **labels):
    made = copy.deepcopy(obj)
    made["metadata"]["labels"] = labels
    return made


def _plain(obj):
    found = copy.deepcopy(obj)
    for key in _OWN:
        found["metadata"].pop(key, None)
    found["metadata"].pop("namespace", None)
    if "storedVersions" not in (found.get("status") or {}):
        found.pop("status", None)
    return _filled(found)


def _filled(value):
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _filled(item)) not in (None, "", [], {})}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _review(obj):
    group, _, version = obj["apiVersion"].rpartition("/")
    plural = PLURALS[obj["kind"]]
    request = {
        "uid": "u", "operation": "CREATE", "name": obj["metadata"]["name"],
        "kind": {"group": group, "version": version, "kind": obj["kind"]},
        "resource": {"group": group, "version": version, "resource": plural},
        "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters"]}, "object": obj,
    }  # fmt: skip
    if plural not in CLUSTER:
        request["namespace"] = "versions"
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def _cut(message):
    head, mark, _ = message.partition("failed to convert patch object to typed object: ")
    return head + mark


def _mine(decide, obj):
    response = decide.answer(_review(obj))["response"]
    if not response["allowed"]:
        status = response["status"]
        return status["code"], status["reason"], _cut(status["message"])
    patch = json.loads(base64.b64decode(response["patch"])) if "patch" in response else []
    return 201, _plain(apply_patch(obj, patch))


@pytest.mark.live
def test_other_versions_and_kinds_are_changed_as_by_the_real_server(mutating_cluster):
    server = mutating_cluster
    namespace = server.request(
        "POST",
        "/api/v1/namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "versions"}},
    )[1]
    world = [namespace]
    for name, (_, rule, mutation) in CASES.items():
        for made, plural in zip(
            _objects(name, rule, mutation), ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"), strict=True
        ):  # fmt: skip
            status, body = server.request("POST", f"/apis/{API}/{plural}", made)
            assert status == 201, (name, body)
            world.append(body)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": world})
    last = list(CASES)[-1]
    for _ in range(200):
        _, body = server.request(
            "POST", f"{_path(CASES[last][0])}?dryRun=All", _labelled(CASES[last][0], case=last)
        )
        if body["spec"].get("attachRequired"):
            break
        time.sleep(0.05)
    time.sleep(6)  # the server polls for the schemas of other API servers every five seconds
    different = []
    for name, (obj, _, _) in CASES.items():
        given = _labelled(obj, case=name)
        try:
            status, body = server.request("POST", f"{_path(obj)}?dryRun=All", given)
        except RemoteDisconnected:
            # The server's log has a panic in `evaluatePatchExpression`.
            status, body = 500, {"reason": "InternalError", "message": PANIC}
        theirs = (201, _plain(body)) if status == 201 else (status, body.get("reason"), _cut(body["message"]))
        # What the policies see has its defaults: the same object, which no policy selects.
        plain = server.request("POST", f"{_path(obj)}?dryRun=All", _labelled(obj, case="none"))[1]
        plain = _labelled(plain, case=name)
        for key in _OWN:
            plain["metadata"].pop(key, None)
        plain.pop("status", None)
        mine = _mine(decide, plain)
        if mine != theirs:
            different.append(f"{name}\n  mine   {mine}\n  theirs {theirs} {body.get('message', '')}")
    assert different == [], "\n".join(different)


def test_what_a_conversion_webhook_would_say_is_refused_with_the_reason():
    crd = _crd("webhooked")
    crd["spec"]["versions"].append({**crd["spec"]["versions"][0], "name": "v2", "storage": False})
    crd["spec"]["conversion"] = {
        "strategy": "Webhook",
        "webhook": {"clientConfig": {"url": "https://a.b/c"}, "conversionReviewVersions": ["v1"]},
    }
    policy, binding = _objects("c", ("example.com", "v2", "webhooked"), _apply("Object{}"))
    decide = engine("admission", EngineOptions())
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "versions"}}
    decide.load({"objects": [crd, policy, binding, namespace]})
    obj = {
        "apiVersion": "example.com/v1",
        "kind": "Webhooked",
        "metadata": {"name": "w", "labels": {"case": "c"}},
    }
    review = _review(obj | {"kind": "Secret"})
    review["request"] |= {
        "kind": {"group": "example.com", "version": "v1", "kind": "Webhooked"},
        "resource": {"group": "example.com", "version": "v1", "resource": "webhooked"}, "object": obj,
    }  # fmt: skip
    with pytest.raises(InputError) as raised:
        decide.answer(review)
    assert raised.value.code == "conversion-webhook"
    assert "by a webhook of its own" in raised.value.message
